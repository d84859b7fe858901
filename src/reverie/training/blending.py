"""Weights of a blend, chosen on validation by coordinate search over the items near the top of any part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from reverie.data.queries import Queries
from reverie.data.sequences import flat_positions
from reverie.errors import ConfigError
from reverie.evaluation import ranking
from reverie.evaluation.metrics import RANKED, UNSHOWN, parse
from reverie.evaluation.values import ranked_values
from reverie.models.blend.model import Blend, Standardised

NEAR = 100
"""A target that none of the weighted parts has among its this many highest items counts as a miss while weights are chosen."""
_NONE = -1e9
"""Score of the places of a list that hold no item."""


@dataclass(frozen=True)
class Shortlists:
    """Standardised scores of P parts, for T targets and for the items near the top of any part.

    own [P, T], near [P, T] (whether the target is there), rivals [P, Q, P * NEAR], query [T], frame: query, cluster.
    """

    own: NDArray[np.float32]
    near: NDArray[np.bool_]
    rivals: NDArray[np.float32]
    query: NDArray[np.int64]
    frame: pl.DataFrame

    def value(self, weights: NDArray[np.float64], metric: str) -> float:
        """Return a metric of the ranks that the weights give the targets; weights [P]."""
        own, rivals = (_weighted(weights, scores) for scores in (self.own, self.rivals))
        others = rivals if len(self.query) == len(rivals) else rivals[self.query]
        greater = (others > own[:, None]).sum(axis=1)
        greater[~self.near[weights > 0].any(axis=0)] = UNSHOWN
        equal = np.maximum((others == own[:, None]).sum(axis=1) - 1, 0)  # a target near the top is among the others
        frame = self.frame.with_columns(greater=pl.Series(greater), equal=pl.Series(np.where(greater == UNSHOWN, 0, equal)))
        return ranked_values(frame, parse(metric)).value


def _weighted(weights: NDArray[np.float64], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add up the parts in their order, so that equal scores stay equal; weights [P], scores [P, ...] → [...]."""
    total = np.zeros(scores.shape[1:], dtype=np.float32)
    for weight, part in zip(weights, scores, strict=True):
        if weight:
            total += np.float32(weight) * part
    return total


def shortlist(model: Blend, queries: Queries, device: str | None = None, seed: int = 0) -> Shortlists:
    """Score queries with each part and keep what stands near the top."""
    parts, targets = [Standardised(part) for part in model.parts], len(queries.targets)
    own, near = np.zeros((len(parts), targets), dtype=np.float32), np.zeros((len(parts), targets), dtype=bool)
    rivals = np.full((len(parts), len(queries), len(parts) * NEAR), _NONE, dtype=np.float32)
    ranked = ranking.ranked_targets(queries)
    with ranking.evaluation_mode(model, device, seed) as used:
        for index in ranking.batches(queries, model.history, None, False):
            layout = ranking.arrange(queries, index, queries.seen == "remove")
            items = None if layout.items is None else torch.from_numpy(layout.items)
            scores = [ranking.score_batch(part, queries, index, used, items) for part in parts]
            places, limits = zip(*(_top(part, layout) for part in scores), strict=True)
            columns = np.sort(np.concatenate(places, axis=1), axis=1)
            absent = (columns < 0) | (np.diff(columns, axis=1, prepend=-1) == 0)
            at = torch.from_numpy(np.maximum(columns, 0)).to(used)
            numbers = flat_positions(queries.offsets[index], queries.offsets[index + 1])
            for number, (part, limit) in enumerate(zip(scores, limits, strict=True)):
                kept = part.gather(1, at).float().cpu().numpy()
                rivals[number, index, : columns.shape[1]] = np.where(absent, _NONE, kept)
                own[number, numbers] = part[layout.target_rows, layout.target_columns].float().cpu().numpy()
                near[number, numbers] = (own[number, numbers] > limit[layout.target_rows]) & ~layout.unshown
    query = queries.target_queries[ranked]
    frame = pl.DataFrame({"query": query, "cluster": queries.clusters[query]})
    return Shortlists(own[:, ranked], near[:, ranked], rivals, query, frame)


def _top(scores: torch.Tensor, layout: ranking.Layout) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the columns of the highest items of each row, -1 where there are fewer, and the score that is just too low; [B, C]."""
    with ranking.masked(scores, layout.hidden_rows, layout.hidden_columns):
        columns, values = ranking.highest(scores, NEAR)
    return columns, values[:, -1] if scores.shape[1] > NEAR else np.full(len(values), -np.inf, dtype=np.float32)


def require_ranked(metric: str) -> None:
    """Refuse a metric that short lists cannot tell, before anything is fitted."""
    if parse(metric).name not in RANKED or parse(metric).k > NEAR:
        raise ConfigError(f"weights of a blend cannot be chosen by '{metric}'; set training.metric to ndcg@10 or its like")


def choose_weights(model: Blend, queries: Queries, metric: str, device: str | None = None, seed: int = 0) -> list[float]:
    """Return the weights with the highest metric that coordinate search finds; parts that do not raise it have weight 0."""
    lists, config = shortlist(model, queries, device, seed), model.config
    found = search(lambda weights: lists.value(weights, metric), len(model.parts), config.shares, config.sweeps)
    return [round(float(weight), 6) for weight in found]


def search(value: Callable[[NDArray[np.float64]], float], parts: int, shares: int, sweeps: int) -> NDArray[np.float64]:
    """Return weights that sum to 1, by coordinate search from the best single part on.

    Each part in turn is given each share of the whole from none to all, the others keeping their proportions, until a sweep over
    all parts changes nothing. Of equal values the one with fewer parts is taken, and of those the first.
    """
    singles = list(np.eye(parts))
    values = [value(one) for one in singles]
    best = max(range(parts), key=lambda part: values[part])
    weights, highest = singles[best], values[best]
    for _ in range(sweeps):
        before = weights
        for part, share in ((part, share / shares) for part in range(parts) for share in range(shares + 1)):
            others = np.where(np.arange(parts) == part, 0, weights)
            if not others.any():
                continue
            tried = others / others.sum() * (1 - share) + share * singles[part]
            reached = value(tried)
            fewer = np.count_nonzero(tried) < np.count_nonzero(weights)
            if reached > highest or (reached == highest and fewer):
                weights, highest = tried, reached
        if weights is before:
            break
    return weights
