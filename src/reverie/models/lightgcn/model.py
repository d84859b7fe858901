"""LightGCN: user and item embeddings propagated over the interaction graph (He et al. 2020)."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.kept import Kept
from reverie.models.learned import UserVectorModel
from reverie.models.lightgcn.config import LightGCNConfig
from reverie.nn.states import known_users


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


class _Propagation(torch.autograd.Function):
    """The symmetric operator of `InteractionGraph.forward`; the backward pass is the forward pass.

    Layers are summed by Horner's rule: ``x ← E + Â x``, K times from ``x = E``; nodes send ``D^-½ x``.
    """

    @staticmethod
    def forward(ctx: Any, users: Tensor, items: Tensor, graph: InteractionGraph, layers: int) -> tuple[Tensor, Tensor]:
        ctx.graph, ctx.layers = graph, layers
        scale_u, scale_i = (_scale(degrees, users.dtype)[:, None] for degrees in (graph.user_degrees, graph.item_degrees))
        to_users, to_items = _ends(graph.user_degrees), _ends(graph.item_degrees)
        own_u, own_i = sent_u, sent_i = users * scale_u, items * scale_i
        for _ in range(layers - 1):
            heard_u, heard_i = _sums(sent_i, graph.items, to_users), _sums(sent_u, graph.users, to_items)
            sent_u, sent_i = heard_u.mul_(scale_u * scale_u).add_(own_u), heard_i.mul_(scale_i * scale_i).add_(own_i)
        heard_u, heard_i = _sums(sent_i, graph.items, to_users), _sums(sent_u, graph.users, to_items)
        share = 1 / (layers + 1)
        return heard_u.mul_(scale_u).add_(users).mul_(share), heard_i.mul_(scale_i).add_(items).mul_(share)

    @staticmethod
    def backward(ctx: Any, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor, None, None]:
        return *ctx.graph(users, items, ctx.layers), None, None


def _scale(degrees: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``1/√degree`` of each node, as for degree 1 where there is no edge."""
    return degrees.clamp(min=1).to(dtype).rsqrt()


def _ends(degrees: Tensor) -> Tensor:
    """Return where each list of neighbours begins, and where the last one ends."""
    return F.pad(degrees.cumsum(0, dtype=torch.int32), (1, 0))


def _sums(vectors: Tensor, neighbours: Tensor, ends: Tensor) -> Tensor:
    """Return the sum of each node's neighbours' vectors, zero where there are none."""
    return F.embedding_bag(neighbours, vectors, ends, mode="sum", include_last_offset=True)


class LightGCN(UserVectorModel[LightGCNConfig]):
    """Score of item i for user u: ``<z_u, z_i>``, or the cosine, with z the mean of the vectors of all layers of the graph.

    It has one vector per user and no state after each event; order in a history does not matter. A user without an edge (code
    -1, or without training events) is folded in from the given history H by one more layer, to which nothing is sent back:
    ``z = Σ_{i in H} z_i / √(|H| d_i)`` over distinct items, d_i the item's degree in training, 1 at least. That is a mean of
    the items' vectors where popular items weigh less; for an empty history it is zero, and so is every score.

    .. [1] He et al., LightGCN: Simplifying and powering graph convolution network for recommendation, SIGIR 2020,
       arXiv:2002.02126, eq. 3-8. As in the authors' code: vectors drawn with standard deviation 0.1, and a decay of the trained
       vectors that a batch touches instead of all (eq. 15). Deviations: one epoch visits each event once; a negative may be an
       item of the user's own history, but not the target; the decay of the drawn negative is its expected value; larger batches
       at a larger learning rate by default, because a step costs one propagation whatever the batch.
    """

    def __init__(self, config: LightGCNConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self.graph = InteractionGraph(vocabulary.n_users, vocabulary.n_items, config.edges)
        self._kept: Kept[tuple[Tensor, Tensor]] = Kept()

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return one vector per user → [B, D]."""
        users, items = self._tables()
        known = known_users(batch.users, self.graph.user_degrees > 0)
        vectors = F.pad(users, (0, 0, 0, 1)) if not len(users) else users
        vectors = vectors.index_select(0, batch.users.masked_fill(~known, 0))
        if bool(known.all()):
            return vectors
        cold = (~known).nonzero()[:, 0]
        return vectors.index_copy(0, cold, self._normalise(self._fold_in(items, batch.items[cold])))

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N → [N, D]."""
        return self._tables()[1]

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over the pairs of the batch, and the decay."""
        targets = require_targets(batch, "lightgcn")
        self._kept.forget()
        users, items = self._propagate()
        states = self._normalise(users.index_select(0, batch.users))
        terms = {"loss": self._losses(states, targets, self._normalise(items), batch).mean()}
        return terms | self._decay(batch, targets)

    def _decay(self, batch: SequenceBatch, targets: Tensor) -> dict[str, Tensor]:
        """Return the decay of the vectors that the pairs of the batch touch, if there is any."""
        if not self.config.decay:
            return {}
        table = self.encoder.table()
        own_u, own_i = self.users.index_select(0, batch.users), self.encoder.encode(targets)
        touched = (own_u.square().sum() + own_i.square().sum()) / batch.size
        return {"decay": self.config.decay / 2 * (touched + table.square().sum() / len(table))}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: the graph, and how often each item occurs."""
        super().observe(train)
        users = torch.from_numpy(train.users[train.event_rows()])
        items = torch.from_numpy(train.items[train.positions()]).to(torch.int64) - 1
        edges = self.graph.connect(users, items)
        self.card = replace(self.card, config=self.card.config.model_copy(update={"edges": edges}))
        self._kept.forget()

    def after_step(self) -> None:
        """Forget the propagated tables: weights have changed."""
        self._kept.forget()

    def _propagate(self) -> tuple[Tensor, Tensor]:
        passed: tuple[Tensor, Tensor] = self.graph(self.users, self.encoder.table(), self.config.layers)
        return passed

    def _tables(self) -> tuple[Tensor, Tensor]:
        """Return the vectors of users and items, kept where no gradient is asked for."""
        return self._kept.get((self.users, self.encoder.weight, *self.graph.buffers()), self._final)

    def _final(self) -> tuple[Tensor, Tensor]:
        users, items = self._propagate()
        return self._normalise(users), self._normalise(items)

    def _fold_in(self, table: Tensor, items: Tensor) -> Tensor:
        """Return the vectors of users who are known by histories [B, L] only."""
        ordered = items.sort(dim=1).values
        distinct = F.pad(ordered[:, 1:] != ordered[:, :-1], (1, 0), value=True) & (ordered > 0)
        rows = (ordered - 1).clamp(min=0)
        share = distinct.sum(1, keepdim=True).clamp(min=1).rsqrt()
        weights = (_scale(self.graph.item_degrees, torch.float32)[rows] * share * distinct).to(table.dtype)
        return F.embedding_bag(rows, table, per_sample_weights=weights, mode="sum")
