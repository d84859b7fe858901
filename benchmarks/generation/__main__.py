"""What generation buys beyond ranking: train, choose on validation, measure, and write the table, the page and its plot.

Run: python benchmarks/generation [--data ml-1m] [--small | --page]
The data are looked for in the folder that REVERIE_DATA names. Trained models are kept in runs/generation, so the command may be
stopped and given again; a dataset's rows are written when all of it is measured. `--page` only writes page and plot again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import torch

from generation.measure import Measuring
from generation.page import PAGE, STORE, TABLE, write_page, write_table
from generation.plan import FULL, SMALL, Settings, open_split, recipes
from reverie.training.run import run_recipe

DATASETS = ("movietweetings", "ml-1m")


def measure(dataset: str, settings: Settings, store: Path, table: Path) -> None:
    """Train what is not trained yet, measure, and write the rows of one dataset.

    Parameters
    ----------
    dataset : str
        Name.
    settings : Settings
        What is tried.
    store : Path
        Gets a run folder per row.
    table : Path
        CSV.
    """
    begin = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - begin:6.0f} s  {dataset}: {line}", flush=True)

    split = open_split(dataset)
    runs = {}
    for row, recipe in recipes(dataset).items():
        tell(row)
        folder = store / f"{recipe.name}-seed{recipe.training.seed}"
        runs[row] = run_recipe(recipe, folder, split=split, device="cpu", show=False)
    rows = Measuring(runs, split, settings, tell).rows()
    write_table(table, rows)
    tell(f"{len(rows)} rows")


def main(words: Sequence[str] | None = None) -> None:
    """Do what the command line says.

    Parameters
    ----------
    words : sequence of str, optional
        Arguments; by default those of the command.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=DATASETS, default=DATASETS, help="which datasets")
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--page", action="store_true", help="only write the page and its plot")
    one.add_argument("--small", action="store_true", help="everything on a tiny made-up log; records nothing")
    options = parser.parse_args(words)
    torch.set_num_threads(options.threads)
    if options.small:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            measure("tiny", SMALL, place / "runs", place / "generation.csv")
            write_page(place / "generation.csv", place / "results" / "generation.md")
            print((place / "results" / "generation.md").read_text(encoding="utf-8"))
        return
    for dataset in () if options.page else options.data:
        measure(dataset, FULL, STORE, TABLE)
    write_page(TABLE, PAGE)


if __name__ == "__main__":
    main()
