"""One training step over a catalogue of a million items: sampled softmax with logQ, and the full softmax in chunks beside it.

A step is forward, backward and the update of the item table (N x 64) from 512 states. ``rowwise`` tables are updated in the rows
that the batch touched. Each case is a process of its own, so that its peak memory is its own; the table, its gradient where it is
dense, and Adam's two moments are part of it. Run ``python benchmarks/million.py``: about a minute, 3 GB; it appends to
``results/million.csv``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

BATCH, WIDTH = 512, 64
CASES = {
    "sampled, 512 shared by popularity, logQ": ({"source": "popularity", "n": 512, "shared": True}, True),
    "sampled, 256 per row by popularity, logQ": ({"source": "popularity", "n": 256}, True),
    "sampled, in-batch, logQ": ({"source": "in_batch"}, True),
    "sampled, 512 shared by popularity, logQ, dense table": ({"source": "popularity", "n": 512, "shared": True}, False),
    "full softmax in chunks, dense table": (None, False),
}


def measure(case: str, items: int, steps: int, threads: int) -> dict[str, float]:
    """Return the median seconds of a step and the peak MB."""
    import numpy as np
    import torch

    from reverie.nn.heads import DotHead
    from reverie.objectives import FullSoftmax, NegativesConfig, SampledSoftmax, create_objective
    from reverie.study.environment import peak_mb, reset_peak

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    negatives, rowwise = CASES[case]
    counts = np.r_[0, np.random.default_rng(0).permutation(1 + (1e7 / np.arange(1, items + 1)).astype(np.int64))]
    config = FullSoftmax() if negatives is None else SampledSoftmax(negatives=NegativesConfig(**negatives), logq=True)
    objective = create_objective(config, items, counts)
    table = torch.nn.Parameter(torch.randn(items, WIDTH) * 0.1)
    optimiser = torch.optim.SparseAdam([table]) if rowwise else torch.optim.Adam([table])
    shares = torch.from_numpy(counts[1:] / counts.sum())
    times = []
    reset_peak()
    for _ in range(steps + 1):
        states, targets = torch.randn(BATCH, WIDTH, requires_grad=True), 1 + torch.multinomial(shares, BATCH, replacement=True)
        begin = time.perf_counter()
        objective.loss(states, targets, DotHead(table, rowwise=rowwise)).mean().backward()
        optimiser.step()
        optimiser.zero_grad()
        times.append(time.perf_counter() - begin)
    return {"step": float(np.median(times[1:])), "peak memory": peak_mb()}  # the first makes Adam's moments


def main() -> None:
    """Measure every case and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", choices=list(CASES))
    asked = parser.parse_args()
    if asked.case:
        print(json.dumps(measure(asked.case, asked.items, asked.steps, asked.threads)))
        return
    from common import record

    for case in CASES:
        command = [sys.executable, __file__, "--case", case, *sys.argv[1:]]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        named = {"benchmark": "million", "case": f"N={asked.items} d={WIDTH} batch={BATCH}, {asked.threads} threads: {case}"}
        record([named | {"metric": m, "value": v, "unit": "s" if m == "step" else "MB"} for m, v in found.items()])


if __name__ == "__main__":
    main()
