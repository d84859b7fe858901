"""How long one list takes: a fitted model asked for single histories, one after another."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt  # pydantic reads them

from reverie.data.queries import Queries
from reverie.evaluation.recommend import recommend_all
from reverie.protocols import Recommender

REQUESTS, WARM_UP, SECONDS = 100, 3, 2.0
"""Lists that are asked for, those before them that are not counted, and the time after which no other is."""


@dataclass(frozen=True)
class Serving:
    """Time of one list of ten, in milliseconds."""

    median_ms: NonNegativeFloat
    p95_ms: NonNegativeFloat
    processor_ms: NonNegativeFloat
    """Of the processor, over all threads, the mean; far below the median the machine was busy with something else."""
    requests: PositiveInt
    threads: PositiveInt


def measure_serving(model: Recommender, queries: Queries, device: str | None = None) -> Serving | None:
    """Ask for lists of ten for single histories and take the time of each; None where there is no history."""
    import torch

    able = np.flatnonzero(queries.lengths > 0)
    if not len(able):
        return None
    asked = able[np.linspace(0, len(able) - 1, min(len(able), REQUESTS)).astype(np.int64)]
    for one in asked[:WARM_UP]:
        recommend_all(model, queries.take(one[None]), device=device)
    times: list[float] = []
    begin, spent = time.perf_counter(), time.process_time()
    for one in asked:
        before = time.perf_counter()
        recommend_all(model, queries.take(one[None]), device=device)
        times.append(1000 * (time.perf_counter() - before))
        if time.perf_counter() - begin > SECONDS:
            break
    processor = 1000 * (time.process_time() - spent) / len(times)
    median, late = np.percentile(times, [50, 95])
    return Serving(float(median), float(late), processor, len(times), torch.get_num_threads())
