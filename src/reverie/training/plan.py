"""What a comparison will do before it does it: which models, what each is expected to cost, and why others are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from reverie.cores import busy_cores, free_cores
from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError
from reverie.memory import available_bytes
from reverie.models.shelf import MODELS
from reverie.plain_yaml import read_yaml
from reverie.training.content import open_with_content
from reverie.training.costs import Cost, Shape, expected_cost, shape_of, speed
from reverie.training.recipe import RECIPES, Recipe, start_values

LEARNED = ("sasrec", "blend")
"""Models beside the counting ones that are compared by default, where they are registered."""
SHARE = 1 / 3
"""Of the free memory: what a model may need that is compared by default."""
LONELY = "blends the other models of the comparison; name two more with --models"
"""Why a blend is left out that has nothing to blend."""
BASELINES = ("popularity", "recent-popularity", "markov", "last-items")


@dataclass(frozen=True)
class Planned:
    """One row of a plan.

    Parameters
    ----------
    label : str
        Name of the row.
    recipe : Recipe
        What would be run.
    runs : int
        How often: seeds, and refits.
    cost : Cost
        Of one run.
    reason : str
        Why it is left out; empty where it is run.
    """

    label: str
    recipe: Recipe
    runs: int
    cost: Cost
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """The rows of a comparison, and how fast this machine is now.

    Parameters
    ----------
    rows : tuple of Planned
        In the order in which they are run; those left out last.
    shape : Shape
        Of the split.
    pace : float
        Processor seconds of the machine of the measurement that pass here in a second of the clock.
    """

    rows: tuple[Planned, ...]
    shape: Shape
    pace: float

    @property
    def kept(self) -> list[Planned]:
        """The rows that are run."""
        return [row for row in self.rows if not row.reason]

    @property
    def left_out(self) -> dict[str, str]:
        """Why each other row is left out."""
        return {row.label: row.reason for row in self.rows if row.reason}

    def seconds(self, row: Planned, most: bool = False) -> float:
        """Return the expected time of a row on the clock of this machine, or that without early stopping."""
        return row.runs * (row.cost.most if most else row.cost.seconds) / self.pace

    def total(self, most: bool = False) -> float:
        """Return the expected time of all rows that are run."""
        return sum(self.seconds(row, most) for row in self.kept)

    def within(self, minutes: float) -> Plan:
        """Return the plan with only what fits into so much time: baselines first, then what is expected to be done soonest."""
        order = sorted(self.kept, key=lambda row: (row.recipe.model_name not in BASELINES, self.seconds(row)))
        spent, rows = 0.0, {row.label: row for row in self.rows}
        for row in order:
            if spent + self.seconds(row) <= 60 * minutes:
                spent += self.seconds(row)
            else:
                rows[row.label] = replace(row, reason=f"expected to take longer than what is left of {minutes:g} minutes")
        return replace(self, rows=_ordered(rows.values()))


def recipes_for(dataset: dict[str, Any], split: dict[str, Any], models: Sequence[str], slug: str) -> list[Recipe]:
    """Return one recipe per model: the packaged one for this dataset where there is one, else the model's defaults."""
    known = RECIPES.files() if len(dataset) == 1 else {}
    packaged = {name: path for name, path in known.items() if read_yaml(path).get("dataset") == dataset}
    recipes = []
    for model in models:
        values = {"name": f"{model}-{slug}"} | start_values(dataset["name"], model, packaged)
        recipes.append(RECIPES.parse(values | {"dataset": dataset, "split": split}, f"model '{model}'"))
    return recipes


def open_comparison(recipes: Sequence[Recipe], offline: bool = False) -> tuple[Dataset, Split]:
    """Open the dataset that recipes share, and split it."""
    first = recipes[0]
    for other in recipes:
        if (other.dataset, other.split) != (first.dataset, first.split):
            raise ConfigError(f"'{other.name}' and '{first.name}' differ in dataset or split; compare what shares both")
    dataset = open_with_content(recipes, offline)
    return dataset, split_dataset(dataset, first.split)


