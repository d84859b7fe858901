from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from reverie.nn.heads import DotHead, LazyHead


def leaf(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64).requires_grad_()


def one_by_one(states: Tensor, items: Tensor, table: Tensor, bias: Tensor | None, scale: Tensor) -> Tensor:
    rows = []
    for m in range(len(states)):
        codes = items if items.dim() == 1 else items[m]
        row = [scale * (states[m] * table[int(c) - 1]).sum() + (0 if bias is None else bias[int(c) - 1]) for c in codes]
        rows.append(torch.stack(row))
    return torch.stack(rows)


@settings(max_examples=40, deadline=None)
@given(
    m=st.integers(1, 6), k=st.integers(1, 7), n=st.integers(1, 9), d=st.integers(1, 5), biased=st.booleans(), shared=st.booleans()
)
def test_scores_and_gradients_equal_a_loop(m: int, k: int, n: int, d: int, biased: bool, shared: bool) -> None:
    torch.manual_seed(m + 10 * k + 100 * n + 1000 * d)
    states, table, bias, scale = leaf(m, d), leaf(n, d), leaf(n), torch.tensor(1.7, dtype=torch.float64, requires_grad=True)
    items = torch.randint(1, n + 1, (k,) if shared else (m, k))
    head = DotHead(table, bias if biased else None, scale)
    incoming = torch.randn(m, k, dtype=torch.float64)
    inputs = [states, table, scale] + [bias] * biased
    ours = head.scores(states, items)
    naive = one_by_one(states, items, table, head.bias, scale)
    torch.testing.assert_close(ours, naive)
    for got, wanted in zip(torch.autograd.grad(ours, inputs, incoming), torch.autograd.grad(naive, inputs, incoming), strict=True):
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_chunks_cover_the_catalogue_once_and_in_order(chunk: int) -> None:
    torch.manual_seed(0)
    states, table, bias = leaf(4, 3), leaf(7, 3), leaf(7)
    pieces = list(DotHead(table, bias, 2.0, chunk).chunks(states))
    assert [p.first for p in pieces] == list(range(1, 8, chunk))
    assert sum(p.size for p in pieces) == 7
    joined = torch.cat([p.scores(states) for p in pieces], 1)
    torch.testing.assert_close(joined, 2 * states @ table.T + bias)
    torch.testing.assert_close(torch.autograd.grad(joined.sum(), table)[0], 2 * states.sum(0).expand(7, 3))


@pytest.mark.parametrize("shape", [(3, 4), (5,)])
def test_a_lazy_head_scores_as_one_of_the_whole_table_and_encodes_each_item_once(shape: tuple[int, ...]) -> None:
    states, table = leaf(3, 2), leaf(9, 2)
    items, asked = torch.randint(1, 5, shape), []

    def encode(codes: Tensor) -> Tensor:
        asked.extend(codes.tolist())
        return table[codes - 1]

    head = LazyHead(9, encode)
    ours, whole = head.scores(states, items), DotHead(table).scores(states, items)
    assert sorted(asked) == sorted(set(items.flatten().tolist()))
    torch.testing.assert_close(ours, whole)
    for one, other in zip(*(torch.autograd.grad(x.square().sum(), (states, table)) for x in (ours, whole)), strict=True):
        torch.testing.assert_close(one, other)
    pieces = torch.cat([chunk.scores(states) for chunk in head.chunks(states)], 1)
    torch.testing.assert_close(pieces, DotHead(table).scores(states, torch.arange(1, 10)))


def test_a_frozen_table_still_teaches_the_states() -> None:
    states, table = leaf(2, 3), torch.randn(4, 3, dtype=torch.float64)
    DotHead(table).scores(states, torch.tensor([[1], [4]])).sum().backward()
    assert states.grad is not None
    torch.testing.assert_close(states.grad, table[[0, 3]])


def test_a_noncontiguous_gradient_and_no_rows() -> None:
    states, table = leaf(3, 2), leaf(4, 2)
    items = torch.tensor([[1, 2], [3, 4], [1, 1]])
    DotHead(table).scores(states, items)[:, 1].sum().backward()
    assert states.grad is not None
    torch.testing.assert_close(states.grad, table.detach()[[1, 3, 0]])
    assert DotHead(table).scores(leaf(0, 2), torch.zeros(0, 5, dtype=torch.int64)).shape == (0, 5)


def test_padding_may_score_anything_finite() -> None:
    head = DotHead(torch.randn(3, 2), torch.randn(3))
    assert head.scores(torch.randn(1, 2), torch.tensor([[0, 3]])).isfinite().all()
    assert head.scores(torch.randn(1, 2), torch.tensor([0, 3])).isfinite().all()


def test_items_are_not_changed() -> None:
    items = torch.tensor([[1, 0], [2, 3]])
    DotHead(torch.randn(3, 2)).scores(torch.randn(2, 2), items)
    assert items.tolist() == [[1, 0], [2, 3]]


def test_scores_of_items_keep_float32_under_autocast() -> None:
    states, table = torch.randn(4, 8), torch.randn(5, 8)
    with torch.autocast("cpu", torch.bfloat16):
        ours = DotHead(table).scores(states.bfloat16(), torch.arange(1, 6).expand(4, 5))
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, states.bfloat16().float() @ table.T)


def test_a_head_of_cosines() -> None:
    torch.manual_seed(0)
    states, table = leaf(3, 4), leaf(6, 4)
    wanted = torch.cosine_similarity(states[:, None], table[None], dim=2) / 0.1
    head = DotHead(F.normalize(table, dim=-1), scale=10, chunk=4, unit_states=True)
    torch.testing.assert_close(head.scores(states, torch.arange(1, 7)), wanted)
    torch.testing.assert_close(head.scores(states, torch.arange(1, 7).expand(3, 6)), wanted)
    torch.testing.assert_close(torch.cat([c.scores(states) for c in head.chunks(states)], 1), wanted)


def test_no_tensor_of_states_times_items_times_width() -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        size = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            for one in out if isinstance(out, tuple | list) else [out]:
                if isinstance(one, Tensor):
                    self.size = max(self.size, one.numel())
            return out

    states, table = torch.randn(20, 16, requires_grad=True), torch.randn(30, 16, requires_grad=True)
    with Largest() as largest:
        DotHead(table).scores(states, torch.randint(1, 31, (20, 40))).sum().backward()
    assert largest.size == 20 * 40


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("table", lambda: DotHead(torch.zeros(3))),
        ("table", lambda: DotHead(torch.zeros(0, 3))),
        ("bias", lambda: DotHead(torch.zeros(3, 2), torch.zeros(2))),
        ("scale", lambda: DotHead(torch.zeros(3, 2), scale=torch.zeros(3))),
        ("chunk", lambda: DotHead(torch.zeros(3, 2), chunk=0)),
        ("states", lambda: DotHead(torch.zeros(3, 2)).scores(torch.zeros(4, 3), torch.ones(4, 1, dtype=torch.int64))),
        ("items", lambda: DotHead(torch.zeros(3, 2)).scores(torch.zeros(4, 2), torch.ones(5, 1, dtype=torch.int64))),
    ],
)
def test_errors_name_the_argument(name: str, make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=f"^{name} "):
        make()
