"""The two graphs of FREEDOM: items that are alike, frozen, and the pruned graph of users and items."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models.lightgcn.model import InteractionGraph

BLOCK = 1 << 24
"""Similarities that are held at once."""


@dataclass(frozen=True)
class SimilarItems:
    """Each item's most similar ones over all modalities, and the weight of each; rows, weights [N, K]."""

    rows: Tensor
    weights: Tensor

    def __call__(self, vectors: Tensor) -> Tensor:
        """Return each item's weighted sum of its neighbours' vectors; vectors [N, D] → [N, D]."""
        if not self.rows.shape[1]:
            return torch.zeros_like(vectors)
        return F.embedding_bag(self.rows, vectors, per_sample_weights=self.weights.to(vectors.dtype), mode="sum")


def similar_items(
    modalities: Sequence[tuple[Tensor, Tensor]], weights: Sequence[float], known: Tensor, neighbours: int
) -> SimilarItems:
    """Return ``S = Σ_m α_m D_m^-½ S_m D_m^-½`` with S_m the 0/1 matrix of the k nearest by cosine (Zhou and Shen, eq. 1 to 4).

    D_m holds the sums of rows, which are all k, so an entry is ``α_m / k``. Only known items are neighbours (of themselves, too).
    An item without a modality has the others' weights in proportion, one without any has zeros.

    modalities: features [N, F] and which are present [N]; weights α_m; known [N].
    """
    present = torch.stack([has for _, has in modalities], 1)
    alpha = torch.tensor(weights, device=present.device) * present
    alpha = alpha / alpha.sum(1, keepdim=True).clamp(min=torch.finfo(alpha.dtype).tiny)
    found, shares = [], []
    for (features, has), share in zip(modalities, alpha.T, strict=True):
        candidates = (has & known).nonzero()[:, 0]
        count = min(neighbours, len(candidates))
        if not count:
            continue
        rows = _nearest(F.normalize(features, dim=1), candidates, count)
        found.append(rows * has[:, None])
        shares.append((share / count)[:, None].expand(-1, count))
    if not found:
        return SimilarItems(present.new_zeros((len(present), 0), dtype=torch.int64), alpha[:, :0])
    return SimilarItems(torch.cat(found, 1), torch.cat(shares, 1).contiguous())


def _nearest(unit: Tensor, candidates: Tensor, count: int) -> Tensor:
    """Return the rows of the nearest candidates [C] of each unit vector [N, F] → [N, count]."""
    among = unit[candidates].T.contiguous()
    size = max(1, BLOCK // len(candidates))
    blocks = torch.split(unit, size)
    return torch.cat([candidates[(block @ among).topk(count).indices] for block in blocks])


def pruned_graph(graph: InteractionGraph, share: float, seed: int) -> InteractionGraph:
    """Return the graph without a share of its edges, normalised by the degrees that remain.

    ``⌊(1 - share) E⌋`` edges are drawn one after the other without replacement with probability in proportion to
    ``1 / √(d_u d_i)`` (Zhou and Shen, eq. 5): those are the first of a race of exponential times with these rates.
    """
    users = torch.repeat_interleave(torch.arange(len(graph.user_degrees), device=graph.items.device), graph.user_degrees)
    items = graph.items.to(torch.int64)
    rates = (graph.user_degrees[users].float() * graph.item_degrees[items].float()).rsqrt()
    times = torch.empty(len(items)).exponential_(generator=torch.Generator().manual_seed(seed)).to(rates.device) / rates
    kept = times.topk(int((1 - share) * len(items)), largest=False, sorted=False).indices
    pruned = InteractionGraph(len(graph.user_degrees), len(graph.item_degrees)).to(rates.device)
    pruned.connect(users[kept], items[kept])
    return pruned
