"""Recipes of contrastive studies: one task, the losses that are compared on it, and the seeds."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, NonNegativeInt, model_validator

from reverie.errors import ConfigError, nearest, unknown
from reverie.objectives.config import ContrastiveConfig
from reverie.options import Few, Options, checked
from reverie.settings import put
from reverie.study.recipe import BaseRecipe, Grid, Name, RecipeShelf, check_tuning_seeds

SMOKE_SEEDS, SMOKE_SETTINGS = 2, 2
"""What a smoke run keeps of the seeds and of each grid."""


class StudyRow(Options):
    """One row of the table: a loss, or something that no loss has taught."""

    description: str = ""
    """What the row stands for."""
    baseline: str | None = None
    """A baseline of the task, such as ``untrained`` or ``raw``."""
    loss: dict[str, Any] | None = None
    """``kind`` of a contrastive loss and its options."""
    grid: Grid = ()
    """Settings to choose from, by (dotted) option of the loss; a mapping of options to lists of values means all combinations."""
    aside: bool = False
    """Only measured where it is asked for by name."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.baseline is None) == (self.loss is None):
            raise ValueError("a row has either 'baseline' or 'loss'; give one of them")
        if self.grid and self.loss is None:
            raise ValueError("'grid' belongs to a loss; a baseline has nothing to choose")
        return self


class ContrastRecipe(BaseRecipe):
    """One study; `smoke` changes the task, by (dotted) option."""

    task: dict[str, Any]
    """``kind`` of a task and its options."""
    rows: dict[Name, StudyRow] = Field(min_length=1)
    """By name, in the order of the table."""
    seeds: Few = 5
    """Rows are measured at the seeds 0 … seeds - 1."""
    tuning_seeds: tuple[NonNegativeInt, ...] = Field(default=(100,), min_length=1)
    """Seeds at which settings are chosen; none of those that rows are measured at."""
    against: str
    """The row that every other row is compared with."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.against not in self.rows:
            near = nearest(self.against, self.rows)
            raise ValueError(f"against: unknown row '{self.against}'{near}; known: {', '.join(self.rows)}")
        check_tuning_seeds(self.tuning_seeds, self.seeds)
        return self

    def asked(self, names: tuple[str, ...] | None = None) -> dict[str, StudyRow]:
        """Return the rows of a run."""
        for name in names or ():
            if name not in self.rows and names != ("all",):
                raise unknown(f"row of the study '{self.name}'", name, self.rows)
        if names is None:
            chosen = [name for name, row in self.rows.items() if not row.aside]
        else:
            chosen = [name for name in self.rows if name in names or names == ("all",)]
        if not chosen:
            raise ConfigError(f"no row of the study '{self.name}' is asked for; name some with --rows: {', '.join(self.rows)}")
        return {name: self.rows[name] for name in chosen}

    def trainings(self, names: tuple[str, ...] | None = None) -> int:
        """Return how many trainings a run needs at most; rows that end at the same setting share theirs."""
        rows = self.asked(names).values()
        return sum(len(row.grid) * len(self.tuning_seeds) + self.seeds for row in rows if row.loss is not None)


class _Holder(Options):
    loss: ContrastiveConfig


def loss_settings(row: StudyRow, where: str) -> list[ContrastiveConfig]:
    """Return the losses that a row chooses from."""
    if row.loss is None:
        return []
    found: list[ContrastiveConfig] = []
    for setting in row.grid or ({},):
        values: Mapping[str, Any] = row.loss
        for option, value in setting.items():
            values = put(values, option, value, f"{where}, grid, {option}")
        config = checked(_Holder, {"loss": values}, where).loss
        if config.model_dump() in [other.model_dump() for other in found]:
            raise ConfigError(f"{where}: the grid holds the setting {setting} twice; a budget counts different settings")
        found.append(config)
    return found


def _check_losses(recipe: ContrastRecipe, where: str) -> None:
    for name, row in recipe.rows.items():
        loss_settings(row, f"{where}: row '{name}'")


def _shorten(recipe: ContrastRecipe, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a study that runs in seconds: the task as `smoke` says, fewer seeds and settings."""
    short = recipe.model_dump(mode="json", exclude_unset=True)
    for option, value in recipe.smoke.items():
        short = put(short, f"task.{option}", value, f"study '{recipe.name}', smoke, {option}")
    short["rows"] = {
        name: row | ({"grid": row["grid"][:SMOKE_SETTINGS]} if "grid" in row else {}) for name, row in short["rows"].items()
    }
    seeds = {"seeds": min(recipe.seeds, SMOKE_SEEDS), "tuning_seeds": recipe.tuning_seeds[:1]}
    return short | seeds | {"name": f"{recipe.name}-smoke"}


CONTRAST = RecipeShelf(
    "a study", ContrastRecipe, "reverie.contrast", "reverie contrast --list", "task.epochs=5", check=_check_losses, short=_shorten,
    file="study.yaml",
    summary=lambda one: {"name": one.name, "task": one.task, "rows": list(one.rows), "description": one.description},
    columns=lambda one: {
        "study": one.name, "rows": str(len(one.asked())), "trainings": str(one.trainings()), "description": one.description,
    },
)  # fmt: skip
"""Recipes of `reverie contrast`; the task is checked when it is opened."""
