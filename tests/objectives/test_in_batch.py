"""In-batch debiased softmax against loops in float64, and the corrected form against the full softmax."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from reverie.models import create_model
from reverie.nn.heads import DotHead
from reverie.objectives import InBatchDebiased, create_objective, in_batch_debiased
from reverie.testing import tiny_split
from reverie.training import fit

N, D = 9, 4


def batch(rows: int = 4, length: int = 5, seed: int = 0) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    slots = torch.randint(1, N + 1, (rows, length + 1), generator=generator)
    slots[1, 3:] = 0  # padding on the right, and an item that comes back
    slots[2, 4] = slots[2, 1]
    at = (slots[:, 1:] > 0).nonzero()
    targets = slots[:, 1:][at[:, 0], at[:, 1]]
    states = torch.randn(len(at), D, generator=generator, dtype=torch.float64)
    table = torch.randn(N, D, generator=generator, dtype=torch.float64)
    counts = torch.randint(1, 30, (N + 1,), generator=generator).double()
    return states, targets, at[:, 0], slots, table, counts / counts[1:].sum()


def naive(
    states: Tensor, targets: Tensor, rows: Tensor, slots: Tensor, table: Tensor, share: Tensor, form: str, tau: float
) -> list[float]:
    """The definitions, slot by slot and item by item."""
    losses = []
    for state, target, row in zip(states, targets.tolist(), rows.tolist(), strict=True):

        def z(item: int, state: Tensor = state) -> float:
            return float(state @ table[item - 1]) / tau

        mates = set(slots[row].tolist()) - {0}
        if form == "published":
            flat = [(b, item) for b, line in enumerate(slots.tolist()) for item in line]
            own = next(place for place, slot in enumerate(flat) if slot == (row, target))
            logits = [
                z(item) - math.log(share[item]) if place == own or (item and item not in mates) else -1e4
                for place, (_, item) in enumerate(flat)
            ]
            top = max(logits)
            losses.append(top + math.log(sum(math.exp(x - top) for x in logits)) - logits[own])
            continue
        others = [item for b, line in enumerate(slots.tolist()) if b != row for item in line if item]
        total = sum(math.exp(z(j)) / (1 - (1 - float(share[j])) ** len(others)) for j in set(others) - mates)
        losses.append(math.log(math.exp(z(target)) + total) - z(target))
    return losses


@pytest.mark.parametrize("form", ["published", "corrected"])
@pytest.mark.parametrize(("tau", "chunk"), [(1.0, 512), (0.5, 3)])
def test_both_forms_are_their_definitions(form: str, tau: float, chunk: int) -> None:
    states, targets, rows, slots, table, share = batch()
    for tensor in (states, table):
        tensor.requires_grad_()
    found = in_batch_debiased(states, targets, rows, slots, DotHead(table, chunk=chunk), share, form, tau)
    wanted = naive(states.detach(), targets, rows, slots, table.detach(), share, form, tau)
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-10)
    assert torch.autograd.gradcheck(
        lambda s, t: in_batch_debiased(s, targets, rows, slots, DotHead(t, chunk=chunk), share, form, tau), (states, table)
    )


def test_a_row_alone_has_nothing_to_tell_its_targets_from() -> None:
    states, targets, rows, slots, table, share = batch()
    only = rows == 0
    for form in ("published", "corrected"):
        found = in_batch_debiased(states[only], targets[only], rows[only], slots[:1], DotHead(table), share, form)
        assert found.abs().max() < 1e-6


def test_the_corrected_sum_is_that_over_the_catalogue_on_average() -> None:
    generator = np.random.default_rng(0)
    p = np.array([0.5, 0.3, 0.1, 0.06, 0.04])
    scores = np.array([0.3, -0.2, 1.0, 2.0, -1.0])
    state, table = torch.ones(1, 1, dtype=torch.float64), torch.tensor(scores)[:, None]
    share = torch.tensor([0.0, *p])
    sums = []
    for _ in range(800):
        others = generator.choice(5, 6, p=p) + 1
        slots = torch.from_numpy(np.array([[1] + [0] * 5, others]))
        loss = float(in_batch_debiased(state, torch.tensor([1]), torch.tensor([0]), slots, DotHead(table), share, "corrected"))
        sums.append(math.exp(loss + scores[0]) - math.exp(scores[0]))
    error = np.std(sums) / math.sqrt(len(sums))
    assert abs(np.mean(sums) - np.exp(scores[1:]).sum()) < 4 * error
    assert error < 0.6


@pytest.mark.parametrize("options", [{}, {"form": "corrected"}])
def test_models_with_and_without_rows_learn_by_it(options: dict[str, str]) -> None:
    split = tiny_split()
    for name in ("sasrec", "mf"):
        model = create_model(name, split, objective={"kind": "in_batch_debiased", **options}, dim=8)
        fitted = fit(model, split, epochs=8, batch_size=16, learning_rate=0.01, show=False, device="cpu")
        losses = [row["loss"] for row in fitted.history]
        assert losses[-1] < losses[0], name


def test_shares_come_from_the_training_events() -> None:
    objective = create_objective(InBatchDebiased(kind="in_batch_debiased"), 3).with_counts(np.array([0, 6, 0, 3]))
    assert objective.share[1:].tolist() == pytest.approx([0.6, 0.1, 0.3])
    assert Counter(dict(objective.named_buffers()).keys()) == Counter(["share"])
