"""Diversity of recommended lists: maximal marginal relevance, union of lists, recall of lists, intra-list similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import csr_array
from torch.nn import functional as F

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.data.sequences import Sequences


def mmr(relevance: Tensor, vectors: Tensor, trade: float, k: int) -> Tensor:
    """Order candidates by maximal marginal relevance; relevance [Q, C], vectors [Q, C, D] → [Q, min(k, C)].

    .. [1] Carbonell and Goldstein, The use of MMR, diversity-based reranking for reordering documents and producing summaries,
       SIGIR 1998.
    """
    if relevance.dim() != 2 or vectors.shape[:-1] != relevance.shape:
        raise ValueError(f"vectors must have shape {[*relevance.shape, 'D']}, as relevance tells, got {list(vectors.shape)}")
    if not 0 <= trade <= 1 or k < 1:
        raise ValueError(f"trade must lie in 0…1 and k must be at least 1, got trade={trade}, k={k}")
    unit, free = F.normalize(vectors, dim=-1), relevance > -torch.inf
    worth, rows = trade * relevance.masked_fill(~free, 0.0), torch.arange(len(relevance), device=relevance.device)
    likeness, places = torch.zeros_like(worth), []
    for place in range(min(k, relevance.shape[1])):
        chosen = (worth - (1 - trade) * likeness).masked_fill(~free, -torch.inf).argmax(dim=1)
        places.append(chosen.masked_fill(~free.any(dim=1), -1))
        free[rows, chosen] = False
        near = torch.einsum("qcd,qd->qc", unit, unit[rows, chosen])
        likeness = torch.maximum(likeness, near) if place else near
    return torch.stack(places, dim=1)


def min_max(scores: Tensor) -> Tensor:
    """Scale the scores of each row to 0…1; scores [Q, C] → [Q, C]."""
    missing = scores == -torch.inf
    low = scores.masked_fill(missing, torch.inf).amin(dim=1, keepdim=True)
    span = (scores.amax(dim=1, keepdim=True) - low).nan_to_num(neginf=0.0)
    return ((scores - low) / span.clamp(min=torch.finfo(scores.dtype).tiny)).masked_fill(missing, -torch.inf)


def union_lists(lists: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Join several ranked lists of a query into one without duplicates: all first places, then all second places, and so on.

    lists [Q, n, L] → [Q, length].
    """
    taken = lists.transpose(0, 2, 1).reshape(len(lists), -1)
    order = np.argsort(taken, axis=1, kind="stable")
    ascending = np.take_along_axis(taken, order, axis=1)
    first = np.zeros(taken.shape, dtype=bool)
    np.put_along_axis(first, order, (np.diff(ascending, axis=1, prepend=0) != 0) & (ascending > 0), axis=1)
    place = np.cumsum(first, axis=1) - 1
    rows, columns = np.nonzero(first & (place < length))
    joint = np.zeros((len(lists), length), dtype=np.int64)
    joint[rows, place[rows, columns]] = taken[rows, columns]
    return joint


def list_recall(lists: NDArray[np.int64], targets: NDArray[np.int32], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of each query's targets that stand in its list; a target that occurs twice counts once.

    lists [Q, K], targets [T], offsets [Q + 1] → [Q].
    """
    query = np.repeat(np.arange(len(lists), dtype=np.int64), np.diff(offsets))
    base = max(int(lists.max(initial=0)), int(targets.max(initial=0))) + 1
    wanted = np.unique(query * base + targets)
    rows, columns = np.nonzero(lists)
    recommended = np.isin(wanted, rows * base + lists[rows, columns])
    counts, hits = (np.bincount(wanted // base, w, minlength=len(lists)).astype(np.float64) for w in (None, recommended))
    share: NDArray[np.float64] = np.divide(hits, counts, out=np.full(len(lists), np.nan), where=counts > 0)
    return share


def distinct_items(items: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the distinct items of each row; items [Q, n] → [Q]."""
    ascending = np.sort(items, axis=1)
    return np.asarray((np.diff(ascending, axis=1, prepend=0) != 0).sum(axis=1))


def pairwise_cosine(vectors: Tensor) -> Tensor:
    """Return the mean cosine of all pairs of vectors of each row; vectors [Q, n, D] → [Q]."""
    n = vectors.shape[1]
    unit = F.normalize(vectors, dim=-1)
    return (unit.sum(dim=1).square().sum(dim=-1) - unit.square().sum(dim=(1, 2))) / (n * (n - 1))


def co_occurrence_cosine(train: Sequences) -> csr_array[np.float64]:
    """Return how alike items are by who chose them: cosines between the columns of the users-by-items matrix of zeros and ones.

    → [N, N].
    """
    shape = (len(train), train.vocabulary.n_items)
    pairs = (train.event_rows(), train.items[train.positions()].astype(np.int64) - 1)
    chose = csr_array((np.ones(len(pairs[0])), pairs), shape=shape)
    chose.data[:] = 1.0  # a repeated event was added up
    counts = np.bincount(chose.indices, minlength=shape[1])
    chose.data /= np.sqrt(counts[chose.indices])
    return csr_array(chose.T.tocsr() @ chose)


def intra_list_similarity(lists: NDArray[np.int64], similarity: csr_array[np.float64]) -> NDArray[np.float64]:
    """Return the mean similarity of all pairs of items of each list; lists [Q, K], similarity [N, N] → [Q]."""
    total, pairs = np.zeros(len(lists)), np.zeros(len(lists))
    for apart in range(1, lists.shape[1]):
        one, other = lists[:, :-apart], lists[:, apart:]
        both = (one > 0) & (other > 0)
        rows = np.nonzero(both)[0]
        values = np.asarray(similarity[one[both] - 1, other[both] - 1]).ravel()
        total += np.bincount(rows, values, minlength=len(lists))
        pairs += both.sum(axis=1)
    mean: NDArray[np.float64] = np.divide(total, pairs, out=np.full(len(lists), np.nan), where=pairs > 0)
    return mean
