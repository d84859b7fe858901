"""Fit the constants of the cost model: processor seconds and memory of every model on made-up logs of several sizes.

Run: OMP_NUM_THREADS=1 python benchmarks/costs.py [--models sasrec,ease] [--scale 1]
Times are processor seconds of one thread, so that a busy machine adds little to them. Constants are found by least squares of
relative errors, none below 0. The spread of a model is that of nine of ten times when the log that gave them is left out.
"""

from __future__ import annotations

import argparse
import copy
import csv
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from common import HERE, commit, machine
from scipy.optimize import nnls

import reverie as rv
from reverie.files import write_text
from reverie.models.shelf import MODELS
from reverie.plain_yaml import read_yaml
from reverie.settings import as_yaml
from reverie.study.environment import peak_mb
from reverie.training import blend
from reverie.training.costs.model import FILE, probe_seconds
from reverie.training.costs.shape import Sizes, shape_of, sizes_of
from reverie.training.recipe import RECIPES, Recipe, start_values

LOGS = ((60, 40, 8), (500, 200, 10), (500, 200, 40), (2000, 500, 10), (500, 5000, 20), (3000, 2000, 10), (300, 20000, 12))
"""Users, items, and mean events of a user."""
LARGER = ((1000, 1500, 150), (15000, 3000, 8), (2000, 40000, 30))
"""The same, for models that count and make no matrix of all items."""
SQUARE = ("ease", "slim")
"""Models that make a matrix of all items: without the largest catalogues."""
COUNTED = ("one", "events", "trials asked items", "ranked items")
FIT: dict[str, tuple[str, ...]] = {
    "popularity": ("one", "events", "ranked items"), "recent-popularity": ("trials events", *COUNTED),
    "markov": COUNTED, "last-items": ("one", "events", "ranked items"),
    "co-occurrence": ("near", "trials near", *COUNTED), "item-knn": ("pairs", *COUNTED),
    "vmis-knn": ("trials events", *COUNTED), "blend": ("one", "asked", "asked items", "ranked items"),
    "als": (*(f"trials {size} dim dim" for size in ("events", "users", "items")), "trials events dim", "ranked dim dim", *COUNTED),
    "slim": ("pairs", "items items", "trials items", *COUNTED),
    "ease": ("trials modelled modelled modelled", "pairs", *COUNTED),
}  # fmt: skip
"""Terms of the whole fit of a model that counts, and of its evaluation."""
EVALUATED = ("one", "ranked items", "ranked history dim", "ranked items dim")
ROWS = ("one", "row_steps", "events dim", "row_steps items dim", "asked items", "asked history dim")
EVENTS = ("one", "event_steps", "events dim", "event_steps items dim", "event_steps users dim", "asked items")
PREFIXES = ("one", "event_steps", "prefixes dim", "event_steps items dim", "asked items", "asked history dim")
EPOCH: dict[str, tuple[str, ...]] = {
    "sasrec": ROWS, "gru4rec": ROWS, "caser": ROWS, "nextitnet": ROWS, "bert4rec": ROWS, "daydream": ROWS, "mf": EVENTS,
    "neumf": (*EVENTS, "asked items dim"), "lightgcn": (*EVENTS, "event_steps events dim"), "comirec": PREFIXES,
    "dreamrec": PREFIXES, "din": (*PREFIXES, "asked items dim"),
}  # fmt: skip
"""Terms of an epoch of a model that learns."""
BYTES: dict[str, dict[str, float]] = {
    "ease": {"modelled modelled": 8}, "item-knn": {"items": 1200}, "co-occurrence": {"near": 16}, "vmis-knn": {"events": 40},
    "als": {"users dim": 12, "items dim": 12, "events": 40}, "slim": {"items items": 4, "items": 2400},
    "mf": {"users dim": 24}, "neumf": {"users dim": 24}, "lightgcn": {"users dim": 60, "items dim": 40, "events": 60},
}  # fmt: skip
"""What a model keeps beside what all do, by the arrays that its code makes: bytes by term."""
LEARNED, READS = {"items dim": 24.0}, {"batch history dim": 80.0}
"""Weights, gradients, two moments, the best weights and a copy in float32; activations of a model that reads histories."""
ALL = {"events": 120.0}
"""The log, its sequences and the queries."""


@dataclass(frozen=True)
class Timed:
    """What one model took on one log."""

    sizes: Sizes
    fit: float
    evaluation: float
    megabytes: float


def made_up_log(users: int, items: int, length: int, seed: int = 0) -> rv.Dataset:
    """Return a log with as many distinct items as asked for, popular ones and rare ones."""
    rng = np.random.default_rng(seed)
    lengths = np.maximum(3, rng.geometric(1 / length, users))
    user = np.repeat(np.arange(users), lengths)
    item = np.minimum((items * rng.random(len(user)) ** 2).astype(np.int64), items - 1)
    item[: min(items, len(item))] = rng.permutation(items)[: len(item)]
    return rv.read_events(pl.DataFrame({"user": user, "item": item, "timestamp": 1_500_000_000 + 60 * np.arange(len(user))}))


def timed(model: str, split: rv.Split) -> Timed:
    """Fit a model, one epoch if it learns, and evaluate it."""
    recipe = recipe_of(model)
    if model == "blend":
        return timed_blend(split)
    made = rv.create_model(model, split, **recipe.model_options)
    fitted = rv.fit(made, split, recipe.training.model_copy(update={"epochs": 1}), show=False)
    begin = time.process_time()
    for queries in (split.valid, split.test):
        rv.evaluate(made, queries, train=split.train)
    return Timed(sizes_of(recipe, shape_of(split)), fitted.processor_seconds or 0.0, time.process_time() - begin, fitted.peak_mb)


