"""How losses bear false negatives: a rising share of the negatives are items that the user does have (the noise study of BSL).

Each row is a row of the suite ``collaborative`` with ``model.objective.false_negatives`` set; everything else, the settings chosen
on validation without such noise included, stays. Recall on rare items alone (slice ``target:rare``) is the test whose popularity
is shifted. Run ``python benchmarks/false_negatives.py [--data cf-lastfm]``: finished trainings are kept in runs/false-negatives,
rows go to ``results/false-negatives.csv`` and the plot to ``docs/figures/false-negatives.svg``; ``--plot`` only draws again.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from reverie.data.splits.config import split_dataset
from reverie.evaluation import sliced
from reverie.files import atomic_path
from reverie.study.rows import append_rows
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import Recipe, cell_recipe, change_recipe, load_suite
from reverie.training.run import result_rows, run_recipe

ROOT = Path(__file__).resolve().parents[1]
TABLE, PLOT, STORE = (
    ROOT / "results" / "false-negatives.csv",
    ROOT / "docs" / "figures" / "false-negatives.svg",
    ROOT / "runs" / "false-negatives",
)
LOSSES = ("mf-info-nce", "mf-adnce", "mf-bsl", "mf-debiased", "mf-learned")
RATES = (0.0, 0.05, 0.1, 0.2, 0.4)
METRICS = ("recall@20", "ndcg@20")
SLICES = ("target:rare", "target:popular")
STYLE = {"svg.hashsalt": "reverie", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.linewidth": 0.4}
COLOURS = ("#1d5fbf", "#c2410c", "#0b7f62", "#9d3f94", "#5b6472")


def recipe_of(row: str, data: str, rate: float, seed: int, settings: Sequence[str] = ()) -> Recipe:
    """Return the recipe of one training."""
    name = f"{row}-{data}-false{round(100 * rate):02d}"
    changes = [f"name={name}", f"model.objective.false_negatives={rate}", f"training.seed={seed}", *settings]
    return change_recipe(cell_recipe(load_suite("collaborative"), row, data), changes)


def measure(recipes: Sequence[Recipe], table: Path, store: Path) -> None:
    """Train what is not trained yet and append its rows; all recipes share a dataset and a split."""
    split = split_dataset(open_recipe_dataset(recipes[0].dataset), recipes[0].split)
    for recipe in recipes:
        folder = store / f"{recipe.name}-seed{recipe.training.seed}"
        run = run_recipe(recipe, folder, split=split, device="cpu", show=False)
        rows, parts = result_rows(run, METRICS), sliced(run.test, split.train)
        for part in SLICES:
            lines = result_rows(replace(run, test=parts[part]), METRICS)
            rows += [line | {"slice": part} for line in lines if line["slice"] == "all"]
        append_rows(table, rows)
        value = next(line["value"] for line in rows if line["metric"] == "recall@20")
        print(f"{folder.name}: recall@20 {value:.4f}, {run.fitted.seconds:.0f} s", flush=True)


def curves(table: Path, metric: str, part: str) -> dict[str, dict[str, dict[float, list[float]]]]:
    """Return the values of all seeds by dataset, row and rate."""
    found: dict[str, dict[str, dict[float, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    with table.open(encoding="utf-8", newline="") as handle:
        for line in csv.DictReader(handle):
            if line["metric"] == metric and line["slice"] == part:
                row, _, rate = line["recipe"].rpartition("-false")
                found[line["dataset"]][row.removesuffix("-" + line["dataset"])][int(rate) / 100].append(float(line["value"]))
    return found


def draw(table: Path, path: Path, metric: str = "recall@20") -> None:
    """Draw one panel for all test items and one for rare ones, per dataset."""
    panels = {"all test items": curves(table, metric, "all"), "rare test items alone": curves(table, metric, "target:rare")}
    datasets = list(panels["all test items"])
    with mpl.rc_context(STYLE), atomic_path(path) as temporary:
        figure = Figure(figsize=(9, 3.3 * len(datasets)), layout="constrained")
        axes = figure.subplots(len(datasets), 2, squeeze=False)
        for line, data in zip(axes, datasets, strict=True):
            for axis, (title, values) in zip(line, panels.items(), strict=True):
                for colour, (row, by_rate) in zip(COLOURS, values[data].items(), strict=False):
                    rates = sorted(by_rate)
                    axis.plot(rates, [np.mean(by_rate[rate]) for rate in rates], color=colour, label=row, linewidth=1.4)
                    for rate in rates:
                        axis.scatter([rate] * len(by_rate[rate]), by_rate[rate], color=colour, s=9)
                axis.set_title(f"{data}: {metric}, {title}", fontsize=9)
                axis.set_xlabel("share of false negatives", fontsize=8)
                axis.tick_params(labelsize=7)
            line[0].legend(fontsize=7, frameon=False)
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def main(words: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cf-lastfm", help="a dataset of the suite 'collaborative'")
    parser.add_argument("--losses", nargs="+", default=LOSSES, help="rows of the suite 'collaborative'")
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", nargs="*", default=(), dest="settings", help="changes of every recipe; use another --table then")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--store", type=Path, default=STORE)
    parser.add_argument("--out", type=Path, default=PLOT)
    parser.add_argument("--plot", action="store_true", help="only draw")
    asked = parser.parse_args(words)
    if not asked.plot:
        plan = product(asked.rates, asked.losses, range(asked.seeds))
        recipes = [recipe_of(row, asked.data, rate, seed, asked.settings) for rate, row, seed in plan]
        measure(recipes, asked.table, asked.store)
    draw(asked.table, asked.out)


if __name__ == "__main__":
    main()
