"""What Reverie says to changed files: run folders, checkpoints, pieces of studies, recipes, settings, id tables and logs.

Run: python benchmarks/reliability.py [--tries 12000] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from common import record
from mutations import SCALARS, TEXTS, VALUES, change_bytes, change_file, change_yaml, changed_copy, outcome

from reverie.data.readers import read_events
from reverie.evaluation import recommend
from reverie.models import load_model
from reverie.study.store import Store
from reverie.testing import tiny_dataset
from reverie.training.checkpoint import MetricsLog
from reverie.training.recipe import load_recipe
from reverie.training.run import open_run, result_rows, run_recipe

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
    run, model = open_run(folder), load_model(folder)
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
    scratch = folder / "scratch"
    log = (folder / "clicks.csv").read_bytes()
    tables = {"parquet": folder / "clicks.parquet", "jsonl": folder / "clicks.jsonl"}
    frame = pl.read_csv(folder / "clicks.csv")
    frame.write_parquet(tables["parquet"])
    frame.write_ndjson(tables["jsonl"])
    store = Store(folder / "store")
    facts = {"row": "a", "seed": 1}

    def make(place: Path) -> dict[str, Any]:
        frame.head(9).write_parquet(place / "rows.parquet")
        return {"value": 0.25, "epochs": [1, 2]}

    piece = store.kept("rows", facts, make).folder

    def run_folder(draw: random.Random, old: bool = False) -> tuple[str, str, str]:
        model = draw.choice(list(runs))
        name = changed_copy(runs[model], scratch, RUN_FILES, draw, old)
        return *outcome(lambda: answers(scratch), None if old else expected[model]), name

    def id_tables(draw: random.Random) -> tuple[str, str, str]:
        model = draw.choice(list(runs))
        name = changed_copy(runs[model], scratch, ["model/items.parquet", "model/users.parquet"], draw, old=True)
        return *outcome(lambda: load_model(scratch)), name

    def checkpoint(draw: random.Random) -> tuple[str, str, str]:
        names = [
            "state/state.json",
            "metrics.jsonl",
            next(p.relative_to(runs["sasrec"]).as_posix() for p in runs["sasrec"].glob("state/*.safetensors")),
        ]
        name = changed_copy(runs["sasrec"], folder / "resumed", names, draw, old=draw.random() < 0.5)
        return *outcome(lambda: resumed(folder / "resumed", "sasrec")), name

    def pieces(draw: random.Random) -> tuple[str, str, str]:
        changed_copy(
            folder / "store",
            scratch,
            [(piece / one).relative_to(folder / "store").as_posix() for one in ("piece.json", "rows.parquet")],
            draw,
        )
        kept = lambda: dict(Store(scratch).kept("rows", facts, make).notes)  # noqa: E731
        return *outcome(kept, {"value": 0.25, "epochs": [1, 2]}), "piece"

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
        suffix = draw.choice(("csv", "parquet", "jsonl"))
        path = folder / f"log.{suffix}"
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(log if suffix == "csv" else tables[suffix].read_bytes())
        change_file(path, draw, [folder / "clicks.csv", *tables.values()])
        return *outcome(
            lambda: read_events(path).height if hasattr(read_events(path), "height") else len(read_events(path).events)
        ), suffix

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
ENDS = ("refused", "taken", "wrong acceptance", "traceback", "hang")


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
            counted = {"tried": tries} | {end: counts[end] for end in ENDS}
            rows += [
                {"benchmark": "reliability", "case": kind, "metric": end, "value": n, "unit": "files"} for end, n in counted.items()
            ]
            print(kind, counted, flush=True)
    if not asked.dry:
        record(rows)


if __name__ == "__main__":
    main()
