"""Fits rows of ``results/sequential.csv`` again on train and validation, with the epochs that the table says were best.

    python benchmarks/tables/refit.py amazon-beauty sasrec-sampled,sasrec-ligr --seeds 1

The same as ``reverie compare sequential --refit`` where the first fit is no longer at hand and would have to be made again. Rows of
models that choose other options than epochs on validation (those that count) are left to that command.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from reverie.data.splits.config import split_dataset
from reverie.errors import DataError, ReverieError
from reverie.study.rows import append_rows
from reverie.training.comparison import with_seed
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import cell_recipe, load_suite
from reverie.training.run import result_rows, run_recipe

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "results" / "sequential.csv"


def best_epochs(table: Path, recipe: str) -> dict[int, int]:
    """Return the best epoch of each seed of a recipe.

    Parameters
    ----------
    table : Path
        The results table.
    recipe : str
        Name of the row's recipe.

    Returns
    -------
    dict of int to int
        Seed to epoch; of several commits the last.

    Raises
    ------
    DataError
        If the table has no such row, or one without epochs.
    """
    if not table.is_file():
        raise DataError(f"{table} does not exist; 'reverie compare sequential --results' makes it")
    with table.open(encoding="utf-8", newline="") as handle:
        found = {
            int(r["seed"]): r["best_epoch"] for r in csv.DictReader(handle) if r["recipe"] == recipe and r["fit_on"] == "train"
        }
    if not found or not all(found.values()):
        raise DataError(f"{table} has no epochs of '{recipe}'; use 'reverie compare sequential --refit'")
    return {seed: int(epoch) for seed, epoch in found.items()}


def main() -> None:
    """Fit what is asked for."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("data")
    words.add_argument("rows", help="comma-separated")
    words.add_argument("--seeds", type=int, default=3, help="at most so many of the seeds that the table has")
    words.add_argument("--table", type=Path, default=TABLE)
    words.add_argument("--store", type=Path, default=ROOT / "runs" / "refit")
    asked = words.parse_args()
    suite = load_suite("sequential")
    recipes = [cell_recipe(suite, row, asked.data) for row in asked.rows.split(",")]
    split = split_dataset(open_recipe_dataset(recipes[0].dataset), recipes[0].split)
    for recipe in recipes:
        for seed, epoch in sorted(best_epochs(asked.table, recipe.name).items())[: asked.seeds]:
            training = with_seed(recipe, seed).training.model_copy(update={"on": "train+valid", "epochs": epoch})
            again = recipe.model_copy(update={"name": f"{recipe.name}+valid", "training": training})
            run = run_recipe(again, asked.store / f"{again.name}-seed{seed}", split=split, device="cpu", show=False)
            append_rows(asked.table, result_rows(run))
            print(again.name, seed, epoch, f"{run.test.value('ndcg@10'):.4f}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except ReverieError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
