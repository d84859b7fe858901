"""Shared negatives against float64: long leads, many hits, half precision."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reverie.nn.heads import DotHead
from reverie.objectives.softmax import sampled_softmax, shared_softmax


def wanted(states: Tensor, targets: Tensor, items: Tensor, table: Tensor, temperature: float) -> Tensor:
    scores = states.double() @ table.double().T / temperature
    own = scores.gather(1, targets[:, None] - 1)
    others = scores[:, items - 1].masked_fill(items == targets[:, None], -torch.inf)
    return torch.cat([own, others], 1).logsumexp(1) - own[:, 0]


@pytest.mark.parametrize("temperature", [0.01, 0.02, 0.05, 0.5])
@pytest.mark.parametrize("items", [[2], [2, 1], [1, 1], [1, 1, 1, 2]])
def test_a_long_lead_is_no_loss_and_no_gradient(temperature: float, items: list[int]) -> None:
    table = torch.eye(2)
    states = torch.tensor([[1.0, 0.0]], requires_grad=True)
    targets, drawn = torch.tensor([1]), torch.tensor(items)
    loss = shared_softmax(states, targets, drawn, DotHead(table), temperature)
    (gradient,) = torch.autograd.grad(loss.sum(), states)
    exact = states.detach().double().requires_grad_()
    expected = wanted(exact, targets, drawn, table, temperature)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-3, atol=3e-5)
    torch.testing.assert_close(gradient.double(), torch.autograd.grad(expected.sum(), exact)[0], rtol=1e-3, atol=1e-3)
    own = sampled_softmax(torch.ones(1), torch.zeros(1, 1), None, temperature)
    if items == [2]:
        torch.testing.assert_close(loss, own, rtol=1e-3, atol=3e-6)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("temperature", [0.02, 0.05, 0.3])
@pytest.mark.parametrize("repeats", [2, 400])
def test_repeated_targets_keep_their_losses(dtype: torch.dtype | None, temperature: float, repeats: int) -> None:
    torch.manual_seed(repeats)
    table = torch.nn.functional.normalize(torch.randn(60, 16), dim=-1)
    targets = torch.cat([torch.full((repeats,), 3), torch.arange(1, 11)])
    states = torch.nn.functional.normalize(table[targets - 1] + 0.1 * torch.randn(len(targets), 16), dim=-1).requires_grad_()
    with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
        loss = shared_softmax(states, targets, targets, DotHead(table), temperature)
    assert loss.isfinite().all()
    expected = wanted(states, targets, targets, table, temperature)
    error = 2e-3 if dtype is None else 0.05 + 0.01 / temperature  # of scores up to 1 / τ, rounded to 8 bits
    assert float((loss.double() - expected).abs().max().detach()) < error
    loss.sum().backward()  # type: ignore[no-untyped-call]
    assert states.grad is not None
    assert states.grad.isfinite().all()


def test_subtracted_hits_that_rounding_would_lose_are_masked() -> None:
    table = torch.tensor([[40.0, 0.0], [0.0, 40.0]])
    states, targets = torch.tensor([[1.0, 0.9]]), torch.tensor([1])
    items = torch.cat([torch.ones(100_000, dtype=torch.int64), torch.tensor([2])])
    loss = shared_softmax(states, targets, items, DotHead(table, chunk=4096))
    torch.testing.assert_close(loss.double(), wanted(states, targets, items, table, 1.0), rtol=1e-4, atol=1e-6)
