"""Seconds and memory of the co-occurrence model: fit, one more setting of a search, and scoring every user.

Reads Amazon Beauty from ``$REVERIE_DATA/amazon-s3rec/Beauty.txt.xz`` where it is there, else draws events of the same size.
The system ``python-dict`` counts the same pairs with loops and a dictionary.
"""

from __future__ import annotations

import lzma
import os
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from common import record

from reverie.data.batch import query_batch
from reverie.data.dataset import Dataset
from reverie.data.splits.protocols import leave_one_out
from reverie.models.co_occurrence.config import CoOccurrenceConfig
from reverie.models.co_occurrence.model import CoOccurrence, collect_pairs

if TYPE_CHECKING:
    from reverie.data.sequences import Sequences

BATCH = 512


def events() -> tuple[str, pl.DataFrame]:
    """Return the case and its events.

    Returns
    -------
    tuple
        Name, and a frame with user and item in order.
    """
    path = Path(os.environ.get("REVERIE_DATA", "")) / "amazon-s3rec" / "Beauty.txt.xz"
    if "REVERIE_DATA" in os.environ and path.exists():
        with lzma.open(path, "rt") as lines:
            rows = [line.split() for line in lines]
        users = np.repeat([int(row[0]) for row in rows], [len(row) - 1 for row in rows])
        return "beauty", pl.DataFrame({"user": users, "item": [int(item) for row in rows for item in row[1:]]})
    generator = np.random.default_rng(0)
    lengths = np.minimum(5 + generator.geometric(0.26, 22_363), 200)
    items = (12_101 * generator.random(int(lengths.sum())) ** 2.5).astype(np.int64)
    return "beauty-sized synthetic", pl.DataFrame({"user": np.repeat(np.arange(len(lengths)), lengths), "item": items})


def loops(train: Sequences, config: CoOccurrenceConfig) -> int:
    """Count the same pairs with loops over rows and events.

    Parameters
    ----------
    train : Sequences
        Histories.
    config : CoOccurrenceConfig
        Options.

    Returns
    -------
    int
        Number of cells.
    """
    cells: defaultdict[tuple[int, int], float] = defaultdict(float)
    weights = [0.0] + [d**-config.distance_power for d in range(1, config.window + 1)]
    for index in range(len(train)):
        row = train.row(index).tolist()
        for s, earlier in enumerate(row):
            for d, later in enumerate(row[s + 1 : s + 1 + config.window], start=1):
                cells[earlier, later] += weights[d]
                cells[later, earlier] += config.back * weights[d]
    return len(cells)


def peak_mb() -> float:
    """Return the largest resident memory of this process so far.

    Returns
    -------
    float
        Megabytes.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Measure and record."""
    torch.set_num_threads(1)
    case, frame = events()
    split = leave_one_out(Dataset(frame, frame.select("item").unique(), order="source", name=case))
    config = CoOccurrenceConfig()
    model = CoOccurrence(config, split.vocabulary)
    values: list[tuple[str, str, float, str]] = []

    before, start = peak_mb(), time.perf_counter()
    model.fit_counts(split.train)
    values.append(("reverie", "fit", time.perf_counter() - start, "s"))
    values.append(("reverie", "fit_peak_above_start", peak_mb() - before, "MB"))

    start = time.perf_counter()
    pairs = collect_pairs(split.train, max(config.windows))
    values.append(("reverie", "collect_pairs", time.perf_counter() - start, "s"))
    start = time.perf_counter()
    pairs.matrix(config.window, config.back, config.distance_power)
    values.append(("reverie", "matrix_of_one_setting", time.perf_counter() - start, "s"))

    start, queries = time.perf_counter(), split.test
    for first in range(0, len(queries), BATCH):
        model.scores(query_batch(queries, np.arange(first, min(first + BATCH, len(queries))), model.history))
    values.append(("reverie", "score_all_users", time.perf_counter() - start, "s"))
    values.append(("reverie", "peak", peak_mb(), "MB"))

    start = time.perf_counter()
    loops(split.train, config)
    values.append(("python-dict", "fit", time.perf_counter() - start, "s"))
    record(
        [
            {"benchmark": "co_occurrence", "case": case, "system": system, "metric": metric, "value": value, "unit": unit}
            | ({"version": sys.version.split()[0]} if system == "python-dict" else {})
            for system, metric, value, unit in values
        ]
    )


if __name__ == "__main__":
    main()
