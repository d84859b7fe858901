"""Training, measuring and baselines on made-up sentences."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from reverie.contrast.text import pairs as sentences
from reverie.contrast.text.config import TextTask
from reverie.contrast.text.encoders import MeanOfWords, new_encoder, train_encoder
from reverie.contrast.text.lexicon import bucketed_batches
from reverie.contrast.text.task import TextContrast, open_task
from reverie.errors import ConfigError, DataError, NotFinite
from reverie.nn.sentences import encoded
from reverie.objectives import ScoreLoss, create_loss
from reverie.objectives.config import ADNCE, ByRadius, InfoNCE
from reverie.objectives.contrastive import contrast
from reverie.seeds import seed_torch

if TYPE_CHECKING:
    from reverie.contrast.text.pairs import TextData

SMALL = TextTask(
    kind="text", data="synthetic", dim=32, buckets=1024, rarity=False, dropout=0.3, epochs=4, batch_size=64, learning_rate=0.01,
    evaluate_every=8,
)  # fmt: skip
INFO_NCE = InfoNCE(kind="info_nce", temperature=0.1)


@pytest.fixture(scope="module")
def data() -> TextData:
    return sentences.synthetic_data()


@pytest.fixture(scope="module")
def task(data: TextData) -> TextContrast:
    return TextContrast(SMALL, data, torch.device("cpu"))


def _quiet(line: str) -> None:
    assert "\n" not in line


def test_options_are_readable_without_torch() -> None:
    code = "import sys, reverie.contrast.text.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(ValidationError, match="set encoder to minilm"):
        TextTask(kind="text", weights="here")


def test_a_training_is_learned_selected_and_measured(task: TextContrast) -> None:
    lines: list[str] = []
    outcome = task.train(create_loss(INFO_NCE), 0, lines.append)
    untrained, raw = (task.baseline(name, 0, _quiet) for name in ("untrained", "raw"))
    assert lines[0].startswith("800 sentences; 0 more")
    assert [line.split(":")[0] for line in lines[1:]] == [f"step {step} of 48" for step in (8, 16, 24, 32, 40, 48)]
    seen = [float(line.split("dev ")[1].split(",")[0]) for line in lines[1:]]
    assert outcome.selection == pytest.approx(max(seen), abs=5e-5)
    assert outcome.epoch == -(-8 * (seen.index(max(seen)) + 1) // 12)
    assert outcome.selection > untrained.selection + 0.3
    assert outcome.selection > raw.selection + 0.1
    assert list(outcome.metrics) == ["sts_b", "sick_r", "sts_mean"]
    measure = outcome.metrics["sts_b"]
    assert measure.low is not None
    assert measure.high is not None
    assert measure.low < measure.value < measure.high
    assert (measure.n, measure.interval) == (300, "bootstrap(1000)")
    assert measure.value > untrained.metrics["sts_b"].value + 0.3
    assert len(outcome.cosines) == 21
    assert list(outcome.cosines) == sorted(outcome.cosines)
    assert -1 <= outcome.cosines[0] < outcome.cosines[10] < 0.5
    assert (untrained.epoch, untrained.cosines, raw.epoch) == (None, (), None)

    assert task.train(create_loss(INFO_NCE), 0, _quiet) == outcome
    assert task.train(create_loss(INFO_NCE), 1, _quiet).selection != outcome.selection


def test_names_and_unknown_baselines(task: TextContrast, data: TextData) -> None:
    opened = open_task(SMALL)
    assert (opened.dataset, opened.protocol, opened.baselines) == ("synthetic", "spearman", ("untrained", "raw"))
    assert opened.sha256 == task.sha256 == data.sha256()
    with pytest.raises(ConfigError, match="pretrained"):
        task.baseline("pretrained", 0, _quiet)


def _recorded(seen: list[Tensor], change: float) -> Callable[..., Tensor]:
    def loss(positive: Tensor, negative: object, **options: object) -> Tensor:
        seen.append(positive.detach().clone())
        return positive * 0 + change * positive.sum()

    return loss


def test_two_losses_at_one_seed_are_a_pair(data: TextData) -> None:
    seen: list[list[Tensor]] = [[], []]
    for log, change in zip(seen, (0.0, 1e-9), strict=True):
        encoder = new_encoder(SMALL, data.sentences, 3, pretrained=True)
        loss = ScoreLoss(_recorded(log, change), 0.1)
        train_encoder(encoder, encoder.tokens(data.sentences), loss, lambda: 0.0, SMALL, 3, _quiet)
        torch.rand(1)  # what is drawn in between does not matter
    assert len(seen[0]) == 48
    torch.testing.assert_close(seen[0][0], seen[1][0], rtol=0, atol=0)  # the same weights, order and dropout
    steps = torch.stack(seen[0])
    assert steps.std() > 0.01
    assert not torch.equal(seen[0][0], seen[0][1])


def test_a_step_is_that_of_two_dropouts_in_one_direction(data: TextData) -> None:
    config = SMALL.model_copy(update={"epochs": 1, "batch_size": 64})
    tokens_of = new_encoder(config, data.sentences, 5, pretrained=True)
    few = tokens_of.tokens(data.sentences[:10])  # fewer than a batch: all of them
    best, epoch, cosines = train_encoder(tokens_of, few, create_loss(INFO_NCE), lambda: 0.5, config, 5, _quiet)
    assert (best, epoch, len(cosines)) == (0.5, 1, 90)

    other = new_encoder(config, data.sentences, 5, pretrained=True).train()
    other.tokens(data.sentences[:10])
    (order,) = bucketed_batches(few.lengths, 10, 5, 0)
    ids, mask = few.padded(order)
    seed_torch(5, "text step", 0, 0)
    first, second = other(ids.repeat(2, 1), mask.repeat(2, 1)).chunk(2)
    adam = torch.optim.Adam(other.parameters(), lr=config.learning_rate or 0)
    contrast(create_loss(INFO_NCE), first, second, temperature=None).backward()  # one weight has a gradient of rounding alone
    adam.step()
    for ours, naive in zip(tokens_of.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, naive)
    matrix = torch.nn.functional.cosine_similarity(first[:, None], second[None], dim=-1)
    torch.testing.assert_close(cosines, matrix[~torch.eye(10, dtype=torch.bool)].detach())


def test_the_best_weights_are_kept(data: TextData) -> None:
    encoder = new_encoder(SMALL, data.sentences, 0, pretrained=True)
    tokens, kept, values = encoder.tokens(data.sentences), [], iter([0.1, 0.7, 0.3, 0.7, 0.2, 0.0])

    def value() -> float:
        kept.append(encoded(encoder, tokens))
        return next(values)

    best, epoch, _ = train_encoder(encoder, tokens, create_loss(INFO_NCE), value, SMALL, 0, _quiet)
    assert (best, epoch) == (0.7, 2)  # step 16 of 12 a pass
    torch.testing.assert_close(encoded(encoder, tokens), kept[1])
    assert not torch.allclose(kept[1], kept[3])


def test_a_loss_is_not_changed(data: TextData) -> None:
    loss = create_loss(ADNCE(kind="adnce", variant="sentence", temperature=ByRadius(kind="learned", radius=0.3), mu=0.4, sigma=1.0))
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    config = SMALL.model_copy(update={"epochs": 1})
    encoder = new_encoder(config, data.sentences, 0, pretrained=True)
    train_encoder(encoder, encoder.tokens(data.sentences), loss, lambda: 0.0, config, 0, _quiet)
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())


def test_a_training_that_runs_away_says_so(data: TextData) -> None:
    encoder = new_encoder(SMALL, data.sentences, 0, pretrained=True)
    tokens = encoder.tokens(data.sentences)
    endless = ScoreLoss(lambda positive, negative, **options: positive * float("inf"), 0.1)
    with pytest.raises(NotFinite, match="step 1;"):
        train_encoder(encoder, tokens, endless, lambda: 0.0, SMALL, 0, _quiet)
    assert isinstance(encoder, MeanOfWords)
    torch.nn.init.constant_(encoder.table, float("nan"))
    with pytest.raises(NotFinite, match="vectors"):
        train_encoder(encoder, tokens, create_loss(INFO_NCE), lambda: 0.0, SMALL, 0, _quiet)


def test_made_up_sentences_are_always_the_same(data: TextData) -> None:
    again = sentences.synthetic_data()
    assert again.sha256() == data.sha256()
    assert set(data.valid.scores.tolist()) == {0.0, 1.0, 2.0}
    assert len({word for sentence in data.sentences for word in sentence.split()}) == sentences.TOPICS * sentences.WORDS + 6


def test_a_transformer_needs_its_package_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TextTask(kind="text", data="synthetic", encoder="minilm", weights=str(tmp_path))
    task = open_task(config)
    assert task.baselines == ("untrained", "raw", "pretrained")
    with pytest.raises(DataError, match=r"has no config\.json"):
        task.baseline("pretrained", 0, _quiet)
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path))
    monkeypatch.setenv("REVERIE_OFFLINE", "1")
    with pytest.raises(DataError, match="offline"):
        open_task(config.model_copy(update={"weights": None})).baseline("pretrained", 0, _quiet)
