"""Tables of item vectors and heads that score them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class IdTable(nn.Module):
    """A table of trained item vectors, an `ItemEncoder`."""

    def __init__(self, n_items: int, dim: int, rowwise: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_items, dim))
        self.rowwise = rowwise
        nn.init.xavier_normal_(self.weight)

    @property
    def n_items(self) -> int:
        """Number of items N."""
        return len(self.weight)

    def table(self) -> Tensor:
        """Return the vectors of items 1..N, shape [N, D]."""
        return self.weight

    def encode(self, items: Tensor) -> Tensor:
        """Return the vectors of item codes; code 0 (padding) is the zero vector → [*items.shape, D]."""
        vectors = F.embedding((items - 1).clamp(min=0), self.weight, sparse=self.rowwise)
        return vectors * (items > 0).unsqueeze(-1)


@runtime_checkable
class HasTable(Protocol):
    """A head over vectors of items, of which a table of those that are asked for can be had."""

    def over(self, items: Tensor) -> "tuple[DotHead, Tensor]":
        """Return a head over a table that has some items, and their codes in it, the shape of items."""


@dataclass(frozen=True)
class DotHead:
    """Scores ``scale · <state, item> + bias``; made anew each step from the live item table, so gradients reach it.

    table [N, D], bias [N].
    """

    table: Tensor
    bias: Tensor | None = None
    scale: float | Tensor = 1.0
    chunk: int = 512
    unit_states: bool = False
    rowwise: bool = False

    def __post_init__(self) -> None:
        if self.table.dim() != 2 or len(self.table) == 0:
            raise ValueError(f"table must have shape [N, D] with N ≥ 1, got {list(self.table.shape)}")
        if self.bias is not None and self.bias.shape != self.table.shape[:1]:
            raise ValueError(f"bias must have shape [{len(self.table)}], one per row of table, got {list(self.bias.shape)}")
        if isinstance(self.scale, Tensor) and self.scale.numel() != 1:
            raise ValueError(f"scale must be a number or a tensor of one element, got shape {list(self.scale.shape)}")
        if self.chunk < 1:
            raise ValueError(f"chunk must be at least 1, got {self.chunk}")

    @property
    def n_items(self) -> int:
        """Number of items N."""
        return len(self.table)

    def over(self, items: Tensor) -> tuple[Self, Tensor]:
        """Return itself, which has all items, and the codes as they are."""
        return self, items

    def prepared(self, states: Tensor) -> Tensor:
        """Return the vectors whose plain inner product with the table, plus the bias, is the score; states [M, D] → [M, D]."""
        if states.dim() != 2 or states.shape[1] != self.table.shape[1]:
            raise ValueError(f"states must have shape [M, {self.table.shape[1]}], got {list(states.shape)}")
        unit = F.normalize(states, dim=-1) if self.unit_states else states
        return unit if isinstance(self.scale, float | int) and self.scale == 1 else unit * self.scale

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        """Return the scores of item codes; states [M, D], items [M, K] or [K] → [M, K]."""
        states = self.prepared(states)
        rows = (items - 1).clamp_(min=0)
        if items.dim() == 1:
            bias = None if self.bias is None else self.bias.index_select(0, rows)
            return F.linear(states, F.embedding(rows, self.table, sparse=self.rowwise), bias)
        if items.dim() != 2 or len(items) != len(states):
            raise ValueError(f"items must have shape [K] or [{len(states)}, K], got {list(items.shape)}")
        wide = torch.promote_types(torch.promote_types(states.dtype, self.table.dtype), torch.float32)
        scores: Tensor = _SampledDot.apply(states.to(wide), self.table.to(wide), rows, self.rowwise)  # type: ignore[no-untyped-call] # torch's own
        return scores if self.bias is None else scores + self.bias.index_select(0, rows.reshape(-1)).view(rows.shape)

    def chunks(self, states: Tensor) -> "Iterator[DotChunk]":
        """Yield the catalogue in consecutive chunks; nothing is computed yet; states [M, D]."""
        tables = torch.split(self.table, self.chunk)  # one split: slices would each cost a gradient of the table's size
        biases = [None] * len(tables) if self.bias is None else torch.split(self.bias, self.chunk)
        for number, (table, bias) in enumerate(zip(tables, biases, strict=True)):
            yield DotChunk(self, 1 + number * self.chunk, len(table), table, bias)


@dataclass(frozen=True)
class LazyHead:
    """Inner products with item vectors that are computed where they are asked for, each once a call.

    encode: codes [K] → [K, D].
    """

    n_items: int
    encode: Callable[[Tensor], Tensor]

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        """Return the scores of item codes; states [M, D], items [M, K] or [K] → [M, K]."""
        head, codes = self.over(items)
        return head.scores(states, codes)

    def over(self, items: Tensor) -> tuple[DotHead, Tensor]:
        """Return a head over a table that has some items, and their codes in it, the shape of items."""
        codes, rows = items.unique(return_inverse=True)  # type: ignore[no-untyped-call] # torch's own
        return DotHead(self.encode(codes)), rows + 1

    def chunks(self, states: Tensor) -> "Iterator[DotChunk]":
        """Yield the catalogue in consecutive chunks; states [M, D]."""
        return DotHead(self.encode(torch.arange(1, self.n_items + 1, device=states.device))).chunks(states)


@dataclass
class DotChunk:
    """A consecutive piece of a `DotHead`; table [size, D], bias [size]."""

    head: DotHead
    first: int
    size: int
    table: Tensor
    bias: Tensor | None

    def scores(self, states: Tensor) -> Tensor:
        """Return the scores of the piece; states [M, D] → [M, size]."""
        return F.linear(self.head.prepared(states), self.table, self.bias)


class _SampledDot(torch.autograd.Function):
    """Inner products of each state with its own rows of a table; neither direction holds [M, K, D].

    The weighted bags b_m = Σ_k w_mk · table[rows_mk] tie everything together. With Φ = Σ_m <states_m, b_m> the scores are
    ∂Φ/∂w, the gradient of the states is the bag with w = incoming gradient, and that of the table is the same bag the other
    way round (states summed by item). All three are fused kernels of `torch.nn.functional.embedding_bag`.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, table: Tensor, rows: Tensor, rowwise: bool) -> Tensor:
        ctx.save_for_backward(states, table, rows)
        ctx.rowwise = rowwise
        if rows.numel() == 0:
            return states.new_zeros(rows.shape)
        with torch.enable_grad():
            weights = states.new_zeros(rows.shape).requires_grad_()
            bags = F.embedding_bag(rows, table.detach(), per_sample_weights=weights, mode="sum")
        return torch.autograd.grad(bags, weights, states.detach())[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        states, table, rows = ctx.saved_tensors
        if rows.numel() == 0:
            return torch.zeros_like(states), torch.zeros_like(table), None, None
        of_states = of_table = None
        if ctx.needs_input_grad[0]:
            of_states = F.embedding_bag(rows, table, per_sample_weights=gradient.contiguous(), mode="sum")
        if ctx.needs_input_grad[1]:
            flat = rows.reshape(-1)
            order = flat.argsort(stable=True)
            if ctx.rowwise:
                touched, counts = flat[order].unique_consecutive(return_counts=True)
            else:
                counts = torch.bincount(flat, minlength=len(table))
            weights = gradient.reshape(-1)[order]
            owner = order // rows.shape[1]
            of_table = F.embedding_bag(owner, states, counts.cumsum(0) - counts, per_sample_weights=weights, mode="sum")
            if ctx.rowwise:
                of_table = torch.sparse_coo_tensor(touched[None], of_table, table.shape, is_coalesced=True, check_invariants=False)
        return of_states, of_table, None, None
