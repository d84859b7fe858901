"""BERT4Rec: what is hidden, attention both ways against softmax written out, the loss row by row, and how it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, history_batch
from reverie.data.plans import create_plan
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.models.bert4rec.model import BERT4Rec
from reverie.nn.blocks import PreNormBlock, SelfAttention
from reverie.testing.data import tiny_split

if TYPE_CHECKING:
    from torch import Tensor

HISTORY = 6


def bert(**options: Any) -> BERT4Rec:
    model = create_model("bert4rec", tiny_split(), **{"dim": 8, "history": HISTORY, "dropout": 0.0, **options})
    assert isinstance(model, BERT4Rec)
    return model.eval()


def training_batch(size: int = 40) -> SequenceBatch:
    train = tiny_split().train
    return create_plan("positions", train, HISTORY).batch(np.arange(size))


def whole_rows(batch: SequenceBatch) -> list[list[int]]:
    assert batch.targets is not None
    rows = zip(batch.items.tolist(), batch.targets.tolist(), batch.lengths.tolist(), strict=True)
    return [[*items[:n], targets[n - 1]] for items, targets, n in rows]


@pytest.mark.parametrize(("masked", "last"), [(0.2, 0.0), (0.6, 0.3), (0.01, 0.0), (0.5, 1.0)])
def test_hidden_events_are_the_targets_and_nothing_else_changes(masked: float, last: float) -> None:
    model, batch = bert(masked=masked, last=last), training_batch()
    hidden = positions = lone = 0
    for seed in range(10):
        torch.manual_seed(seed)
        asked = model.hide(batch)
        assert asked.targets is not None
        for row, items, targets, n in zip(
            whole_rows(batch), asked.items.tolist(), asked.targets.tolist(), asked.lengths.tolist(), strict=True
        ):
            assert n == len(row)
            assert [target or item for item, target in zip(items, targets, strict=True)][:n] == row
            assert [item == model.hidden_code for item in items] == [target > 0 for target in targets]
            assert not any(items[n:] + targets[n:])
            count = sum(target > 0 for target in targets)
            assert count >= 1
            lone += count == 1 and targets[n - 1] > 0
            hidden, positions = hidden + count, positions + n
        torch.manual_seed(seed)
        assert torch.equal(model.hide(batch).items, asked.items)
    rows = 10 * batch.size
    if last == 1.0:
        assert lone == hidden == rows
    elif masked > 0.1:  # at least one of a row: a little more than the share
        few = sum((1 - masked) ** len(row) for row in whole_rows(batch)) * 10
        expected = (1 - last) * (masked * positions + few) + last * rows
        assert abs(hidden - expected) < 0.08 * expected
    else:
        assert rows <= hidden < 1.2 * rows


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("both_ways", [True, False])
def test_attention_is_a_softmax_over_the_events_that_are_seen(training: bool, both_ways: bool) -> None:
    torch.manual_seed(0)
    layer = SelfAttention(6, 2, dropout=1e-12 if training else 0.0, rope=False).double().train(training)
    x, lengths = torch.randn(3, 5, 6, dtype=torch.float64), [5, 1, 3]
    real = torch.arange(5) < torch.tensor(lengths)[:, None]
    found = layer(x, real) if both_ways else layer(x)
    with torch.no_grad():
        for row, n in enumerate(lengths):
            q, k, v = (part.view(5, 2, 3) for part in layer.qkv(x[row]).split(6, dim=-1))
            for t in range(n):
                seen = n if both_ways else t + 1
                heads = []
                for head in range(2):
                    weights = torch.stack([(q[t, head] * k[s, head]).sum() / 3**0.5 for s in range(seen)]).softmax(0)
                    heads.append((weights[:, None] * v[:seen, head]).sum(0))
                torch.testing.assert_close(found[row, t], layer.out(torch.cat(heads)))


def test_the_loss_is_the_cross_entropy_of_hidden_events_row_by_row() -> None:
    model, batch = bert().double().train(), training_batch(12)
    torch.manual_seed(3)
    asked = model.hide(batch)
    assert asked.targets is not None
    torch.manual_seed(3)
    found = model.loss(batch)["loss"]
    losses = []
    for items, targets, n in zip(asked.items, asked.targets, asked.lengths.tolist(), strict=True):
        states = by_hand(model, items[:n])
        for t in range(n):
            if targets[t]:
                scores = states[t] @ model.encoder.weight.T + model.item_bias
                losses.append(F.cross_entropy(scores, targets[t] - 1))
    torch.testing.assert_close(found, torch.stack(losses).mean())
    found.backward()  # type: ignore[no-untyped-call]  # torch's own
    assert all(parameter.grad is not None for parameter in model.parameters())


def by_hand(model: BERT4Rec, items: Tensor) -> Tensor:
    """States of one row without padding; items [n] → [n, D]."""
    rows = [model.hidden[0] if code == model.hidden_code else model.encoder.weight[code - 1] for code in items.tolist()]
    x = torch.stack(rows) * 8**0.5 + model.positions[: len(items)].flip(0)
    x = x[None]
    for block in model.blocks:
        assert isinstance(block, PreNormBlock)
        x = block(x, torch.ones(1, len(items), dtype=torch.bool))
    out: Tensor = model.transform(model.norm(x))[0]
    return out


def test_a_history_is_represented_by_a_hidden_event_behind_it() -> None:
    model = bert()
    torch.nn.init.normal_(model.item_bias)
    histories = [np.array(row, dtype=np.int32) for row in ([3, 4, 5], [], [9, 1, 2, 7, 7, 20])]
    batch = history_batch(histories, model.history)
    with torch.no_grad():
        vectors, states = model.represent(batch), model.states(batch)
        for row, history in enumerate(histories):
            expected = by_hand(model, torch.tensor([*history.tolist(), model.hidden_code]))[-1]
            torch.testing.assert_close(vectors[row, :-1], expected, rtol=1e-4, atol=1e-5)
            for n in range(1, len(history) + 1):
                prefix = model.represent(history_batch([history[:n]], None))[0]
                torch.testing.assert_close(states[row, n - 1], prefix, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model.scores(batch), vectors[:, :-1] @ model.encoder.weight.T + model.item_bias)


def test_a_later_event_changes_what_is_filled_in_before_it() -> None:
    model = bert()
    items = torch.tensor([[2, model.hidden_code, 5], [2, model.hidden_code, 6]])
    with torch.no_grad():
        first, second = (by_hand(model, row)[1] for row in items)
    assert float((first - second).norm()) > 1e-4


@pytest.mark.parametrize(
    "objective",
    [{"kind": "sampled_softmax", "negatives": {"n": 5}}, {"kind": "gbce", "negatives": {"n": 5}}, {"kind": "bce"}],
)
def test_other_objectives_and_rowwise_tables(objective: dict[str, Any]) -> None:
    model = bert(objective=objective, table="rowwise").train()
    model.observe(tiny_split().train)
    loss = model.loss(training_batch(5))["loss"]
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own
    assert float(loss.detach()) > 0
    assert model.encoder.weight.grad is not None
    assert model.encoder.weight.grad.is_sparse


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="dim=8 is not a multiple of heads=3"):
        bert(heads=3)
    with pytest.raises(ConfigError, match="rowwise"):
        bert(table="rowwise")
    with pytest.raises(ConfigError, match="masked"):
        bert(masked=1.0)
