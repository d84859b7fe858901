from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from reverie.data.split import Split
from reverie.errors import ConfigError, DataError, RunError
from reverie.evaluation import evaluate
from reverie.models import create_model
from reverie.testing import tiny_split
from reverie.training import TrainingConfig, fit

if TYPE_CHECKING:
    from reverie.protocols import Recommender

EXPECTED = Path(__file__).parent.parent / "expected" / "sasrec.json"
SMALL: dict[str, Any] = {"dim": 16, "history": 8, "dropout": 0.1}
FAST: dict[str, Any] = {"batch_size": 16, "learning_rate": 0.01, "device": "cpu", "show": False}


@pytest.fixture
def split() -> Split:
    return tiny_split()


def _model(split: Split, **options: Any) -> Recommender:
    return create_model("sasrec", split, **(SMALL | options))


def _weights(model: Recommender) -> dict[str, torch.Tensor]:
    assert isinstance(model, torch.nn.Module)
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_the_first_losses_are_as_expected(split: Split) -> None:
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    fitted = fit(_model(split), split, epochs=5, **FAST)
    assert [row["loss"] for row in fitted.history] == pytest.approx(expected["loss"], rel=1e-4)


def test_the_best_weights_are_put_back_and_patience_stops(split: Split) -> None:
    model = _model(split)
    fitted = fit(model, split, epochs=60, patience=3, **FAST)
    values = [row["valid_ndcg@10"] for row in fitted.history]
    assert fitted.best_value == max(values)
    assert fitted.best_epoch == values.index(max(values)) + 1
    assert len(values) == min(60, fitted.best_epoch + 3)
    assert evaluate(model, split.valid, top=0).value("ndcg@10") == pytest.approx(fitted.best_value, abs=1e-12)


def test_validation_need_not_follow_every_epoch(split: Split) -> None:
    fitted = fit(_model(split), split, epochs=5, validate_every=2, validation_queries=20, metric="recall@5", **FAST)
    assert [row["epoch"] for row in fitted.history if "valid_recall@5" in row] == [2, 4, 5]


def test_refitting_runs_all_epochs_and_measures_nothing(split: Split) -> None:
    model = _model(split)
    fitted = fit(model, split, epochs=3, on="train+valid", **FAST)
    assert [sorted(row) for row in fitted.history] == [["epoch", "loss", "seconds"]] * 3
    assert (fitted.best_epoch, fitted.best_value) == (3, None)
    other = _model(split)
    fit(other, split, epochs=3, patience=10, **FAST)
    assert any(not torch.equal(value, _weights(other)[name]) for name, value in _weights(model).items())


def test_half_precision_trains(split: Split) -> None:
    fitted = fit(_model(split), split, epochs=3, precision="bf16", **FAST)
    losses = [row["loss"] for row in fitted.history]
    assert losses[-1] < losses[0]
    assert all(math.isfinite(loss) for loss in losses)


@pytest.mark.parametrize(
    "change", [{"weight_decay": 0.5}, {"clip": 0.01}, {"schedule": "cosine"}, {"warmup_steps": 9}, {"seed": 1}]
)
def test_each_option_has_an_effect(split: Split, change: dict[str, Any]) -> None:
    plain, changed = _model(split), _model(split)
    fit(plain, split, epochs=2, **FAST)
    fit(changed, split, epochs=2, **(FAST | change))
    assert any(not torch.equal(value, _weights(changed)[name]) for name, value in _weights(plain).items())


def test_a_checkpoint_of_another_model_is_refused(split: Split, tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 2, "checkpoint_seconds": 0, "folder": tmp_path, **FAST}
    fit(_model(split), split, **options)
    with pytest.raises(RunError, match="belongs to another model; delete"):
        fit(_model(split, dim=8), split, **options)
    (tmp_path / "state" / "state.json").write_text('{"format": 7}')
    with pytest.raises(RunError, match=r"state\.json has no 'epoch'; delete"):
        fit(_model(split), split, **options)


def test_a_loss_that_is_not_finite_is_said_in_one_sentence(split: Split) -> None:
    model = _model(split)
    assert isinstance(model, torch.nn.Module)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(RunError, match=r"the loss became nan in epoch 1, step 1; use a smaller learning rate"):
        fit(model, split, epochs=1, **FAST)


def test_unknown_options_and_data_without_examples(split: Split) -> None:
    with pytest.raises(ConfigError, match=r"unknown option 'epoch' \(did you mean 'epochs'\?\)"):
        fit(_model(split), split, epoch=3, **FAST)
    with pytest.raises(ConfigError, match=r"device 'cuda:77' cannot be used"):
        fit(_model(split), split, epochs=1, **(FAST | {"device": "cuda:77"}))
    alone = split.train.take(split.train.lengths.argsort()[:0])
    empty = Split(alone, split.valid, split.test, alone, split.protocol, split.dataset, split.sha256)
    with pytest.raises(DataError, match="no training example"):
        fit(_model(split), empty, epochs=1, **FAST)


def test_a_counting_model_has_no_epochs(split: Split) -> None:
    fitted = fit(create_model("markov", split), split, TrainingConfig(epochs=3), show=False)
    assert (fitted.best_epoch, fitted.history) == (None, [])
