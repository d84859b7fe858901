"""DreamRec on its Zhihu files: train, measure, and write the page, its tables and its plots.

Run: python benchmarks/dreamrec_page [--minutes 8]
The data are looked for in the folder that REVERIE_DATA names. What has been done is kept in runs/dreamrec-page, so the command
may be stopped and given again; `--page` only writes the page and the plots again, from the two tables.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import torch
from common import record

from dreamrec_page.chain import Row, law_rows
from dreamrec_page.lists import list_rows, untrained_rows
from dreamrec_page.page import FACTS, STORE, TABLE, write_page
from dreamrec_page.runs import Measured, fitted_on_validation, measured
from dreamrec_page.sweeps import collapse_rows, guidance_rows, staleness_rows
from dreamrec_page.systems import VARIANTS, VIEWS, systems
from dreamrec_page.table import seeds_of, write_table
from reverie.data.splits.config import split_dataset
from reverie.files import read_json, write_json
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import change_recipe

if TYPE_CHECKING:
    from reverie.data.split import Split

WATCHED = {
    "as published": ([], 30, 1),
    "lr-0.001": (VARIANTS["lr-0.001"], 30, 1),
    "detach-target": (VARIANTS["detach-target"], 30, 1),
    "for long": ([], 300, 10),
}
"""Trainings that are watched: settings, epochs, and epochs between looks."""
STRENGTHS = [float(w) for w in range(11)]
WINDOWS = 9

Found = dict[tuple[str, str, int], Measured]


def steps(found: Found, facts: list[Row]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Return the parts of the work by name; each adds to what was found.

    Parameters
    ----------
    found : dict
        Gets the runs.
    facts : list
        Gets the rows of the analyses.

    Yields
    ------
    (str, callable)
        In order.
    """
    compared = systems()
    base = compared[0].recipe
    split = split_dataset(open_recipe_dataset(base.dataset), base.split)

    def analysis(name: str, rows: Callable[[], list[Row]]) -> tuple[str, Callable[[], None]]:
        return name, lambda: facts.extend(kept(STORE / "analysis" / f"{name}.json", rows))

    for system in compared:
        yield system.key, lambda system=system: found.update(measured(system, split, STORE))
    for name in ("popularity", "markov"):
        key = (name, "valid", 0)
        yield (
            f"{name} of the validation part",
            lambda name=name, key=key: found.update({key: fitted_on_validation(name, base, split, STORE)}),
        )

    def trained(on: str = "train") -> list[Measured]:
        return seeds_of(found, "dreamrec", on)

    for seed in compared[0].seeds:
        yield analysis(f"law-{seed}", lambda seed=seed: law_rows(trained()[seed].run, split))
    for on in ("train", "train+valid"):
        yield analysis(f"lists-{on}", lambda on=on: lists(found, split, on))
    yield analysis("guidance", lambda: guidance_rows([done.run for done in trained()], split, STRENGTHS))
    yield analysis("staleness", lambda: staleness_rows(split, WINDOWS))
    for name, (settings, epochs, every) in WATCHED.items():
        recipe = change_recipe(base, settings)
        yield analysis(
            f"collapse-{name}",
            lambda name=name, recipe=recipe, times=(epochs, every): collapse_rows(name, recipe, split, *times),
        )
    yield analysis("data", lambda: data_rows(split))


def lists(found: Found, split: Split, on: str) -> list[Row]:
    """Describe the lists of rankings by one DreamRec and of SASRec, and where the hits of all rows come from."""
    names = ["dreamrec", *(f"dreamrec {view}" for view in VIEWS), "sasrec"]
    tests = {name: done.run.test for (name, fitted, seed), done in found.items() if (fitted, seed) == (on, 0)}
    counts = split.learn_from(on).item_counts()
    return list_rows(f"lists {on}", counts, {name: tests[name] for name in names}) + untrained_rows(f"lists {on}", counts, tests)


def data_rows(split: Split) -> list[Row]:
    """Count what the page says about the data."""
    train, test = split.train, split.test
    counts = train.item_counts()[1:]
    values = {
        "items": len(counts),
        "items without training events": int((counts == 0).sum()),
        "training sequences": len(train),
        "training rows": train.n_events,
        "test sequences": len(set(test.clusters.tolist())),
        "test rows": len(test),
        "test rows without history": int((test.lengths == 0).sum()),
        "test targets without training events": int((counts[test.targets - 1] == 0).sum()),
    }
    return [{"case": "data", "metric": name, "value": value} for name, value in values.items()]


def kept(path: Path, rows: Callable[[], list[Row]]) -> list[Row]:
    """Return rows from a file, or make and write them.

    Parameters
    ----------
    path : Path
        JSON.
    rows : callable
        Makes them.

    Returns
    -------
    list of dict
        Rows.
    """
    if not path.exists():
        write_json(path, rows())
    found: list[Row] = read_json(path)
    return found


def main() -> None:
    """Do what is left, then write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start nothing new after this time")
    parser.add_argument("--page", action="store_true", help="only write the page and the plots")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.page:
        begin, found, facts = time.monotonic(), Found(), list[Row]()
        for name, work in steps(found, facts):
            if time.monotonic() - begin > 60 * options.minutes:
                print(f"stopped before '{name}'; give the command again to go on")
                return
            start = time.monotonic()
            work()
            print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
        write_table(TABLE, found)
        FACTS.unlink(missing_ok=True)
        record([{"benchmark": FACTS.stem, "unit": ""} | row for row in facts])
    write_page()


if __name__ == "__main__":
    main()
