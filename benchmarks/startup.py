"""How long it takes until the package is imported and the command line has answered.

Run: python benchmarks/startup.py [--runs 7]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from common import record

CASES = {
    "python alone": ["-c", "pass"],
    "import reverie": ["-c", "import reverie"],
    "reverie --help": ["-m", "reverie", "--help"],
    "reverie models": ["-m", "reverie", "models"],
}


def seconds(command: list[str]) -> float:
    """Return the wall time of one run of a command."""
    begin = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Run all cases in turn, several times, and append the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    measured: dict[str, list[float]] = {case: [] for case in CASES}
    for _ in range(runs + 1):
        for case, words in CASES.items():
            measured[case].append(seconds([sys.executable, *words]))
    record(
        [
            {
                "benchmark": "startup",
                "case": case,
                "metric": f"median of {runs}",
                "value": statistics.median(values[1:]),
                "unit": "s",
            }
            for case, values in measured.items()
        ]
    )


if __name__ == "__main__":
    main()
