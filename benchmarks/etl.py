"""Reading an event log: seconds and peak memory of Reverie, and of pandas doing the same job.

The job: read user, item, timestamp and rating; drop repeated events; turn ids into codes; sort by user and time.

    python benchmarks/etl.py                      # 20 million events, about 2 GB of temporary files
    python benchmarks/etl.py --events 1000000
    python benchmarks/etl.py --before ../0a1810a  # a checkout of an earlier commit too, in the same run
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import polars as pl
from common import record

USERS, ITEMS = 500_000, 100_000


def generate(folder: Path, events: int) -> None:
    """Write the same events as Parquet and as CSV: Zipf items, uniform users, one year of seconds, five ratings."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, ITEMS + 1)
    items = np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(events))
    frame = pl.DataFrame(
        {
            "user": rng.integers(0, USERS, events),
            "item": rng.permutation(ITEMS * 3)[:ITEMS][items],
            "timestamp": rng.integers(1_600_000_000, 1_631_536_000, events),
            "rating": rng.integers(1, 6, events).astype(np.float64),
        }
    )
    frame.write_parquet(folder / "events.parquet")
    frame.write_csv(folder / "events.csv")


def reverie_job(path: Path) -> int:
    """Read with Reverie; return the number of events."""
    from reverie.data.readers import read_events

    return read_events(path).sequences.n_events


def pandas_job(path: Path) -> int:
    """Read with pandas; return the number of events."""
    import pandas as pd

    names = ["user", "item", "timestamp", "rating"]
    frame = pd.read_parquet(path, columns=names) if path.suffix == ".parquet" else pd.read_csv(path, usecols=names)
    frame = frame.drop_duplicates(["user", "item", "timestamp"])
    frame["user"] = pd.factorize(frame["user"], sort=True)[0]
    frame["item"] = pd.factorize(frame["item"], sort=True)[0] + 1
    frame = frame.sort_values(["user", "timestamp"], kind="stable")
    return len(frame)


JOBS = {"reverie": reverie_job, "pandas": pandas_job}


def measure(job: str, path: Path, source: Path | None = None) -> dict[str, float]:
    """Run one job in a process of its own, with the package of another checkout where ``source`` names one."""
    command = [sys.executable, __file__, "--job", job, "--path", str(path)]
    variables = dict(os.environ) | ({"PYTHONPATH": str(source / "src")} if source else {})
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=variables).stdout)


def main() -> None:
    """Parse the options, measure, and append to the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--before", type=Path, help="a checkout of an earlier commit, measured in the same run")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        begin = time.perf_counter()
        events = JOBS[options.job](options.path)
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"events": events, "seconds": seconds, "peak_mb": peak}))
        return
    with tempfile.TemporaryDirectory(prefix="etl-") as scratch:
        folder = Path(scratch)
        generate(folder, options.events)
        counts = set()
        runs = [(system, system, None) for system in JOBS]
        if options.before:
            runs.append((f"reverie at {options.before.resolve().name}", "reverie", options.before))
        for suffix in ("parquet", "csv"):
            for system, job, source in runs:
                found = measure(job, folder / f"events.{suffix}", source)
                counts.add(found["events"])
                row = {"benchmark": "etl", "case": f"{suffix}, {options.events:,} events", "system": system}
                row["version"] = metadata.version(job)
                units = {"seconds": "s", "peak_mb": "MB"}
                record([row | {"metric": metric, "value": found[metric], "unit": unit} for metric, unit in units.items()])
        assert len(counts) == 1, f"the systems disagree on the number of events: {counts}"


if __name__ == "__main__":
    main()
