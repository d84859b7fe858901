"""Whether `reverie compare` ends with a leaderboard, in what time and memory, on logs that are large or odd.

Run: python benchmarks/compare.py [--cases catalog-55k,one-user] [--record] [--minutes 30]
Each case is a made-up CSV file, read and compared by the command as a user would give it: the default models, nothing set.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from common import record

import reverie


def catalog_55k() -> pl.DataFrame:
    """Return 100,000 events of 6,000 people on 55,000 items, every item at least once."""
    rng = np.random.default_rng(0)
    item = np.minimum((55_000 * rng.random(100_000) ** 2).astype(np.int64), 54_999)
    item[:55_000] = rng.permutation(55_000)
    return pl.DataFrame(
        {"user": rng.integers(0, 6_000, 100_000), "item": item, "timestamp": 1_500_000_000 + 60 * np.arange(100_000)}
    )


def one_user() -> pl.DataFrame:
    """Return one person's 40 events on 15 items."""
    return pl.DataFrame({"user": ["me"] * 40, "item": [f"i{n * n % 15}" for n in range(40)], "timestamp": range(10**9, 10**9 + 40)})


def odd_ids() -> pl.DataFrame:
    """Return ids with blanks, quotes, separators, markup, emoji, leading zeros, and words that other programs take for values."""
    ids = [
        "  x",
        "日本",
        "a,b",
        'q"q',
        "007",
        "7",
        "1e5",
        "None",
        "nan",
        "NULL",
        "-1",
        "../x",
        "<b>",
        "💥",
        "x" * 300,
        "=1+1",
        "true",
    ]
    users = [ids[n % 17] if n < 17 else f"{ids[n % 17]}{n}" for n in range(60)]
    rows = [(user, ids[(n + 3 * at) % 17], 1_600_000_000 + 10 * at) for n, user in enumerate(users) for at in range(4 + n % 5)]
    return pl.DataFrame(rows, schema=["user", "item", "timestamp"], orient="row")


CASES: dict[str, Callable[[], pl.DataFrame]] = {"catalog-55k": catalog_55k, "one-user": one_user, "odd-ids": odd_ids}


def measured(case: str, folder: Path, minutes: float) -> list[dict[str, object]]:
    """Run the command in a process of its own."""
    CASES[case]().write_csv(folder / "log.csv")
    words = [sys.executable, "-m", "reverie", "compare", "log.csv", "--json", "--minutes", str(minutes)]
    begin = time.monotonic()
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        source = os.environ | {"PYTHONPATH": str(Path(reverie.__file__).parents[1])}
        process = subprocess.Popen(words, cwd=folder, stdout=out, stderr=err, env=source)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    if status:
        raise SystemExit(f"{case}: {(folder / 'err').read_text()[-2000:]}")
    found = json.loads((folder / "out").read_text())
    failed = [reason for reason in found["skipped"].values() if "broke off" in reason]
    print(case, found["skipped"], [row["label"] for row in found["leaderboard"]["rows"]])
    values = {
        "wall_s": (wall, "s"), "peak_mb": (usage.ru_maxrss / 1024, "MB"),
        "finished": (len(found["leaderboard"]["rows"]), "models"), "refused": (len(found["skipped"]), "models"),
        "broke_off": (len(failed), "models"),
    }  # fmt: skip
    return [
        {"benchmark": "compare", "case": case, "metric": name, "value": value, "unit": unit}
        for name, (value, unit) in values.items()
    ]


def main() -> None:
    """Measure the cases, and append the rows where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--record", action="store_true", help="Append to results/compare.csv.")
    parser.add_argument("--minutes", type=float, default=30)
    asked = parser.parse_args()
    for case in asked.cases.split(","):
        with tempfile.TemporaryDirectory() as folder:
            rows = measured(case, Path(folder), asked.minutes)
        print(*(f"{row['metric']} {row['value']:.5g}" for row in rows), sep="  ")
        if asked.record:
            record(rows)


if __name__ == "__main__":
    main()
