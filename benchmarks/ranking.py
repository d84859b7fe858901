"""Seconds and memory of an evaluation of Amazon Beauty's size: ranks, metrics, intervals, files.

Synthetic events of 22,363 users over 12,101 items and a random model whose scores are inner products of width 64.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl
import torch
from common import record

from reverie.data.dataset import Dataset
from reverie.data.splits.protocols import leave_one_out
from reverie.evaluation import Evaluation, evaluate, paired_test, recommend_all
from reverie.protocols import Card

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.vocabulary import Vocabulary

USERS, ITEMS, WIDTH, EVENTS = 22_363, 12_101, 64, 198_502
T = TypeVar("T")


class VectorModel:
    """The mean vector of the history against a table of items."""

    history: int | None = 50

    def __init__(self, vocabulary: Vocabulary, seed: int) -> None:
        self.card = Card("vectors", None, vocabulary)
        draw = torch.randn(vocabulary.n_items + 1, WIDTH, generator=torch.Generator().manual_seed(seed))
        draw[0] = 0
        self.table = draw

    def scores(self, batch: SequenceBatch, items: torch.Tensor | None = None) -> torch.Tensor:
        """Score the catalogue, or candidates."""
        states = self.table[batch.items].sum(dim=1) / batch.lengths.clamp(min=1)[:, None]
        if items is None:
            return states @ self.table[1:].T
        return (self.table[items] @ states[:, :, None]).squeeze(-1)


def events() -> Dataset:
    """Draw events with a long tail of items; every user has at least three, every item one."""
    rng = np.random.default_rng(0)
    user = np.concatenate([np.repeat(np.arange(USERS), 3), rng.integers(USERS, size=EVENTS - 3 * USERS)])
    rare = np.minimum(rng.pareto(1.0, size=EVENTS - ITEMS) * ITEMS / 40, ITEMS - 1).astype(np.int64)
    item = rng.permutation(np.concatenate([np.arange(ITEMS), rare]))
    return Dataset(pl.DataFrame({"user": user, "item": item}), name="synthetic-beauty", order="source")


def main() -> None:
    """Measure and record."""
    torch.set_num_threads(2)
    split = leave_one_out(events())
    models = [VectorModel(split.vocabulary, seed) for seed in range(2)]
    rows: list[dict[str, object]] = []

    def timed(metric: str, work: Callable[[], T]) -> T:
        begin = time.perf_counter()
        result = work()
        add(metric, time.perf_counter() - begin, "s")
        return result

    def add(metric: str, value: float, unit: str) -> None:
        case = f"{USERS} users x {ITEMS} items"
        rows.append({"benchmark": "ranking", "case": case, "metric": metric, "value": value, "unit": unit})

    def whole() -> Evaluation:
        with tempfile.TemporaryDirectory() as folder:
            evaluation = timed("evaluate", lambda: evaluate(models[0], split.test, train=split.train))
            timed("metrics and intervals", evaluation.metrics)
            timed("save", lambda: evaluation.save(folder))
            timed("load", lambda: Evaluation.load(folder))
        return evaluation

    first = timed("evaluate, metrics, intervals, files", whole)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    add("peak memory of the process", peak / 1e6, "MB")
    other = timed("evaluate, top=0", lambda: evaluate(models[1], split.test, top=0))
    timed("paired test, 3 metrics", lambda: paired_test(first, other))
    timed("recommend 10 to all users", lambda: recommend_all(models[0], split.refit, 10))
    record(rows)


if __name__ == "__main__":
    main()
