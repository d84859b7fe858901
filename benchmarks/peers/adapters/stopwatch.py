"""What every adapter of the race shares: the job, a clock that stands still while the model is measured, the curve.

It runs in the environments of all systems, so it needs nothing but numpy and pyarrow.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Lists = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Users [U], their items [U, K] best first, and the scores [U, K]; codes of the parquet files."""
CURVE = ("point", "epoch", "wall_s", "cpu_s", "peak_rss_mb")


class Finished(Exception):
    """Raised when the run is over: budget used up, or no better value for too long."""


@dataclass(frozen=True)
class Job:
    """One run, as the driver describes it.

    Parameters
    ----------
    folder : Path
        Where to write lists and curve.
    data : Path
        Folder of ``train.parquet`` and ``valid.parquet``.
    package : str
        Distribution whose version is recorded.
    settings : dict
        The system's own options.
    model : dict
        ``dim``, ``history``, ``blocks``, ``heads``, the same for all systems.
    seed, top : int
        Random seed; length of the lists.
    budget, every, still : float
        CPU seconds of training allowed; most of them between two measurements; least of them without a better value to stop.
    patience : int
        Measurements without a better value before the run may stop.
    """

    folder: Path
    data: Path
    package: str
    settings: dict[str, Any]
    model: dict[str, int]
    seed: int
    top: int
    budget: float
    every: float
    still: float
    patience: int

    @classmethod
    def read(cls) -> Job:
        """Read the file that the command line names.

        Returns
        -------
        Job
            What to run.
        """
        values = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        return cls(**values | {"folder": Path(values["folder"]), "data": Path(values["data"])})

    def events(self, name: str) -> dict[str, np.ndarray]:
        """Read ``user_id``, ``item_id`` and ``timestamp``, sorted by user and time.

        Parameters
        ----------
        name : str
            "train" or "valid".

        Returns
        -------
        dict of str to ndarray
            int64 columns.
        """
        table = pq.read_table(self.data / f"{name}.parquet")
        return {column: table[column].to_numpy() for column in table.column_names}


class Stopwatch:
    """Wall and CPU clock of training alone.

    Parameters
    ----------
    job : Job
        The run.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        valid = job.events("valid")
        self._target = dict(zip(valid["user_id"].tolist(), valid["item_id"].tolist(), strict=True))
        self._wall = self._cpu = self._measured = self._peak = 0.0
        self._point = self._waited = 0
        self._best, self._best_at = -1.0, 0.0
        facts = {"version": version(job.package), "load": os.getloadavg()[0], "core": sorted(os.sched_getaffinity(0))}
        (job.folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
        with (job.folder / "curve.csv").open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerow(CURVE)

    def start(self) -> None:
        """Let the clock run on."""
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._from = time.perf_counter(), time.process_time()

    def due(self) -> bool:
        """Whether a measurement inside an epoch is due.

        Returns
        -------
        bool
            True every ``job.every`` CPU seconds of training, and once the budget is used up.
        """
        running = time.process_time() - self._from[1]
        return running >= self._job.every or self._cpu + running >= self._job.budget

    def measure(self, epoch: float, recommend: Callable[[], Lists]) -> None:
        """Stop the clock, write what the model recommends and one row of the curve, and let the clock run on.

        Parameters
        ----------
        epoch : float
            Epochs done; a fraction inside an epoch.
        recommend : callable
            Makes the lists.

        Raises
        ------
        Finished
            If the run is over.
        """
        self._wall += time.perf_counter() - self._from[0]
        self._cpu += time.process_time() - self._from[1]
        self._peak = max(self._peak, _resident_peak())
        self._point += 1
        value = self._write(*recommend())
        with (self._job.folder / "curve.csv").open("a", newline="", encoding="utf-8") as handle:
            row = (self._point, round(epoch, 4), round(self._wall, 4), round(self._cpu, 4), round(self._peak, 1))
            csv.writer(handle).writerow(row)
        print(f"point {self._point} epoch {epoch:.2f} wall {self._wall:.1f} cpu {self._cpu:.1f} ndcg@10 {value:.4f}", flush=True)
        self._waited += 1
        if value > self._best:
            self._best, self._best_at, self._waited = value, self._cpu, 0
        if self._cpu >= self._job.budget:
            raise Finished
        if self._waited >= self._job.patience and self._cpu - self._best_at >= self._job.still:
            raise Finished
        self.start()

    def _write(self, users: np.ndarray, items: np.ndarray, scores: np.ndarray) -> float:
        width = items.shape[1]
        table = {
            "user_id": np.repeat(users.astype(np.int64), width),
            "item_id": items.astype(np.int64).ravel(),
            "rank": np.tile(np.arange(1, width + 1, dtype=np.int64), len(users)),
            "score": scores.astype(np.float32).ravel(),
        }
        keep = np.isfinite(table["score"]) & (table["item_id"] >= 0)
        pq.write_table(pa.table({k: v[keep] for k, v in table.items()}), self._job.folder / f"recs-{self._point}.parquet")
        wanted = np.array([self._target.get(user, -1) for user in users.tolist()])
        hits = (items[:, :10] == wanted[:, None]) & (wanted >= 0)[:, None]
        return float((hits / np.log2(np.arange(2, hits.shape[1] + 2))).sum() / len(self._target))


def _resident_peak() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def windows(events: dict[str, np.ndarray], codes: np.ndarray, history: int, padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each user's latest events, padded on the left, without a loop over users.

    Parameters
    ----------
    events : dict
        From `Job.events`, sorted by user and time.
    codes : ndarray, shape [n_events]
        What stands in the windows: the system's own item codes.
    history, padding : int
        Width; filler.

    Returns
    -------
    (ndarray [U], ndarray [U, history])
        Users and their windows.
    """
    users, start, count = np.unique(events["user_id"], return_index=True, return_counts=True)
    at = start[:, None] + count[:, None] - history + np.arange(history)
    return users, np.where(at >= start[:, None], codes[np.maximum(at, 0)], padding)


def best_unseen(
    score: Callable[[int, int], Any], seen: tuple[np.ndarray, np.ndarray], users: int, top: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best columns of a score matrix that comes in slices of rows, seen pairs left out.

    Parameters
    ----------
    score : callable
        ``score(begin, end)`` gives a torch tensor [end - begin, N] that may be changed.
    seen : (ndarray, ndarray)
        Rows, ascending, and columns not to recommend.
    users, top : int
        Rows in all; length of the lists.

    Returns
    -------
    (ndarray [U, top], ndarray [U, top])
        Columns and scores.
    """
    import torch

    columns, values = [], []
    for begin in range(0, users, 512):
        end = min(begin + 512, users)
        with torch.no_grad():
            block = score(begin, end)
            low, high = np.searchsorted(seen[0], (begin, end))
            block[torch.from_numpy(seen[0][low:high] - begin), torch.from_numpy(seen[1][low:high])] = -torch.inf
            found = block.topk(top, dim=1)
        columns.append(found.indices.numpy())
        values.append(found.values.numpy())
    return np.concatenate(columns), np.concatenate(values)
