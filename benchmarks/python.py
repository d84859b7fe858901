"""The five tasks of a first hour (load, train, two metrics, new users, save and load) in Reverie, RecTools and LensKit, in one run.

    python benchmarks/python.py --peers A/bin/python B/bin/python

with environments that have ``rectools[torch]`` and ``lenskit``.

Each library has a script of its own in ``five_tasks/``, one per model, with the same settings, on the same log, whose last event of
each user is the test. Scripts run one after the other, with one thread; the whole process is measured, imports included. Lines of
code are those between the two marks of a script that are neither blank nor a comment. NDCG@10 is computed here, from the lists that
each library recommended to the users of the test, by one function for all.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from common import record

import reverie as rv

SCRIPTS = Path(__file__).parent / "five_tasks"
PEERS = ("rectools", "lenskit")
THREADS = ("OMP", "OPENBLAS", "MKL", "RAYON", "LK")
"""Each ``_NUM_THREADS`` of these is 1."""


def write_log(dataset: rv.Dataset, path: Path) -> pl.DataFrame:
    """Write user, item and a time that no two events share, so that all hold out the same event; return the last ones."""
    rows = dataset.sequences
    users, items = rows.users[rows.event_rows()], rows.items[rows.positions()] - 1
    ids = {"user": rows.vocabulary.users[users.tolist()], "item": rows.vocabulary.items[items.tolist()]}
    log = pl.DataFrame({**ids, "timestamp": 10**9 + np.arange(rows.n_events)})
    log.write_csv(path)
    return log.group_by("user", maintain_order=True).last().select("user", "item")


def lines_of_code(script: Path) -> int:
    """Count the lines between the marks that are neither blank nor a comment."""
    text = script.read_text(encoding="utf-8").partition("# five tasks\n")[2].partition("# end\n")[0]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in text.splitlines())


def ndcg(lists: pl.DataFrame, last: pl.DataFrame) -> float:
    """Return NDCG@10 of one target per user, over all users of the test."""
    hits = last.join(lists.filter(pl.col("rank") <= 10), on=["user", "item"])
    return float((1 / np.log2(hits["rank"].to_numpy() + 1)).sum() / len(last))


def version(python: str, library: str) -> str:
    """Return the version of a library that an interpreter has; empty where it has none."""
    about = f"import importlib.metadata as m; print(m.version({library!r}))"
    return subprocess.run([python, "-c", about], capture_output=True, text=True, check=False).stdout.strip()


def measure(python: str, script: Path, folder: Path, last: pl.DataFrame) -> list[dict[str, object]]:
    """Run a script and return its rows."""
    library, _, model = script.stem.partition("_")
    lists = folder / f"{script.stem}.csv"
    command = [python, str(script), str(folder / "log.csv"), str(folder / f"{script.stem}-model"), str(lists)]
    begin = time.perf_counter()
    environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in THREADS}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, spent = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    if status:
        sys.exit(f"{script.name} failed with {python}; run it alone: {' '.join(command)}")
    found = {
        "lines of code": (lines_of_code(script), ""), "wall": (wall, "s"), "processor": (spent.ru_utime + spent.ru_stime, "s"),
        "ndcg@10": (ndcg(pl.read_csv(lists), last), ""), "load": (os.getloadavg()[0], ""),
    }  # fmt: skip
    common = {"benchmark": "python", "case": f"five tasks, {model}", "system": library, "version": version(python, library)}
    return [common | {"metric": name, "value": value, "unit": unit} for name, (value, unit) in found.items()]


def main() -> None:
    """Run what there is an interpreter for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", nargs="*", default=[], help="Python of an environment with rectools[torch] or lenskit")
    parser.add_argument("--dataset", default="ml-100k")
    parser.add_argument("--models", nargs="+", default=["sasrec", "ease"])
    given = parser.parse_args()
    pythons = {"reverie": sys.executable} | {peer: python for python in given.peers for peer in PEERS if version(python, peer)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        last = write_log(rv.load_dataset(given.dataset), folder / "log.csv")
        scripts = [SCRIPTS / f"{library}_{model}.py" for model in given.models for library in pythons]
        for script in filter(Path.exists, scripts):
            record(measure(pythons[script.stem.partition("_")[0]], script, folder, last))


if __name__ == "__main__":
    main()
