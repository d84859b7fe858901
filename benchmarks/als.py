"""Implicit ALS: seconds until vectors rank as well as those of the package implicit, in one run, each on one thread.

Run: OMP_NUM_THREADS=1 python benchmarks/als.py [--data ml-1m amazon-beauty] [--python PYTHON] [--environments FOLDER]
Both systems factorise the same 0/1 matrix (the training part of leave-one-out) at the same width for the same number of
iterations, each in a process of its own, and after each iteration NDCG@10 of the validation items is measured by the same lines
while the clocks stand still. What is reached is the best value of implicit as it comes (conjugate gradients). ``same objective`` is
implicit's own loss in our options; ``default form`` is ours (exponent 1). Settings are those of `SETTINGS`; ``--tune`` searches
better ones on validation. implicit runs in an environment of its own (``--python``), which is made where it is missing, as in
``peers/``.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

FACTORS = 64
SETTINGS: dict[str, dict[str, dict[str, float]]] = {
    "ml-1m": {
        "implicit": {"alpha": 2.0, "regularization": 1.0},
        "default form": {"unobserved": 2.0, "regularisation": 0.001},
    },
    "amazon-beauty": {
        "implicit": {"alpha": 30.0, "regularization": 10.0},
        "default form": {"unobserved": 0.006, "regularisation": 0.02},
    },
}
"""The best on validation: of implicit's grid (but alpha 100 on ml-1m, alpha 2 and 4 on amazon-beauty), and of some thirty trials of
ours, whose whole grid has not been run yet."""
Vectors = tuple[np.ndarray, np.ndarray]


def translated(alpha: float, regularization: float) -> dict[str, float]:
    """Return our options for implicit's loss: there pairs weigh alpha where they occurred and 1 elsewhere, and should score 1 or 0.

    Divided by alpha - 1 and with scores divided by alpha / (alpha - 1), that is ours with exponent 0.
    """
    return {"unobserved": 1 / (alpha - 1), "regularisation": regularization / alpha, "exponent": 0.0}


def ours(taken: sp.csr_matrix, options: dict[str, Any], seed: int, told: Callable[[Vectors], None]) -> str:
    """Factorise, tell the vectors after each iteration, and return the version."""
    import reverie
    from reverie.models.als.config import ALSConfig
    from reverie.models.als.factors import alternate

    config = ALSConfig.model_validate({"dim": FACTORS, **options})
    for users, items in alternate(sp.csr_array(taken), config, seed):
        told((users.numpy(), items.numpy()))
    return reverie.__version__


def implicits(taken: sp.csr_matrix, options: dict[str, Any], seed: int, told: Callable[[Vectors], None]) -> str:
    """Factorise, tell the vectors after each iteration, and return the version."""
    import logging

    import implicit
    from implicit.als import AlternatingLeastSquares

    logging.disable(logging.WARNING)
    sizes = {"factors": FACTORS, "num_threads": 1, "use_gpu": False, "random_state": seed}
    model = AlternatingLeastSquares(**sizes, **options)
    model.fit(taken, show_progress=False, callback=lambda *_: told((model.user_factors, model.item_factors)))
    return str(implicit.__version__)


def ndcg(vectors: Vectors, taken: sp.csr_matrix, targets: np.ndarray) -> float:
    """Return NDCG@10 of one item per user, those of the history left out."""
    users, items = vectors
    total, rows = 0.0, np.flatnonzero(targets >= 0)
    for first in range(0, len(rows), 1000):
        part = rows[first : first + 1000]
        scores = users[part] @ items.T
        inside = taken[part].tocoo()
        scores[inside.row, inside.col] = -np.inf
        own = scores[np.arange(len(part)), targets[part]][:, None]
        rank = (scores > own).sum(axis=1)
        total += float((1 / np.log2(rank[rank < 10] + 2)).sum())
    return total / len(rows)


def run_one(system: str, folder: Path, options: dict[str, Any], seed: int) -> None:
    """Run one system in this process, and print what each iteration took and reached."""
    taken, targets = sp.load_npz(folder / "taken.npz"), np.load(folder / "targets.npy")
    importlib.import_module("implicit.als" if system == "implicit" else "reverie.models.als.factors")  # before the clocks start
    curve: list[tuple[float, float, float]] = []
    spent, since = np.zeros(2), _clocks()

    def told(vectors: Vectors) -> None:
        nonlocal spent, since
        spent = spent + _clocks() - since
        curve.append((*spent.tolist(), ndcg(vectors, taken, targets)))
        since = _clocks()

    version = (implicits if system == "implicit" else ours)(taken, options, seed, told)
    print(json.dumps({"curve": curve, "version": version}))


def _clocks() -> np.ndarray:
    """Return processor and wall seconds."""
    return np.array([time.process_time(), time.perf_counter()])


def measured(system: str, python: str, folder: Path, options: dict[str, Any], seed: int) -> dict[str, Any]:
    """Run one system in a process of its own, on one thread."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    command = [python, str(Path(__file__).resolve()), "--one", system, str(folder), json.dumps(options), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | threads)
    if done.returncode:
        raise SystemExit(f"{system} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def prepare(name: str, folder: Path) -> None:
    """Write the training matrix and the validation item of each row, -1 where there is none."""
    import reverie as rv
    from reverie.models.counting import interaction_matrix

    split = rv.leave_one_out(rv.load_dataset(name))
    taken = interaction_matrix(split.train)
    sp.save_npz(folder / "taken.npz", sp.csr_matrix((taken.data, taken.indices, taken.indptr), shape=taken.shape))
    row_of = np.full(split.vocabulary.n_users, -1)
    row_of[split.train.users] = np.arange(len(split.train))
    targets = np.full(len(split.train), -1, dtype=np.int64)
    targets[row_of[split.valid.users]] = split.valid.targets[split.valid.offsets[:-1]] - 1
    np.save(folder / "targets.npy", targets)


def cases(name: str, iterations: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the systems of a dataset: which code, and its options."""
    number = {"iterations": iterations}
    peer, default = SETTINGS[name]["implicit"] | number, SETTINGS[name]["default form"] | number
    same = translated(peer["alpha"], peer["regularization"]) | number
    return {
        "implicit": ("implicit", dict(peer)),
        "implicit, exact": ("implicit", peer | {"use_cg": False}),
        "reverie, same objective": ("reverie", dict(same)),
        "reverie, same objective, block": ("reverie", same | {"solver": "block"}),
        "reverie, default form": ("reverie", dict(default)),
    }


def race(name: str, python: str, folder: Path, seeds: int, chosen: dict[str, tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the rows of one dataset: medians over seeds, the systems taking turns."""
    prepare(name, folder)
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(seeds):
        for label, (system, options) in chosen.items():
            where = python if system == "implicit" else sys.executable
            found.setdefault(label, []).append(measured(system, where, folder, options, seed))
    goal = float(np.median([max(value for _, _, value in one["curve"]) for one in found["implicit"]]))
    rows = []
    for label, runs in found.items():
        named = {"benchmark": "als", "case": f"{name} d={FACTORS}", "system": label}
        named |= {"version": runs[0]["version"]}
        curves = np.array([one["curve"] for one in runs])
        best, each = float(np.median(curves[:, :, 2].max(axis=1))), float(np.median(curves[:, -1, 0])) / curves.shape[1]
        rows.append(named | {"metric": "valid ndcg@10 best", "value": best, "unit": ""})
        rows.append(named | {"metric": "cpu time per iteration", "value": each, "unit": "s"})
        for place, clock in enumerate(("cpu", "wall")):
            times = [next((step[place] for step in one["curve"] if step[2] >= goal), np.inf) for one in runs]
            rows.append(named | {"metric": f"{clock} time to ndcg@10 {goal:.4f}", "value": float(np.median(times)), "unit": "s"})
    return rows


GRIDS: dict[str, dict[str, tuple[float, ...]]] = {
    "implicit": {"alpha": (2.0, 4.0, 10.0, 30.0, 100.0), "regularization": (0.1, 1.0, 10.0, 100.0)},
    "reverie": {"unobserved": (0.003, 0.006, 0.01, 0.03, 0.1, 0.3, 1.0, 2.0), "regularisation": (0.0005, 0.001, 0.005, 0.01, 0.02)},
}


def tune(name: str, python: str, folder: Path, iterations: int) -> None:
    """Print the best NDCG@10 of each setting of the grids, on validation, and when it is reached."""
    prepare(name, folder)
    for system, grid in GRIDS.items():
        for values in itertools.product(*grid.values()):
            options = dict(zip(grid, values, strict=True)) | {"iterations": iterations}
            curve = measured(system, python if system == "implicit" else sys.executable, folder, options, 0)["curve"]
            seconds, _, best = max(curve, key=lambda step: step[2])
            print(name, system, options, f"{best:.4f} after {seconds:.1f} s", flush=True)


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=list(SETTINGS))
    parser.add_argument("--python", help="interpreter that has implicit; else an environment is made")
    parser.add_argument("--environments", type=Path, help="where the environments of the peers are; by default the cache")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=16)
    parser.add_argument("--without", nargs="*", default=[], help="systems that are left out")
    parser.add_argument("--tune", action="store_true", help="print what the settings of both grids reach, record nothing")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        run_one(asked.one[0], Path(asked.one[1]), json.loads(asked.one[2]), int(asked.one[3]))
        return
    python = asked.python or _environment(asked.environments)
    for name in asked.data:
        with tempfile.TemporaryDirectory(prefix="reverie-") as scratch:
            if asked.tune:
                tune(name, python, Path(scratch), asked.iterations)
                continue
            from common import record

            chosen = {label: case for label, case in cases(name, asked.iterations).items() if label not in asked.without}
            record(
                [
                    row | {"case": f"{row['case']} load={os.getloadavg()[1]:.0f}"}
                    for row in race(name, python, Path(scratch), asked.seeds, chosen)
                ]
            )


def _environment(folder: Path | None) -> str:
    """Return an interpreter that has implicit."""
    sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
    from environments import environment

    from reverie.files import cache_folder

    return str(environment("implicit", "implicit", ["implicit==0.7.3"], folder or cache_folder() / "peers", ("implicit",)))


if __name__ == "__main__":
    main()
