"""A temperature that is a tensor, for all rows or each, in the softmax losses over an item table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from reverie.nn.heads import DotChunk, DotHead
from reverie.objectives import full_softmax
from reverie.objectives.softmax import shared_softmax


@dataclass(frozen=True)
class OtherHead:
    """A head of another class, to take the path that works for any head."""

    inner: DotHead

    @property
    def n_items(self) -> int:
        return self.inner.n_items

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        return self.inner.scores(states, items)

    def chunks(self, states: Tensor) -> Iterator[DotChunk]:
        return self.inner.chunks(states)


def leaf(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("way", ["table", "any head", "shared"])
@pytest.mark.parametrize("shape", [(), (1,), (4,), (4, 1)])
def test_gradients_reach_the_temperature(shape: tuple[int, ...], way: str, biased: bool) -> None:
    torch.manual_seed(0)
    states, table, bias = leaf(4, 3), leaf(7, 3), leaf(7)
    temperature = (torch.rand(shape, dtype=torch.float64) + 0.4).requires_grad_()
    targets, items = torch.tensor([1, 7, 3, 3]), torch.tensor([2, 3, 3, 6])
    head = DotHead(table, bias if biased else None, chunk=3)
    scores = (states @ table.T + (bias if biased else 0)) / (temperature if temperature.dim() != 1 else temperature[:, None])
    own = scores.gather(1, targets[:, None] - 1)
    if way == "shared":
        ours = shared_softmax(states, targets, items, head, temperature)
        drawn = scores[:, items - 1].masked_fill(items == targets[:, None], -torch.inf)
        naive = torch.cat([own, drawn], 1).logsumexp(1) - own[:, 0]
    else:
        ours = full_softmax(states, targets, head if way == "table" else OtherHead(head), temperature)
        naive = scores.logsumexp(1) - own[:, 0]
    torch.testing.assert_close(ours, naive)
    inputs = [states, table, temperature] + [bias] * biased
    incoming = torch.rand_like(naive)
    wanted = torch.autograd.grad(naive, inputs, incoming)
    for got, one in zip(torch.autograd.grad(ours, inputs, incoming), wanted, strict=True):
        torch.testing.assert_close(got, one)


def test_a_temperature_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^temperature must be a number or have shape \[2\] or \[2, 1\], got \[3\]"):
        full_softmax(torch.zeros(2, 3), torch.ones(2, dtype=torch.int64), DotHead(torch.zeros(4, 3)), torch.ones(3))
