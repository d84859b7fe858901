"""User-item graph and LightGCN's propagation: the mean over layers of normalised neighbour sums."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class InteractionGraph(nn.Module):
    """A bipartite graph of users and items, kept as both lists of neighbours: its state, and all there is to save.

    With A the 0/1 adjacency over users and items and D the diagonal of degrees, ``Â = D^-½ A D^-½`` (He et al., SIGIR 2020,
    eq. 8). A layer sums neighbours without weights, ``A y``, and scales rows, so edges cost 4 bytes in each list and nothing
    else.
    """

    items: Tensor
    users: Tensor
    user_degrees: Tensor
    item_degrees: Tensor

    def __init__(self, n_users: int, n_items: int, n_edges: int = 0) -> None:
        super().__init__()
        self.register_buffer("items", torch.zeros(n_edges, dtype=torch.int32))
        self.register_buffer("users", torch.zeros(n_edges, dtype=torch.int32))
        self.register_buffer("user_degrees", torch.zeros(n_users, dtype=torch.int32))
        self.register_buffer("item_degrees", torch.zeros(n_items, dtype=torch.int32))

    def connect(self, users: Tensor, items: Tensor) -> int:
        """Replace the graph; users, items [n_events]."""
        n_users, n_items = len(self.user_degrees), len(self.item_degrees)
        if users.shape != items.shape or users.dim() != 1:
            raise ValueError(f"users and items must have one shape [n_events], got {list(users.shape)} and {list(items.shape)}")
        for name, nodes, size in (("users", users, n_users), ("items", items, n_items)):
            if len(nodes) and not 0 <= int(nodes.min()) <= int(nodes.max()) < size:
                raise ValueError(f"{name} must lie in 0..{size - 1}, got {int(nodes.min())} to {int(nodes.max())}")
        edges = torch.unique(users * n_items + items)
        users, items = edges // n_items, edges % n_items
        place = self.items.device
        self.items, self.users = (x.to(place, torch.int32) for x in (items, users[items.argsort(stable=True)]))
        self.user_degrees, self.item_degrees = (
            torch.bincount(nodes, minlength=size).to(place, torch.int32) for nodes, size in ((users, n_users), (items, n_items))
        )
        return len(edges)

    def forward(self, users: Tensor, items: Tensor, layers: int) -> tuple[Tensor, Tensor]:
        """Return ``1/(K + 1) Σ_k Â^k E`` for layers k = 0..K (He et al., SIGIR 2020, eq. 3, 4 and 8 with α_k = 1/(K + 1)).

        users [U, D], items [N, D].
        """
        if layers < 1:
            raise ValueError(f"layers must be at least 1, got {layers}")
        nodes = (len(self.user_degrees), len(self.item_degrees))
        if users.dim() != 2 or items.dim() != 2 or nodes != (len(users), len(items)) or users.shape[1] != items.shape[1]:
            raise ValueError(
                f"users and items must have shapes [{nodes[0]}, D] and [{nodes[1]}, D], "
                f"got {list(users.shape)} and {list(items.shape)}"
            )
        passed: tuple[Tensor, Tensor] = _Propagation.apply(users, items, self, layers)  # type: ignore[no-untyped-call] # torch's own
        return passed

    def item_scale(self) -> Tensor:
        """Return ``1/√degree`` of each item, as for degree 1 where there is no edge → [N]."""
        return _scale(self.item_degrees, torch.float32)


class _Propagation(torch.autograd.Function):
    """The symmetric operator of `InteractionGraph.forward`; the backward pass is the forward pass."""

    @staticmethod
    def forward(ctx: Any, users: Tensor, items: Tensor, graph: InteractionGraph, layers: int) -> tuple[Tensor, Tensor]:
        ctx.graph, ctx.layers = graph, layers
        return _mean_of_layers(graph, users, items, layers)

    @staticmethod
    def backward(ctx: Any, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor, None, None]:
        return *ctx.graph(users, items, ctx.layers), None, None


def _mean_of_layers(graph: InteractionGraph, users: Tensor, items: Tensor, layers: int) -> tuple[Tensor, Tensor]:
    """Sum by Horner's rule: ``x ← E + Â x``, K times from ``x = E``; nodes send ``D^-½ x``."""
    scale_u, scale_i = (_scale(degrees, users.dtype)[:, None] for degrees in (graph.user_degrees, graph.item_degrees))
    to_users, to_items = _ends(graph.user_degrees), _ends(graph.item_degrees)
    own_u, own_i = sent_u, sent_i = users * scale_u, items * scale_i
    for _ in range(layers - 1):
        heard_u, heard_i = _sums(sent_i, graph.items, to_users), _sums(sent_u, graph.users, to_items)
        sent_u, sent_i = heard_u.mul_(scale_u * scale_u).add_(own_u), heard_i.mul_(scale_i * scale_i).add_(own_i)
    heard_u, heard_i = _sums(sent_i, graph.items, to_users), _sums(sent_u, graph.users, to_items)
    share = 1 / (layers + 1)
    return heard_u.mul_(scale_u).add_(users).mul_(share), heard_i.mul_(scale_i).add_(items).mul_(share)


def _scale(degrees: Tensor, dtype: torch.dtype) -> Tensor:
    return degrees.clamp(min=1).to(dtype).rsqrt()


def _ends(degrees: Tensor) -> Tensor:
    """Return where each list of neighbours begins, and where the last one ends."""
    return F.pad(degrees.cumsum(0, dtype=torch.int32), (1, 0))


def _sums(vectors: Tensor, neighbours: Tensor, ends: Tensor) -> Tensor:
    """Return the sum of each node's neighbours' vectors, zero where there are none."""
    return F.embedding_bag(neighbours, vectors, ends, mode="sum", include_last_offset=True)
