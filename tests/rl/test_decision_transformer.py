"""Decision transformer: returns-to-go, loss against one state at a time, what a return asked for changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch

from reverie.data.batch import SequenceBatch, history_batch
from reverie.data.plans import create_plan
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.rl.decision_transformer import DecisionTransformer
from reverie.rl.returns import returns_to_go
from reverie.testing import tiny_split
from reverie.training import TrainingConfig
from reverie.training.loop import Trainer, training_source

if TYPE_CHECKING:
    from reverie.data.split import Split

SMALL: dict[str, Any] = {"dim": 8, "blocks": 1, "history": 6, "dropout": 0.0, "objective": {"kind": "full_softmax"}}


def transformer(split: Split | Vocabulary, **options: Any) -> DecisionTransformer:
    model = create_model("decision-transformer", split, **{**SMALL, **options})
    assert isinstance(model, DecisionTransformer)
    return model


def naive_returns(rewards: np.ndarray[Any, Any], gamma: float) -> list[float]:
    return [sum(gamma ** (k - t) * float(rewards[k]) for k in range(t, len(rewards))) for t in range(len(rewards))]


@pytest.mark.parametrize("gamma", [1.0, 0.5])
def test_returns_to_go_are_sums_over_the_rest_of_the_row(gamma: float) -> None:
    lengths = np.array([3, 0, 1, 7, 3])
    rewards = np.random.default_rng(0).normal(size=14)
    expected = [value for row in np.split(rewards, np.cumsum(lengths)[:-1]) for value in naive_returns(row, gamma)]
    np.testing.assert_allclose(returns_to_go(rewards, lengths, gamma), expected, rtol=1e-12)
    assert returns_to_go(np.array([0.2, 0.2, 1.0]), np.array([3]), 0.5)[0] == pytest.approx(0.55)


@pytest.mark.parametrize("enters", ["token", "added"])
def test_the_loss_is_that_of_each_state_alone_with_its_return(enters: str) -> None:
    split = tiny_split(rewards=True)
    torch.manual_seed(0)
    model = transformer(split, enters=enters, gamma=0.9).double()
    train = split.train.take(np.arange(12))
    model.observe(train)
    plan = create_plan("transitions", train, 6)
    batch = plan.batch(np.arange(len(plan)))
    positions, rewards, losses = train.positions(), train.columns["reward"], []
    offsets = np.cumsum(train.lengths) - train.lengths
    assert int(train.lengths.max()) > 7  # so that returns go on behind a piece
    all_returns = [naive_returns(rewards[positions[o : o + n]], 0.9) for o, n in zip(offsets, train.lengths, strict=True)]
    of_actions = np.array([value for row in all_returns for value in row[1:]])
    for row, returns in enumerate(all_returns):
        items = train.row(row)
        stop = len(items)
        while stop > 1:
            start = max(0, stop - 7)
            for t in range(start + 1, stop):
                x = model.encoder.encode(torch.from_numpy(items[start:t].astype(np.int64)))[None] * 8**0.5
                asked = torch.tensor(returns[start + 1 : t + 1], dtype=torch.float64)[None]
                asked = (asked - of_actions.mean()) / of_actions.std()
                state = model.network(x, asked, torch.zeros(1))[0, -1]
                losses.append(-(model.item_table() @ state).log_softmax(0)[items[t] - 1])
            stop -= 6
    torch.testing.assert_close(model.loss(batch)["loss"], torch.stack(losses).mean(), rtol=1e-6, atol=1e-6)
    assert float(model.asked) == pytest.approx(np.quantile(of_actions, 0.9), rel=1e-5)


@pytest.mark.parametrize("enters", ["token", "added"])
def test_a_state_sees_the_past_and_the_return_that_is_asked_for(enters: str) -> None:
    split = tiny_split(rewards=True)
    model = transformer(split, enters=enters).eval()
    model.observe(split.train)
    batch = history_batch([np.array([1, 2, 3, 4, 5, 6], dtype=np.int32)], 6)
    changed = SequenceBatch(torch.tensor([[1, 2, 3, 9, 9, 9]]), batch.lengths, batch.users)
    with torch.no_grad():
        before = model.states(batch)
        torch.testing.assert_close(model.states(changed)[:, :3], before[:, :3])
        model.ask_for(float(model.asked) + 1)
        assert (model.states(batch) - before).abs().amax(-1).min() > 1e-4


def test_a_high_return_is_answered_by_what_led_to_one() -> None:
    """After item 1 the log has item 2, worth 1, in a third of the rows and item 3, worth nothing, in the others."""
    rows = 60
    items = np.tile(np.array([1, 2, 1, 3, 1, 3], dtype=np.int32), rows // 3)
    rewards = np.where(items == 2, 1.0, 0.0).astype(np.float32)
    starts = np.arange(rows, dtype=np.int64) * 2
    vocabulary = Vocabulary(pl.Series([10, 11, 12]), pl.Series(np.arange(rows)))
    train = Sequences(items, starts, starts + 2, np.arange(rows, dtype=np.int64), vocabulary, {"reward": rewards})
    torch.manual_seed(0)
    model = transformer(vocabulary)
    source = training_source(model, train)
    trainer = Trainer(model, source, TrainingConfig(batch_size=20, learning_rate=0.02), None, None, torch.device("cpu"))
    for epoch in range(15):
        for step, index in enumerate(batches := trainer.batches(epoch)):
            trainer.step([index], epoch, step, len(batches))
    batch = history_batch([np.array([1], dtype=np.int32)], 6)
    model.eval()
    assert float(model.asked) == 1.0
    assert int(model.scores(batch).argmax()) == 1
    model.ask_for(0.0)
    assert int(model.scores(batch).argmax()) == 2


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="dim=8 is not a multiple of heads=3"):
        transformer(tiny_split(), heads=3)
    assert float(transformer(tiny_split(), target_return=2.5).asked) == 2.5
