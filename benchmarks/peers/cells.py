"""One run of one system: prepared, run in its own environment on one core, judged, kept."""

from __future__ import annotations

import csv
import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from curves import Point
from environments import interpreter
from systems import CASES, MODEL, SYSTEMS

import reverie as rv
from reverie.evaluation.judge import judge
from reverie.files import atomic_path, write_json
from reverie.study.store import Store

if TYPE_CHECKING:
    from reverie.data.split import Split

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import commit

ADAPTERS = Path(__file__).resolve().parent / "adapters"
EVERY, STILL, PATIENCE = 20.0, 20.0, 10
VERSION = 1
"""Of a run; raised when the same facts come to mean something else."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS")


@dataclass(frozen=True)
class Cell:
    """One run.

    Parameters
    ----------
    case, system, setting : str
        Keys of `systems`.
    seed : int
        Random seed.
    budget : float
        CPU seconds of training.
    """

    case: str
    system: str
    setting: str
    seed: int
    budget: float

    def facts(self) -> dict[str, Any]:
        """Return everything that makes the run what it is."""
        return asdict(self) | {"version": VERSION}


@cache
def split_of(case: str) -> Split:
    """Return the split of a case, read once.

    Parameters
    ----------
    case : str
        Key of `CASES`.

    Returns
    -------
    Split
        Leave one out.
    """
    return rv.leave_one_out(rv.load_dataset(CASES[case].dataset))


def write_events(case: str, work: Path) -> Path:
    """Write ``train``, ``valid`` and ``test.parquet`` of a case, if they are not there.

    Codes stand for ids, and the time of an event is its place in the user's row, so that every system sees the same order.

    Parameters
    ----------
    case : str
        Key of `CASES`.
    work : Path
        Folder of the whole race.

    Returns
    -------
    Path
        Their folder.
    """
    folder, split = work / "data" / case, split_of(case)
    parts = {"test": split.test, "valid": split.valid}
    if not all((folder / f"{name}.parquet").exists() for name in ("train", *parts)):
        rows = split.train
        tables = {"train": (rows.users[rows.event_rows()], rows.items[rows.positions()], _places(rows.lengths))}
        tables |= {name: (part.users, part.targets, part.lengths) for name, part in parts.items()}
        for name, columns in tables.items():
            names = ("user_id", "item_id", "timestamp")
            frame = pl.DataFrame({n: c.astype(np.int64) for n, c in zip(names, columns, strict=True)})
            with atomic_path(folder / f"{name}.parquet") as temporary:
                frame.sort("user_id", "timestamp").write_parquet(temporary)
    return folder


def _places(lengths: Any) -> Any:
    return np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def run_cell(cell: Cell, work: Path, environments: Path, core: int) -> dict[str, Any]:
    """Run a cell unless it is finished, and return what it gave.

    Parameters
    ----------
    cell : Cell
        What to run.
    work, environments : Path
        Folders of the race and of the virtual environments.
    core : int
        The one core that it may use.

    Returns
    -------
    dict
        ``curve`` (list of points), ``facts`` (version, load average at the start), and the cell's own fields.
    """

    def make(folder: Path) -> dict[str, Any]:
        shutil.rmtree(folder)
        folder.mkdir()
        job = _job(cell, folder, work)
        write_json(folder / "job.json", job)
        adapter = ADAPTERS / SYSTEMS[cell.system].adapter
        python = interpreter(cell.system, environments)
        command = ["taskset", "-c", str(core), str(python), str(adapter), str(folder / "job.json")]
        begin = time.monotonic()
        with (folder / "log.txt").open("w", encoding="utf-8") as log:
            variables = os.environ | dict.fromkeys(THREADS, "1") | {"CUDA_VISIBLE_DEVICES": ""}
            limit = 600 + 10 * cell.budget
            subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT, env=variables, cwd=folder, timeout=limit)
        return _judged(cell, folder) | {"whole_s": time.monotonic() - begin}

    return dict(Store(work).kept("cells", cell.facts(), make).notes)


def finished(cells: Iterable[Cell], work: Path) -> list[dict[str, Any]]:
    """Return the results of those cells that have one."""
    store = Store(work)
    kept = [cell.facts() for cell in cells if store.has("cells", cell.facts())]
    return [dict(store.kept("cells", facts, lambda folder: {}).notes) for facts in kept]


def _job(cell: Cell, folder: Path, work: Path) -> dict[str, Any]:
    """Return what an adapter is told."""
    system, case = SYSTEMS[cell.system], CASES[cell.case]
    return {
        "folder": str(folder),
        "data": str(write_events(cell.case, work)),
        "package": system.package,
        "settings": system.settings[cell.case][cell.setting],
        "model": MODEL,
        "seed": cell.seed,
        "top": case.top,
        "budget": cell.budget,
        "every": EVERY,
        "still": STILL,
        "patience": PATIENCE,
    }


def _judged(cell: Cell, folder: Path) -> dict[str, Any]:
    """Score every list of a run with `judge`, and throw the lists away but for the best."""
    split = split_of(cell.case)
    curve, best = [], -1.0
    with (folder / "curve.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        path = folder / f"recs-{row['point']}.parquet"
        value = judge(external(pl.read_parquet(path), split), split.valid, name=cell.system).value("ndcg@10")
        curve.append([float(row["epoch"]), float(row["wall_s"]), float(row["cpu_s"]), float(row["peak_rss_mb"]), value])
        if value > best:
            best = value
            shutil.copyfile(path, folder / "best.parquet")
        path.unlink()
    shutil.rmtree(folder / "atomic", ignore_errors=True)
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    own = {"case": cell.case, "system": cell.system, "setting": cell.setting, "seed": cell.seed, "budget": cell.budget}
    when = {"date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(), "commit": commit()}
    return own | when | {"curve": curve, "facts": facts}


def external(lists: pl.DataFrame, split: Split) -> pl.DataFrame:
    """Put the ids of the dataset in the place of codes.

    Parameters
    ----------
    lists : polars.DataFrame
        Columns ``user_id`` and ``item_id`` (codes) and ``rank``.
    split : Split
        Whose vocabulary to use.

    Returns
    -------
    polars.DataFrame
        Columns user, item, rank.
    """
    vocabulary = split.vocabulary
    return pl.DataFrame(
        {
            "user": vocabulary.users.gather(lists["user_id"]),
            "item": vocabulary.items.gather(lists["item_id"] - 1),
            "rank": lists["rank"],
        }
    )


def points(result: dict[str, Any]) -> list[Point]:
    """Return the curve of a result.

    Parameters
    ----------
    result : dict
        From `run_cell`.

    Returns
    -------
    list of Point
        In the order of measuring.
    """
    return [Point(*values) for values in result["curve"]]