def timed_blend(split: rv.Split) -> Timed:
    """Blend models that are there already, and evaluate the blend."""
    parts = [rv.create_model(name, split) for name in ("markov", "item-knn", "popularity", "sasrec")]
    for part in parts[:3]:
        rv.fit(part, split, show=False)
    begin = time.process_time()
    made = blend(parts, split)
    middle = time.process_time()
    for queries in (split.valid, split.test):
        rv.evaluate(made, queries, train=split.train)
    return Timed(sizes_of(recipe_of("blend"), shape_of(split)), middle - begin, time.process_time() - middle, peak_mb())


def recipe_of(model: str) -> Recipe:
    """Return the recipe that `reverie compare` makes for somebody's own log."""
    return RECIPES.parse({"name": "costs", "dataset": {"name": "made-up"}} | start_values("made-up", model, {}), model)


def constants(terms: Sequence[str], rows: Sequence[Sizes], seconds: Sequence[float]) -> dict[str, float]:
    """Return the constants of terms by least squares of relative errors; those at 0 are left out."""
    table = np.array([[np.prod([sizes[name] for name in term.split()]) for term in terms] for sizes in rows])
    measured = np.maximum(np.array(seconds), 1e-3)
    scale = table.max(axis=0)
    found, _ = nnls(table / scale / measured[:, None], np.ones(len(rows)))
    return {term: float(f"{c / s:.3g}") for term, c, s in zip(terms, found, scale, strict=True) if c > 0}


def total(terms: Mapping[str, float], sizes: Sizes) -> float:
    """Return the estimate."""
    return float(sum(c * np.prod([sizes[name] for name in term.split()]) for term, c in terms.items()))


def spread(terms: Sequence[str], rows: Sequence[Sizes], seconds: Sequence[float]) -> float:
    """Return the factor that nine of ten times keep within, each estimated from the others."""
    off = []
    for left in range(len(rows)):
        others = [number for number in range(len(rows)) if number != left]
        found = constants(terms, [rows[number] for number in others], [seconds[number] for number in others])
        estimate, measured = max(total(found, rows[left]), 1e-2), max(seconds[left], 1e-2)
        off.append(max(estimate / measured, measured / estimate))
    return round(float(np.quantile(off, 0.9)), 2)


def usual_epochs() -> dict[str, float]:
    """Return the median best epoch of each model over the results tables."""
    best: dict[str, dict[str, float]] = {}
    for path in (HERE.parent / "results").rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                if row.get("best_epoch") and row.get("key"):
                    best.setdefault(row["model"], {})[row["key"]] = float(row["best_epoch"])
    return {model: statistics.median(found.values()) for model, found in best.items()}


def costs_of(model: str, found: Sequence[Timed], epochs: Mapping[str, float]) -> dict[str, object]:
    """Return the entry of a model."""
    rows = [one.sizes for one in found]
    per: dict[str, float] = {}
    reads = "event_steps users dim" not in EPOCH.get(model, EVENTS)
    for part in (ALL, LEARNED if model in EPOCH else {}, READS if reads else {}, BYTES.get(model, {})):
        per |= {term: per.get(term, 0.0) + size / 2**20 for term, size in part.items()}
    rest = statistics.median(one.megabytes - total(per, one.sizes) for one in found)
    entry: dict[str, object] = {"megabytes": {"one": round(max(rest, 0.0)), **{term: float(f"{c:.3g}") for term, c in per.items()}}}
    if model in FIT:
        times = [one.fit + one.evaluation for one in found]
        return entry | {"fit": constants(FIT[model], rows, times), "spread": spread(FIT[model], rows, times)}
    evaluated, times = constants(EVALUATED, rows, [one.evaluation for one in found]), [one.fit for one in found]
    entry |= {"fit": evaluated, "epoch": constants(EPOCH[model], rows, times), "spread": spread(EPOCH[model], rows, times)}
    return entry | ({"epochs": epochs[model]} if model in epochs else {})


def main() -> None:
    """Measure, and write the constants into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=",".join([*FIT, *EPOCH]))
    parser.add_argument("--quick", action="store_true", help="Without the larger logs.")
    parser.add_argument("--scale", type=float, default=1.0, help="Users of the made-up logs, times this.")
    asked = parser.parse_args()
    made = [rv.leave_one_out(made_up_log(int(asked.scale * users), *others)) for users, *others in (*LOGS, *LARGER)]
    entries, epochs = (read_yaml(FILE) if FILE.exists() else {}).get("models", {}), usual_epochs()
    for model in asked.models.split(","):
        splits = made if model in FIT and not asked.quick and model not in SQUARE else made[: len(LOGS) - (model in SQUARE)]
        timed(model, splits[1])  # pays for what is loaded once
        entries[model] = costs_of(model, [timed(model, split) for split in splits], epochs)
        print(model, entries[model], flush=True)
        unknown = copy.deepcopy(entries.get("sasrec", entries[model]))
        about = {"machine": machine(), "commit": commit(), "threads": "1", "date": time.strftime("%Y-%m-%d")}
        ordered = {name: entries[name] for name in [*MODELS] if name in entries}
        measured = {
            "measured": about,
            "probe": float(f"{probe_seconds():.3g}"),
            "models": ordered | {"others": unknown | {"spread": 5.0}},
        }
        write_text(FILE, f"# Written by benchmarks/costs.py; see `reverie.training.costs`.\n{as_yaml(measured)}")


if __name__ == "__main__":
    main()
