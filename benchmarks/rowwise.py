"""Steps of SASRec over a large catalogue: all item vectors updated each step, or only the rows touched.

Run: python benchmarks/rowwise.py [--items 1000000] [--steps 10]
Each case runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from itertools import product

from common import record

SHARED, PER_POSITION = 512, 256
"""Uniform negatives: one set for the whole batch, or a set for each position (which touches most of the table)."""


def measure(table: str, shared: bool, items: int, batch: int, length: int, steps: int, threads: int) -> dict[str, float]:
    """Return seconds per step and peak MB of a few real training steps."""
    import numpy as np
    import polars as pl
    import torch

    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models import create_model
    from reverie.study.environment import peak_mb, reset_peak
    from reverie.training.config import TrainingConfig
    from reverie.training.loop import Trainer, training_source

    torch.set_num_threads(threads)
    rows = batch * (steps + 2)
    generator = np.random.default_rng(0)
    events = generator.integers(1, items + 1, rows * (length + 1), dtype=np.int32)
    starts = np.arange(rows, dtype=np.int64) * (length + 1)
    vocabulary = Vocabulary(pl.Series(np.arange(items)), pl.Series(np.arange(rows)))
    train = Sequences(events, starts, starts + length + 1, np.arange(rows, dtype=np.int64), vocabulary)
    negatives = {"n": SHARED, "shared": True} if shared else {"n": PER_POSITION}
    objective = {"kind": "sampled_softmax", "negatives": negatives}
    model = create_model("sasrec", vocabulary, dim=64, history=length, table=table, objective=objective)
    assert isinstance(model, torch.nn.Module)
    source = training_source(model, train)
    trainer = Trainer(model, source, TrainingConfig(batch_size=batch), None, None, torch.device("cpu"))
    batches = trainer.batches(0)
    for step in range(2):
        trainer.step(batches[step], 0, step, len(batches))
    reset_peak()
    begin = time.perf_counter()
    for step in range(2, steps + 2):
        trainer.step(batches[step], 0, step, len(batches))
    return {"seconds per step": (time.perf_counter() - begin) / steps, "peak": peak_mb()}


def main() -> None:
    """Measure both updates and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--length", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", choices=["dense", "rowwise"])
    parser.add_argument("--shared", action="store_true")
    chosen = parser.parse_args()
    size = (chosen.items, chosen.batch, chosen.length, chosen.steps, chosen.threads)
    if chosen.case:
        print(json.dumps(measure(chosen.case, chosen.shared, *size)))
        return
    rows = []
    for table, shared in product(("dense", "rowwise"), (True, False)):
        drawn = f"{SHARED} shared" if shared else f"{PER_POSITION} per position"
        case = f"sasrec N={chosen.items} d=64 batch={chosen.batch} L={chosen.length}, {drawn} negatives, {chosen.threads} threads"
        command = [sys.executable, __file__, "--case", table, *(["--shared"] if shared else []), *sys.argv[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for metric, value in json.loads(done.stdout).items():
            unit = "MB" if metric == "peak" else "s"
            rows.append({"benchmark": "rowwise", "case": case, "system": table, "metric": metric, "value": value, "unit": unit})
    record(rows)


if __name__ == "__main__":
    main()