def plan_comparison(
    recipes: Sequence[Recipe], dataset: Dataset, split: Split, *, default: bool = False, seeds: int = 1, refit: bool = False
) -> Plan:
    """Plan a comparison; nothing is trained, and torch is not loaded.

    Parameters
    ----------
    recipes : sequence of Recipe
        Candidates.
    dataset, split
        What they are compared on.
    default : bool
        Whether only the default set is taken: models that count and need at most a third of the free memory, and `LEARNED`.
    seeds : int
        Runs of each.
    refit : bool
        Whether each is fitted again on train and validation.

    Returns
    -------
    Plan
    """
    shape, room = shape_of(split), SHARE * available_bytes() / 2**20
    rows = []
    for label, recipe in labelled(recipes).items():
        reason = reason_to_skip(recipe, dataset)
        if "needs-repeats" in MODELS[recipe.model_name].tags and (recipe.evaluation.seen or split.test.seen) == "remove":
            reason = reason or "shows items of the history again, and here they are taken out of all lists"
        row = Planned(label, recipe, seeds * (1 + refit), expected_cost(recipe, shape), reason)
        if default and not row.reason:
            row = replace(row, reason=reason_of_default(row, room))
        rows.append(row)
    if sum(not row.reason and row.recipe.model_name != "blend" for row in rows) < 2:
        rows = [replace(row, reason=row.reason or LONELY) if _blends_others(row.recipe) else row for row in rows]
    return Plan(_ordered(rows), shape, speed() * min(1.0, free_cores(busy_cores())))


def _blends_others(recipe: Recipe) -> bool:
    """Return whether a recipe blends the other models of its comparison."""
    return recipe.model_name == "blend" and not recipe.model_options


def reason_of_default(row: Planned, room: float) -> str:
    """Return why a row is not in the default set; room in MB."""
    name = row.recipe.model_name
    tags = MODELS[name].tags
    if ("counts" not in tags or "by-name" in tags) and name not in LEARNED:
        return "not tried by default; --models all tries it"
    if row.cost.megabytes > room:
        return f"needs about {row.cost.megabytes / 1024:,.1f} GB, more than a third of the free memory; --models {name} tries it"
    return ""


def _ordered(rows: Iterable[Planned]) -> tuple[Planned, ...]:
    """Return rows that are run before those that are not, the cheapest first."""
    return tuple(sorted(rows, key=lambda row: (bool(row.reason), row.cost.seconds)))


def labelled(recipes: Sequence[Recipe]) -> Mapping[str, Recipe]:
    """Return recipes by the model's name, or by their own where several are of one model."""
    count = Counter(recipe.model_name for recipe in recipes)
    return {one.model_name if count[one.model_name] == 1 else one.name: one for one in recipes}


def reason_to_skip(recipe: Recipe, dataset: Dataset) -> str:
    """Return why a model cannot be compared on a dataset; nothing where it can."""
    tags = MODELS[recipe.model_name].tags
    if "needs-time" in tags and not dataset.has_time and recipe.model_options.get("clock", "time") == "time":
        return "needs timestamps, which this dataset lacks"
    if "needs-user" in tags and recipe.split.protocol in ("by_user", "by_sequence"):
        return f"needs known users, and under '{recipe.split.protocol}' all are new"
    if "needs-reward" in tags and "reward" not in dataset.events.columns:
        what = f"a reward for each kind ({', '.join(map(str, dataset.kind_counts))})" if dataset.kind_counts else "rewards"
        return f"needs rewards, which this dataset lacks; give {what} with --set dataset.rewards"
    if "needs-labels" in tags:
        return "needs labelled events, and a comparison teaches only what was liked"
    if "needs-titles" in tags and dataset.vocabulary.titles is None:
        return "needs titles, which this dataset lacks"
    if "needs-content" in tags and not dataset.content:
        return "needs features of items, which this dataset lacks"
    packages = [tag.partition(":")[2] for tag in tags if tag.startswith("needs-package:")]
    absent = sorted(package for package in packages if find_spec(package) is None)
    return f"needs the package {absent[0]}, which is not installed" if absent else ""
