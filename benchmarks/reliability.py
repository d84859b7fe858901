"""What Reverie says to changed files: run folders, checkpoints, pieces of studies, recipes, settings, id tables and logs.

Run: python benchmarks/reliability.py [--tries 12000] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from common import record
from mutations import SCALARS, TEXTS, VALUES, change_bytes, change_yaml, changed, outcome, without_digests

from reverie.data.readers import read_events
from reverie.evaluation import recommend
from reverie.models import load_model
from reverie.study.store import Store
from reverie.testing import tiny_dataset
from reverie.training.checkpoint import MetricsLog
from reverie.training.recipe import load_recipe
from reverie.training.run import load_run, result_rows, run_recipe

RECIPE = """name: tiny
dataset: {{name: '{log}'}}
model: {{name: {model}, {options}}}
training: {{epochs: 2, batch_size: 16, checkpoint_seconds: 0.0}}
"""
MODELS = {"sasrec": "dim: 8, history: 8", "item-knn": "neighbours: 5"}
RUN_FILES = [
    "recipe.yaml", "result.json", "model/model.json", "model/items.parquet", "model/users.parquet",
    "model/weights.safetensors", "evaluation/test/ranks.parquet", "evaluation/test/topk.parquet", "evaluation/valid/ranks.parquet",
]  # fmt: skip
Ask = Callable[[random.Random], tuple[str, str, str]]
"""One try: returns how it ended, what was said, and what was changed."""


def tiny_runs(folder: Path) -> dict[str, Path]:
    """Train two small models on a made-up log."""
    tiny_dataset().events.write_csv(folder / "clicks.csv")
    found = {}
    for model, options in MODELS.items():
        (folder / f"{model}.yaml").write_text(RECIPE.format(log=folder / "clicks.csv", model=model, options=options))
        found[model] = run_recipe(load_recipe(str(folder / f"{model}.yaml")), folder / model, device="cpu", show=False).folder
    return found


def answers(folder: Path) -> Any:
    """Return what a run folder says: its metrics and the list that its model makes."""
    run, model = load_run(folder), load_model(folder)
    rows = [(row["metric"], row["value"], row["slice"]) for row in result_rows(run, ("recall@10", "ndcg@5"))]
    shown = recommend(model, model.card.vocabulary.items.head(2).to_list(), k=3)
    return rows, run.test.metrics(resamples=9).rows(), run.valid.metrics(resamples=9).rows(), shown.rows()


def resumed(folder: Path, model: str) -> Any:
    """Go on with a training from its checkpoint and its log."""
    (folder / "result.json").unlink(missing_ok=True)
    recipe = load_recipe(str(folder.parent / f"{model}.yaml"))
    return bool(MetricsLog(folder, 9).rows) and run_recipe(recipe, folder, device="cpu", show=False).test.value("recall@10") >= 0


def cases(folder: Path) -> dict[str, Ask]:
    """Return the kinds of tries by name."""
    runs = tiny_runs(folder)
    expected = {model: answers(run) for model, run in runs.items()}
    before = {}
    for model, run in runs.items():
        before[model] = Path(shutil.copytree(run, folder / f"{model}-before"))
        without_digests(before[model])
    frame = pl.read_csv(folder / "clicks.csv")
    frame.write_parquet(folder / "clicks.parquet")
    frame.write_ndjson(folder / "clicks.jsonl")
    store = Store(folder / "store")
    facts = {"row": "a", "seed": 1}

    def make(place: Path) -> dict[str, Any]:
        frame.head(9).write_parquet(place / "rows.parquet")
        return {"value": 0.25, "epochs": [1, 2]}

    piece = store.kept("rows", facts, make).folder

    def run_folder(draw: random.Random, old: bool = False) -> tuple[str, str, str]:
        model = draw.choice(list(runs))
        with changed(before[model] if old else runs[model], RUN_FILES, draw) as name:
            return *outcome(lambda: answers(before[model] if old else runs[model]), None if old else expected[model]), name

    def id_tables(draw: random.Random) -> tuple[str, str, str]:
        place = before[draw.choice(list(runs))]
        with changed(place, ("model/items.parquet", "model/users.parquet"), draw) as name:
            return *outcome(lambda: load_model(place)), name

    def checkpoint(draw: random.Random) -> tuple[str, str, str]:
        place = folder / "resumed"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree((before if draw.random() < 0.5 else runs)["sasrec"], place)
        tensors = next(path.relative_to(place).as_posix() for path in place.glob("state/*.safetensors"))
        with changed(place, ("state/state.json", "metrics.jsonl", tensors), draw) as name:
            return *outcome(lambda: resumed(place, "sasrec")), name

    def pieces(draw: random.Random) -> tuple[str, str, str]:
        with changed(piece, ("piece.json", "rows.parquet"), draw) as name:
            return *outcome(lambda: dict(store.kept("rows", facts, make).notes), {"value": 0.25, "epochs": [1, 2]}), name

    def recipes(draw: random.Random) -> tuple[str, str, str]:
        data = (folder / f"{draw.choice(list(runs))}.yaml").read_bytes()
        what = draw.random()
        path = folder / "changed.yaml"
        path.write_bytes(draw.choice(TEXTS) if what < 0.2 else change_bytes(data, draw) if what < 0.4 else change_yaml(data, draw))
        return *outcome(lambda: load_recipe(str(path))), str(path.read_bytes()[:300])

    def settings(draw: random.Random) -> tuple[str, str, str]:
        key = draw.choice(
            (
                "training.epochs",
                "model.dim",
                "name",
                "model.objective",
                "dataset.name",
                "evaluation.ks",
                "split",
                "sweep.space",
                "model",
                "",
                "a.b",
                "training",
                "training.seed",
                "model.objective.negatives.n",
            )
        )
        setting = f"{key}={draw.choice((*SCALARS, *map(str, VALUES)))}"
        return *outcome(lambda: load_recipe(str(folder / "sasrec.yaml"), [setting])), setting[:200]

    def logs(draw: random.Random) -> tuple[str, str, str]:
        name = draw.choice(("clicks.csv", "clicks.parquet", "clicks.jsonl"))
        with changed(folder, (name,), draw):
            return *outcome(lambda: read_events(folder / name).events.height), name

    return {
        "run folders": run_folder,
        "run folders without digests": lambda draw: run_folder(draw, old=True),
        "id tables": id_tables,
        "checkpoints": checkpoint,
        "pieces of studies": pieces,
        "recipes": recipes,
        "settings": settings,
        "logs": logs,
    }


SHARES = {
    "run folders": 3,
    "run folders without digests": 3,
    "id tables": 2,
    "checkpoints": 0.3,
    "pieces of studies": 1.5,
    "recipes": 3,
    "settings": 3,
    "logs": 2,
}
"""How many of the tries are of each kind, in proportion."""
ENDS = ("refused", "taken", "traceback", "hang")
ANSWERED = ("run folders", "pieces of studies")
"""Kinds with a right answer to compare with; elsewhere what is taken is only counted."""


def main() -> None:
    """Try every kind, count how it ended, and append the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(SHARES))
    parser.add_argument("--dry", action="store_true", help="append nothing")
    asked = parser.parse_args()
    kinds = asked.kinds.split(",")
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        known = cases(Path(name))
        for kind in kinds:
            ask, counts, draw = known[kind], Counter[str](), random.Random(f"{asked.seed} {kind}")  # noqa: S311  # not for secrets
            tries = round(asked.tries * SHARES[kind] / sum(SHARES[one] for one in kinds))
            for number in range(tries):
                end, said, changed = ask(draw)
                counts[end] += 1
                if end not in ("refused", "taken"):
                    print(f"{kind} {number} {end}: {changed}: {said[:300]}", file=sys.stderr, flush=True)
            ends = (*ENDS, "wrong acceptance") if kind in ANSWERED else ENDS
            counted = {"tried": tries} | {end: counts[end] for end in ends}
            rows += [
                {"benchmark": "reliability", "case": kind, "metric": end, "value": n, "unit": "files"} for end, n in counted.items()
            ]
            print(kind, counted, flush=True)
    if not asked.dry:
        record(rows)


if __name__ == "__main__":
    main()
