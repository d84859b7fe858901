from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from reverie.options import checked
from reverie.training import TrainingConfig
from reverie.training.checkpoint import Best, MetricsLog
from reverie.training.loop import StepClock, Trainer
from reverie.training.optimiser import Optimisers, learning_rate

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


def _config(**values: object) -> TrainingConfig:
    return checked(TrainingConfig, values, "training")


def test_the_learning_rate_warms_up_and_falls_along_a_cosine() -> None:
    config = _config(learning_rate=0.8, warmup_steps=4, schedule="cosine")
    assert [learning_rate(config, step, 12) for step in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    expected = [0.4 * (1 + math.cos(math.pi * n / 8)) for n in range(9)]
    assert [learning_rate(config, 4 + n, 12) for n in range(9)] == pytest.approx(expected)
    assert learning_rate(config, 40, 12) == pytest.approx(0)


def test_the_learning_rate_is_constant_unless_asked_otherwise() -> None:
    assert {learning_rate(_config(learning_rate=0.5), step, 10) for step in (0, 5, 9, 99)} == {0.5}
    assert learning_rate(_config(learning_rate=0.5, warmup_steps=2), 0, 10) == 0.25


def test_the_best_weights_are_copies_and_patience_runs_out() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    best = Best(patience=2)
    for epoch, (value, weight) in enumerate([(0.1, 1.0), (0.3, 2.0), (0.3, 3.0), (0.2, 4.0)], start=1):
        torch.nn.init.constant_(model.weight, weight)
        assert not best.exhausted
        best.update(value, epoch, model)
        assert best.epoch == min(epoch, 2)
    assert best.exhausted
    assert (best.epoch, best.value) == (2, 0.3)
    assert best.weights["weight"].item() == 2.0
    assert best.numbers() == {"patience": 2, "value": 0.3, "epoch": 2, "waited": 2}
    assert Best(3).numbers()["value"] is None


def test_the_log_is_cut_back_to_the_checkpoint_and_survives_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"epoch": 1, "loss": 2.0}\n{"epoch": 2, "loss": 1.5}\n{"epoch": 3, "lo')
    log = MetricsLog(tmp_path, epochs_done=1)
    assert [row["epoch"] for row in log.rows] == [1]
    log.add({"epoch": 2, "loss": 1.0})
    log.close()
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}]
    assert list((tmp_path / "tensorboard").iterdir())


def test_without_a_folder_rows_stay_in_memory() -> None:
    log = MetricsLog(None)
    log.add({"epoch": 1, "loss": 2.0})
    log.close()
    assert log.rows == [{"epoch": 1, "loss": 2.0}]


@pytest.mark.parametrize(
    ("seconds", "steps", "estimate"),
    [
        ([9.0, 6.0, *[0.04] * 9], 11, 0.04),  # a slow start
        ([30.0, 30.0, 20.0], 3, 20.0),  # long steps: the second and the third
        ([0.1, 40.0, 0.04], 3, 0.04),
    ],
)
def test_an_estimate_is_not_skewed_by_a_slow_start(
    seconds: list[float], steps: int, estimate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, clock = 0.0, StepClock()
    monkeypatch.setattr("reverie.training.loop.time.monotonic", lambda: now)
    ready = []
    for one in seconds:
        clock.start()
        now += one
        ready.append(clock.stop())
    assert ready == [False] * (steps - 1) + [True]
    assert clock.seconds == pytest.approx(estimate)
    clock.start()
    assert not clock.stop()


class _Vectors:
    """A batch that is no sequence."""

    def __init__(self, values: torch.Tensor) -> None:
        self.values = values

    def to(self, device: torch.device) -> _Vectors:
        return _Vectors(self.values.to(device))


class _Points:
    """A source of 24 points."""

    def __len__(self) -> int:
        return 24

    def batch(self, index: NDArray[np.int64]) -> _Vectors:
        return _Vectors(torch.from_numpy(index).float())


class _Mean(torch.nn.Module):
    """A model that learns the mean of points."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = torch.nn.Parameter(torch.zeros(()))

    def loss(self, batch: _Vectors) -> dict[str, torch.Tensor]:
        return {"square": (batch.values - self.centre).square().mean()}


class _Lines:
    """Progress that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def advance(self, text: str = "") -> None:
        pass

    def line(self, text: str) -> None:
        self.lines.append(text)


def _trainer(folder: Path | None, measure: Callable[[], float] | None = None, **options: object) -> Trainer:
    return Trainer(_Mean(), _Points(), _config(batch_size=2, **options), measure, folder, torch.device("cpu"))


def test_a_metric_that_is_not_defined_chooses_nothing_and_is_told_once() -> None:
    trainer, shown = _trainer(None, lambda: math.nan, epochs=5, patience=2, metric="auc"), _Lines()
    assert len(trainer.run(shown).rows) == 5
    assert (trainer.best.epoch, trainer.best.weights) == (0, {})
    assert sum("auc is not defined on these validation queries" in line for line in shown.lines) == 1
    sometimes = iter([math.nan, 0.2, 0.1, 0.3])
    trainer = _trainer(None, lambda: next(sometimes), epochs=4, patience=2)
    rows = trainer.run(_Lines()).rows
    assert [row.get("valid_ndcg@10") for row in rows] == [None, 0.2, 0.1, 0.3]
    assert (trainer.best.epoch, trainer.best.value) == (4, 0.3)


@pytest.mark.parametrize("cut", [1, 2])
def test_a_resumed_fp16_training_scales_its_loss_at_the_same_steps(tmp_path: Path, cut: int) -> None:
    """12 steps an epoch, and the scale is to grow after 20 good ones: neither at the cut nor after it from scratch."""
    scales = {}
    for name, parts in (("cut", (cut, 4)), ("whole", (4,))):
        for epochs in parts:
            trainer = _trainer(tmp_path / name, epochs=epochs, precision="fp16", checkpoint_seconds=0, learning_rate=0.1)
            trainer._scaler.set_growth_interval(20)
            log = trainer.run(_Lines())
        scales[name] = trainer._scaler.state_dict(), [row["loss"] for row in log.rows]
    assert scales["cut"] == scales["whole"]
    assert scales["whole"][0]["scale"] == 4 * 2**16
    assert scales["whole"][0]["_growth_tracker"] == 48 - 40


def test_what_is_not_trained_is_not_given_to_the_optimiser() -> None:
    model = torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2).requires_grad_(False)])
    groups = Optimisers(model, _config(weight_decay=0.5)).parts[0].param_groups
    assert [id(p) for group in groups for p in group["params"]] == [id(p) for p in model[0].parameters()]


def test_any_source_of_batches_is_trained_on_and_a_resumed_training_estimates_what_is_left(tmp_path: Path) -> None:
    options = {"batch_size": 2, "learning_rate": 0.1, "checkpoint_seconds": 0}
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    losses = {}
    for folder, epochs, lines in ((cut, 2, 1), (cut, 6, 2), (whole, 6, 1)):
        model, shown = _Mean(), _Lines()
        trainer = Trainer(model, _Points(), _config(epochs=epochs, **options), None, folder, torch.device("cpu"))
        log = trainer.run(shown)
        losses[folder] = [row["loss"] for row in log.rows]
        assert len(shown.lines) == lines
        left = 4 if lines == 2 else epochs
        assert "1 weights" in shown.lines[-1]
        assert "24 examples, about " in shown.lines[-1]
        assert f"for {left} epochs" in shown.lines[-1]
    assert losses[cut] == losses[whole]
