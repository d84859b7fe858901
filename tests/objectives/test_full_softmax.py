from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from reverie.nn.heads import DotChunk, DotHead
from reverie.objectives import full_softmax


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


class Largest(TorchDispatchMode):
    """Remembers the most elements of any tensor that an operation returned."""

    size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else [out]:
            if isinstance(one, Tensor):
                self.size = max(self.size, one.numel())
        return out


def leaf(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64).requires_grad_()


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 5),
    n=st.integers(1, 11),
    chunk=st.integers(1, 12),
    temperature=st.sampled_from([0.2, 1.0, 3.0]),
    biased=st.booleans(),
    other=st.booleans(),
)
def test_value_and_gradients_equal_a_loop(m: int, n: int, chunk: int, temperature: float, biased: bool, other: bool) -> None:
    torch.manual_seed(m + 10 * n + 1000 * chunk)
    raw, states, bias, scale = leaf(n, 3), leaf(m, 3), leaf(n), torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    table = raw.tanh()
    targets = torch.randint(1, n + 1, (m,))
    head = DotHead(table, bias if biased else None, scale, chunk)
    ours = full_softmax(states, targets, OtherHead(head) if other else head, temperature)
    rows = []
    for i in range(m):
        scores = [(scale * (states[i] * table[j]).sum() + (bias[j] if biased else 0)) / temperature for j in range(n)]
        rows.append(torch.stack([s.exp() for s in scores]).sum().log() - scores[int(targets[i]) - 1])
    naive = torch.stack(rows)
    torch.testing.assert_close(ours, naive)
    incoming, inputs = torch.rand_like(naive), [states, raw, scale] + [bias] * biased
    wanted = torch.autograd.grad(naive, inputs, incoming, retain_graph=True)
    for got, one in zip(torch.autograd.grad(ours, inputs, incoming), wanted, strict=True):
        torch.testing.assert_close(got, one)


@pytest.mark.parametrize("other", [False, True])
def test_a_head_of_cosines(other: bool) -> None:
    torch.manual_seed(0)
    states, table, targets = leaf(4, 3), leaf(7, 3), torch.tensor([1, 7, 4, 4])
    head = DotHead(F.normalize(table, dim=-1), scale=10, chunk=3, unit_states=True)
    ours = full_softmax(states, targets, OtherHead(head) if other else head)
    scores = torch.cosine_similarity(states[:, None], table[None], dim=2) / 0.1
    naive = torch.nn.functional.cross_entropy(scores, targets - 1, reduction="none")
    torch.testing.assert_close(ours, naive)
    for got, one in zip(
        torch.autograd.grad(ours.sum(), [states, table]), torch.autograd.grad(naive.sum(), [states, table]), strict=True
    ):
        torch.testing.assert_close(got, one)


@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_extreme_scores(size: float, other: bool) -> None:
    states = torch.tensor([[1.0], [-1.0], [0.0]], requires_grad=True)
    table = torch.tensor([[size], [0.0], [-size], [size]], requires_grad=True)
    head = DotHead(table, chunk=3)
    loss = full_softmax(states, torch.tensor([1, 1, 2]), OtherHead(head) if other else head)
    scores = (states @ table.T).detach().double()
    wanted = scores.logsumexp(1) - scores.gather(1, torch.tensor([[0], [0], [1]]))[:, 0]
    torch.testing.assert_close(loss.detach().double(), wanted, rtol=1e-6, atol=1e-6)
    assert all(g.isfinite().all() for g in torch.autograd.grad(loss.sum(), [states, table]))


@pytest.mark.parametrize("other", [False, True])
def test_autocast_sums_in_float32(other: bool) -> None:
    torch.manual_seed(0)
    states, table = torch.randn(6, 16, requires_grad=True), torch.randn(4000, 16, requires_grad=True)
    bias, targets = torch.randn(4000, requires_grad=True), torch.randint(1, 4001, (6,))
    exact = torch.nn.functional.cross_entropy(states @ table.T + bias, targets - 1, reduction="none")
    wanted = torch.autograd.grad(exact.sum(), [states, table, bias])
    head = DotHead(table, bias, chunk=512)
    with torch.autocast("cpu", torch.bfloat16):
        loss = full_softmax(states, targets, OtherHead(head) if other else head)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, exact, rtol=0, atol=0.06)
    for got, one in zip(torch.autograd.grad(loss.sum(), [states, table, bias]), wanted, strict=True):
        assert got.dtype == torch.float32
        assert float((got - one).norm() / one.norm()) < 0.02


@pytest.mark.parametrize("other", [False, True])
def test_scores_of_all_items_are_never_held(other: bool) -> None:
    m, n, d, chunk = 40, 300, 4, 32
    states, table = torch.randn(m, d, requires_grad=True), torch.randn(n, d, requires_grad=True)
    head = DotHead(table, chunk=chunk)
    saved = []
    with Largest() as largest, torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
        loss = full_softmax(states, torch.randint(1, n + 1, (m,)), OtherHead(head) if other else head)
        loss.sum().backward()
    assert max(m * chunk, n * d) == largest.size < m * n
    if not other:
        assert sum(saved) <= 2 * (m * d + n * d) + 10 * m


def test_a_loss_is_never_negative() -> None:
    torch.manual_seed(0)
    table = torch.eye(5) * 300
    for head in (DotHead(table, chunk=2), OtherHead(DotHead(table, chunk=2))):
        assert (full_softmax(torch.eye(5), torch.arange(1, 6), head) >= 0).all()


@pytest.mark.parametrize(
    ("name", "states", "targets", "temperature"),
    [
        ("states", torch.zeros(2), torch.ones(2, dtype=torch.int64), 1.0),
        ("targets", torch.zeros(2, 3), torch.ones(3, dtype=torch.int64), 1.0),
        ("targets", torch.zeros(2, 3), torch.tensor([0, 1]), 1.0),
        ("targets", torch.zeros(2, 3), torch.tensor([1, 5]), 1.0),
        ("temperature", torch.zeros(2, 3), torch.ones(2, dtype=torch.int64), -1.0),
    ],
)
def test_errors_name_the_argument(name: str, states: Tensor, targets: Tensor, temperature: float) -> None:
    with pytest.raises(ValueError, match=f"^{name} "):
        full_softmax(states, targets, DotHead(torch.zeros(4, 3)), temperature)
