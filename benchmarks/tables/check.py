"""Compute small rows of every results table again and compare every metric with the stored row.

Counting models have no arithmetic whose order depends on the machine's threads, so they must give the stored six digits. A trained
model sums in another order with another number of threads or another processor; its weights then differ in their last digits, and
users whose items score nearly alike change places. `TOLERANCE` lets about five of MovieLens-100K's 943 users enter or leave the
top ten (0.001 each in recall); the interval over users is four times as wide to either side.

Exit code: 0 where all agree, 1 where a metric or the data differ, 2 where nothing is stored.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from check_rooms import ROOMS, stored_and_again
from standing import Run, read_standings

from reverie.errors import ConfigError, DataError, ReverieError, nearest
from reverie.models.shelf import MODELS
from reverie.training.comparison import with_seed
from reverie.training.recipe import cell_recipe, suite_cells
from reverie.training.run import result_rows, run_recipe

ROOT = Path(__file__).resolve().parents[2]
CHECKED = ("co-occurrence-ml-100k", "mf-ml-100k", "item-knn-cf-lastfm")
"""Counted and trained rows, some ten seconds together; data are fetched where they are not at hand."""
EXACT, TOLERANCE = 1e-9, 0.005


@dataclass(frozen=True)
class Line:
    """One metric, stored and computed again.

    Parameters
    ----------
    recipe, metric : str
        Which.
    stored, again : float
        Values, as the table rounds them.
    allowed : float
        Largest difference that agrees.
    """

    recipe: str
    metric: str
    stored: float
    again: float
    allowed: float

    @property
    def agrees(self) -> bool:
        """Whether the two are as near as they should be."""
        return abs(self.stored - self.again) <= self.allowed

    def text(self) -> str:
        """Return the line of the printed table."""
        verdict = "agrees" if self.agrees else "DIFFERS"
        return f"{self.recipe:<44} {self.metric:<14} {self.stored:<10.6g} {self.again:<10.6g} {self.allowed:<8g} {verdict}"


def stored_run(recipe: str, table: Path) -> Run:
    """Return the newest stored run of a recipe on its lowest seed.

    Parameters
    ----------
    recipe : str
        Of a suite.
    table : Path
        A results table.

    Returns
    -------
    Run
        Fitted on train alone.

    Raises
    ------
    ConfigError
        If no suite has such a recipe.
    DataError
        If the table has no row of it.
    """
    cells = suite_cells()
    if recipe not in cells:
        raise ConfigError(f"no suite has the recipe '{recipe}'{nearest(recipe, cells)}; see 'reverie recipes list'")
    suite, row, dataset = cells[recipe]
    found = read_standings(table, suite).get((dataset, row, "train", "all"))
    if found is None:
        command = f"reverie compare {suite.name} --on {dataset} --rows {row} --results {table}"
        raise DataError(f"{table} has no row of '{recipe}' to compare with; make it with '{command}'")
    return found.runs[0]


def _table(recipe: str) -> Path:
    """Return the results table of a recipe's suite."""
    suite = suite_cells()[recipe][0].name if recipe in suite_cells() else "sequential"
    return ROOT / "results" / f"{suite}.csv"


def check(recipe: str, stored: Run, folder: Path) -> list[Line]:
    """Run a recipe again and compare.

    Parameters
    ----------
    recipe : str
        Of a suite.
    stored : Run
        From `stored_run`.
    folder : Path
        Gets the run folder.

    Returns
    -------
    list of Line
        One for each metric that is stored.

    Raises
    ------
    DataError
        If the events are not those of the stored run.
    """
    suite, row, dataset = suite_cells()[recipe]
    wanted = with_seed(cell_recipe(suite, row, dataset), int(stored.facts["seed"]))
    run = run_recipe(wanted, folder / recipe, device="cpu", show=False)
    if run.facts["dataset_sha256"] != stored.facts["dataset_sha256"]:
        raise DataError(f"'{dataset}' has other events here than those of the stored row; fetch the copy that it was made with")
    again = {
        line["metric"]: float(f"{line['value']:.6g}") for line in result_rows(run, list(stored.metrics)) if line["slice"] == "all"
    }
    allowed = EXACT if "counts" in MODELS[run.recipe.model_name].tags else TOLERANCE
    return [Line(recipe, metric, value, again[metric], allowed) for metric, (value, _, _) in stored.metrics.items()]


def main(words: Sequence[str] | None = None) -> int:
    """Check the recipes and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", help="recipes of a suite; by default a few, and a row of every room")
    parser.add_argument("--results", type=Path, help="their results table; that of their suite by default")
    given = parser.parse_args(words)
    try:
        stored = {recipe: stored_run(recipe, given.results or _table(recipe)) for recipe in given.recipes or CHECKED}
    except ReverieError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{'recipe':<44} {'metric':<14} {'stored':<10} {'again':<10} allowed")
    agree = True
    with tempfile.TemporaryDirectory() as folder:
        for recipe, run in stored.items():
            try:
                lines = check(recipe, run, Path(folder))
            except ReverieError as error:
                print(f"error: {error}", file=sys.stderr)
                return 1
            for line in lines:
                print(line.text())
            agree = agree and all(line.agrees for line in lines)
        for room in () if given.recipes or given.results else ROOMS:
            try:
                pairs = stored_and_again(room, Path(folder))
            except ReverieError as error:
                print(f"error: {error}", file=sys.stderr)
                agree = False
                continue
            for name, metric, value, again in pairs:
                line = Line(name, metric, value, again, max(EXACT, 1e-5 * abs(value)))
                print(line.text())
                agree = agree and line.agrees
    print("all agree" if agree else "some metrics differ")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
