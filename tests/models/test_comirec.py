"""ComiRec against its equations computed event by event, and the routing of training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from reverie.data.batch import SequenceBatch, history_batch
from reverie.models import create_model
from reverie.models.comirec.model import ComiRec
from reverie.testing import tiny_split

HISTORIES = [[3, 7, 7, 1], [5], [], [2, 4, 6, 8, 10, 12, 14]]


def comirec(**options: Any) -> ComiRec:
    settings = {"dim": 6, "interests": 3, "history": 5, "objective": {"kind": "full_softmax"}}
    model = create_model("comirec", tiny_split(), **(settings | options))
    assert isinstance(model, ComiRec)
    return model.double().eval()


def batch(targets: list[int] | None = None) -> SequenceBatch:
    made = history_batch([np.array(h, dtype=np.int32) for h in HISTORIES], 5)
    return SequenceBatch(made.items, made.lengths, made.users, None if targets is None else torch.tensor(targets))


def naive_interests(model: ComiRec, history: list[int]) -> list[list[float]]:
    """Every sum written out; the model reads the last five events."""
    table, positions = model.item_table().tolist(), model.positions.tolist()
    w1, w2 = model.hidden.weight.tolist(), model.choice.weight.tolist()
    dim, read = len(table[0]), history[-5:]
    events = [[math.sqrt(dim) * x for x in table[code - 1]] for code in read]
    found = []
    for interest in w2:
        logits = []
        for at, event in enumerate(events):
            placed = [x + p for x, p in zip(event, positions[len(read) - 1 - at], strict=True)]
            hidden = [math.tanh(sum(a * b for a, b in zip(row, placed, strict=True))) for row in w1]
            logits.append(sum(a * b for a, b in zip(interest, hidden, strict=True)))
        weights = [math.exp(x) for x in logits]
        found.append([sum(w * e[d] for w, e in zip(weights, events, strict=True)) / (sum(weights) or 1) for d in range(dim)])
    return found


def test_interests_and_scores_are_those_of_the_equations() -> None:
    model = comirec()
    expected = torch.tensor([naive_interests(model, history) for history in HISTORIES], dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(model.interests(batch()), expected)
        inner = torch.einsum("bkd,nd->bkn", expected, model.item_table())
        torch.testing.assert_close(model.scores(batch()), inner.amax(1))
        assert not model.scores(batch())[2].any()


def test_the_interest_that_scores_the_target_highest_is_trained() -> None:
    model, targets = comirec(), [9, 4, 1, 20]
    asked = batch(targets)
    losses = []
    for history, target in zip(HISTORIES, targets, strict=True):
        interests = torch.tensor(naive_interests(model, history), dtype=torch.float64)
        scores = interests @ model.item_table().detach().T
        best = max(range(3), key=lambda k: float(scores[k, target - 1]))
        losses.append(-scores[best].log_softmax(0)[target - 1])
    loss = model.loss(asked)["loss"]
    torch.testing.assert_close(loss, torch.stack(losses).mean())
    loss.backward()
    assert model.choice.weight.grad is not None
    with torch.no_grad():
        chosen = torch.einsum("bkd,bd->bk", model.interests(asked), model.item_table()[torch.tensor(targets) - 1]).argmax(1)
    used = {int(k) for row, k in enumerate(chosen) if len(HISTORIES[row]) > 1}  # one event or none: the shares are constant
    assert {k for k in range(3) if model.choice.weight.grad[k].abs().sum() > 1e-12} == used
    assert used != {0, 1, 2}


def test_one_interest_scores_by_a_single_vector() -> None:
    model = comirec(interests=1)
    with torch.inference_mode():
        torch.testing.assert_close(model.scores(batch()), model.interests(batch())[:, 0] @ model.item_table().T)


def test_loss_needs_one_target_per_history() -> None:
    with pytest.raises(ValueError, match=r"targets of shape \[4\]"):
        comirec().loss(batch())
