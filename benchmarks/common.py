"""Where benchmarks write what they measured: one long table per benchmark, a value a row."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import reverie
from reverie.files import append_csv

COLUMNS = ("benchmark", "case", "system", "version", "metric", "value", "unit", "machine", "date", "commit")
HERE = Path(__file__).resolve().parent


def record(rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows to ``results/<benchmark>.csv`` and print them.

    Parameters
    ----------
    rows : sequence of mappings
        With ``benchmark``, ``case``, ``metric``, ``value``, ``unit``, and where it is not Reverie ``system`` and ``version``.
        Machine, date and commit are filled in.
    """
    common = {
        "system": "reverie",
        "version": getattr(reverie, "__version__", ""),
        "machine": machine(),
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "commit": commit(),
    }
    for name in dict.fromkeys(str(row["benchmark"]) for row in rows):
        append_csv(HERE / "results" / f"{name}.csv", COLUMNS, [common | dict(row) for row in rows if row["benchmark"] == name])
    for row in rows:
        filled = common | dict(row)
        print("  ".join(f"{filled[c]:.5g}" if isinstance(filled[c], float) else str(filled[c]) for c in COLUMNS[:7]))


def machine() -> str:
    """Return what the numbers were measured on.

    Returns
    -------
    str
        Architecture and number of usable processors.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()} {usable} cpu"


def commit() -> str:
    """Return the commit that was measured.

    Returns
    -------
    str
        Its short name, with ``+`` where files were changed since; empty outside a repository.
    """

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(HERE), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "--short", "HEAD")
    return head + ("+" if head and git("status", "--porcelain", "--untracked-files=no") else "")
