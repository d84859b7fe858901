"""The study of long-term value: settings are chosen on validation, rows are trained, and each acts under each policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from reverie.data.split import Split
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, NotFinite, RunError
from reverie.evaluation.effects import finite
from reverie.evaluation.metrics import parse
from reverie.models import create_model
from reverie.models.shelf import MODELS
from reverie.options import checked
from reverie.report.table import StudyReport
from reverie.rl.acting import Trained, act_out, train_and_act
from reverie.rl.measures import MORE, trained_rows, validation_rows
from reverie.rl.page import claims_table, write_report
from reverie.rl.recipe import LONG_TERM, Backbone, OtherWorld, RLRecipe
from reverie.rl.restored import trained_of
from reverie.rl.study_world import study_world, world_facts
from reverie.rl.summary import TABLE_WIDTH, Groups, checks_table, grouped, summary_json, summary_tables
from reverie.rl.worlds.config import SessionWorldOptions
from reverie.rl.worlds.session import SessionWorld
from reverie.study.call import Call
from reverie.study.environment import commit, peak_mb, reset_peak
from reverie.study.rows import common_columns
from reverie.study.run import find_finished, run_study
from reverie.study.store import Store, claim, unreadable
from reverie.training.config import TrainingConfig
from reverie.training.event_log import open_recipe_dataset

VERSION = 2
"""Of a training and of what is measured after it; raised when the same facts come to mean something else."""


@dataclass(frozen=True)
class RLCell:
    """A row on a backbone at one seed, with one setting of its grid."""

    row: str
    backbone: Backbone | None
    seed: int
    setting: int = 0


class RLStudy:
    """A recipe, its log and world, and the trainings that are kept in a folder."""

    columns = MORE
    long_cells = False

    def __init__(self, recipe: RLRecipe, folder: str | Path, *, device: str | None = None, offline: bool = False) -> None:
        self.recipe, self.folder, self.name, self.device = recipe, Path(folder), recipe.name, device
        dataset = open_recipe_dataset(recipe.dataset, offline)
        if "reward" not in dataset.events.columns:
            raise ConfigError(
                f"'{dataset.name}' has no rewards; say what events are worth with --set dataset.rewards={{view: 0.2, …}}"
            )
        for kind in (kind for one in recipe.claims for kind in one.kinds):
            if kind not in dataset.kind_counts:
                listed = ", ".join(str(one) for one in dataset.kind_counts) or "none"
                raise ConfigError(f"claims: no event of '{dataset.name}' is of the kind '{kind}'; its kinds are {listed}")
        for row in recipe.rows.values():
            parse(recipe.training_values(row, {})["metric"])
        self.split = split_dataset(dataset, recipe.split)
        self.feedback = dataset.feedback_sha256
        self.world = None if recipe.world is None else study_world(recipe, dataset, offline)
        claim(self.folder, recipe, LONG_TERM, several=True)
        self._store, self._commit = Store(self.folder), commit()

    @cached_property
    def best(self) -> float | None:
        """The return in the world that no policy exceeds, where it is known."""
        return None if self.world is None else self.world.best_value()

    @property
    def error(self) -> tuple[str, ...]:
        """How well the world imitates what it was made from."""
        return () if self.world is None else self.world.error

    def cells(self, done: Mapping[RLCell, Trained | None]) -> Iterator[RLCell]:
        """Return the trainings of the tuning, and those of each row whose setting is chosen."""
        for row in self.recipe.rows:
            for backbone in self.recipe.backbones_of(self.recipe.rows[row]):
                tuning = [cell for cells in self._tuning(row, backbone) for cell in cells]
                yield from tuning
                if all(cell in done for cell in tuning):
                    yield from self.group(row, backbone, done)
        for name in self.references:
            yield from self.acted_out(name)

    def upper_bound(self, done: Mapping[RLCell, Trained | None]) -> int:
        """Return how many trainings there are at most."""
        return len(self.references) * self.recipe.seeds + sum(
            sum(map(len, self._tuning(row, backbone))) + self.recipe.seeds
            for row in self.recipe.rows
            for backbone in self.recipe.backbones_of(self.recipe.rows[row])
        )

    def group(self, row: str, backbone: Backbone | None, done: Mapping[RLCell, Trained | None]) -> list[RLCell]:
        """Return the trainings of a row on a backbone at every seed, with the setting that validation chose."""
        setting, found = 0, self._tuning(row, backbone)
        if found:
            values = [fmean(_selection(done[cell]) for cell in cells) for cells in found]
            setting = max(range(len(values)), key=lambda at: values[at])
        return [RLCell(row, backbone, seed, setting) for seed in range(self.recipe.seeds)]

    @cached_property
    def references(self) -> tuple[str, ...]:
        """Names of the world's own policies, which are rows without a training where no row of the recipe is called so."""
        return () if self.world is None else tuple(name for name in self.world.references() if name not in self.recipe.rows)

    def acted_out(self, name: str) -> list[RLCell]:
        """Return the roll-outs of one of the world's own policies at every seed."""
        return [RLCell(name, None, seed) for seed in range(self.recipe.seeds)]

    def _tuning(self, row: str, backbone: Backbone | None) -> list[list[RLCell]]:
        """Return the cells of each setting of a row; none where nothing is chosen."""
        source, grid, seeds = self.recipe.source_of(row), self.recipe.grid_of(row), self.recipe.tuning_seeds
        return [[RLCell(source, backbone, seed, at) for seed in seeds] for at in range(len(grid))] if len(grid) > 1 else []

    def _inputs(self, cell: RLCell) -> tuple[str, dict[str, Any], TrainingConfig]:
        """Return the model of a cell, its options and how it is fitted."""
        row = self.recipe.rows[cell.row]
        grid = self.recipe.grid_of(cell.row)
        setting = grid[cell.setting] if grid else {}
        name, options = self.recipe.model(row, cell.backbone, setting)
        values = self.recipe.training_values(row, setting) | {"seed": cell.seed}
        return name, options, checked(TrainingConfig, values, f"rows.{cell.row}: training")

    def facts(self, cell: RLCell) -> dict[str, Any]:
        """Return everything that a training and its measurements depend on, and the row of the table that it is for."""
        return self._training_facts(cell) | {"row": cell.row}

    def _training_facts(self, cell: RLCell) -> dict[str, Any]:
        """Return everything that a training depends on; rows that are the same share theirs."""
        if self.world is not None and cell.row in self.references:
            told = world_facts(self.recipe, self.world)
            return {"reference": cell.row, "seed": cell.seed, "data": self.split.sha256, "acts": told, "version": VERSION}
        name, options, training = self._inputs(cell)
        config = checked(MODELS.config(name), options, f"rows.{cell.row}")
        world = None if self.world is None else world_facts(self.recipe, self.world)
        acts: Any = None if self._is_tuning(cell) else [list(self._policies(cell)), list(self.recipe.checkpoints), world]
        if self._is_tuning(cell) and self.recipe.tuning is not None:
            acts = self.recipe.tuning.model_dump() | {"sessions": self.recipe.sessions, "policy": self._tuned_policy(cell)}
        return {
            "model": name, "options": config.model_dump(mode="json"), "training": training.model_dump(mode="json"),
            "data": self._split_of(cell).sha256, "feedback": self.feedback, "protocol": self.split.protocol, "acts": acts,
            "version": VERSION,
        }  # fmt: skip

    @cached_property
    def _other(self) -> tuple[SessionWorld, Split]:
        """The world in which settings are chosen, and its log."""
        asked = self.recipe.tuning or OtherWorld()
        world = SessionWorld(SessionWorldOptions(seed=asked.seed))
        return world, split_dataset(world.log(asked.log_sessions, asked.log_seed), self.recipe.split)

    def _split_of(self, cell: RLCell) -> Split:
        return self._other[1] if self._is_tuning(cell) and self.recipe.tuning is not None else self.split

    def _tuned_policy(self, cell: RLCell) -> str:
        """Return who acts where settings are chosen by return."""
        tags = MODELS[self._inputs(cell)[0]].tags
        return "q" if "needs-reward" in tags and cell.backbone is not None and "q" in self._policies(cell) else "ce"

    def _policies(self, cell: RLCell) -> tuple[str, ...]:
        return self.recipe.rows[cell.row].policies or self.recipe.policies

    def _is_tuning(self, cell: RLCell) -> bool:
        return cell.seed >= self.recipe.seeds

    def is_kept(self, cell: RLCell) -> bool:
        """Return whether a training was finished before."""
        return self._store.has("trainings", self._training_facts(cell))

    def run(self, cell: RLCell, tell: Callable[[str], None]) -> Trained:
        """Train, act and measure where it was not done."""
        piece = self._store.kept("trainings", self._training_facts(cell), lambda folder: asdict(self._make(cell, folder, tell)))
        try:
            return Trained(**{**piece.notes, "files": str(piece.folder)})
        except TypeError as error:
            raise unreadable(piece.folder) from error

    def _make(self, cell: RLCell, folder: Path, tell: Callable[[str], None]) -> Trained:
        if self.world is not None and cell.row in self.references:
            seconds, told = act_out(self.world, cell.row, self.recipe.sessions, cell.seed, folder)
            return Trained(None, None, seconds, peak_mb(), self._commit, acted=(told,))
        name, options, training = self._inputs(cell)
        tell(f"{self._label(cell)} …")
        split, world = self._split_of(cell), self.world
        model = create_model(name, split, seed=cell.seed, **options)
        asked: tuple[tuple[str, ...], tuple[str, ...]] = (self._policies(cell), self.recipe.checkpoints)
        by_return = self._is_tuning(cell) and self.recipe.tuning is not None
        if by_return:
            asked, world = ((self._tuned_policy(cell),), ("last",)), self._other[0]
        elif self._is_tuning(cell):
            asked, world = ((), ()), None
        reset_peak()
        try:
            fitted, acted = train_and_act(model, split, training, *asked, world, self.recipe.sessions, folder, self.device)
        except (NotFinite, RunError) as error:
            return Trained(None, None, 0.0, peak_mb(), self._commit, flags=(str(error),))
        flags = [f"epoch {row['epoch']}" for row in fitted.history if row.get("flagged")]
        log = [{key: number for key, one in row.items() if (number := finite(one)) is not None} for row in fitted.history]
        return Trained(
            acted[-1]["return"] if by_return else fitted.best_value,
            fitted.best_epoch,
            fitted.seconds,
            fitted.peak_mb,
            self._commit,
            tuple(flags),
            tuple(log),
            () if by_return else tuple(acted),
        )

    def restore(self, cell: RLCell, rows: Sequence[Mapping[str, str]]) -> Trained:
        """Return a training from its rows, whose means are compared seed by seed."""
        return trained_of(rows)

    def describe(self, cell: RLCell, result: Trained) -> str:
        """Return a training and what it was chosen by in a few words."""
        by = f"{self.recipe.training.metric} {result.selection or 0.0:.4f} on validation"
        if self._is_tuning(cell) and self.recipe.tuning is not None:
            by = f"return {result.selection or 0.0:.3f} in the other world"
        chosen = "" if result.selection is None else f" · {by}"
        return f"{self._label(cell)}{chosen}{' · flagged' if result.flags else ''}"

    def rows(self, cell: RLCell, result: Trained) -> list[dict[str, Any]]:
        """Return what a training measured; of one of the tuning what it is chosen by, on validation."""
        tried = 1 if cell.row in self.references else max(1, len(self.recipe.grid_of(cell.row)))
        common = common_columns(
            self.recipe.name, self._split_of(cell), model=cell.row, seed=cell.seed, seen=self.split.test.seen, trials=tried
        ) | {"backbone": cell.backbone or ""}
        if self._is_tuning(cell):
            return validation_rows(common, result, self._inputs(cell)[2].metric if self.recipe.tuning is None else "return")
        return trained_rows(common, result, self.recipe.world, self.recipe.ks, self.best)

    def _label(self, cell: RLCell) -> str:
        grid = () if cell.row in self.references else self.recipe.grid_of(cell.row)
        tried = f" with {', '.join(f'{key} {value}' for key, value in grid[cell.setting].items())}" if self._is_tuning(cell) else ""
        return f"{cell.row}{f' on {cell.backbone}' if cell.backbone else ''}{tried}, seed {cell.seed}"


def _selection(trained: Trained | None) -> float:
    """Return what a training was chosen by; one that failed, or whose rows alone are known, is never chosen."""
    return float("-inf") if trained is None or trained.selection is None else trained.selection


def run_rl(
    recipe: RLRecipe,
    folder: str | Path,
    *,
    device: str | None = None,
    results: str | Path | None = None,
    show: bool = True,
    offline: bool = False,
) -> tuple[RLStudy, Groups]:
    """Run a study, or go on with one: only what is neither in the folder nor in the results table is computed.

    Parameters
    ----------
    recipe : RLRecipe
        What to run.
    folder : str or Path
        Where trainings are kept.
    device : str, optional
        Where to compute.
    results : str or Path, optional
        A results table.
    show : bool
        Whether to show progress.
    offline : bool
        Whether data may not be fetched.

    Returns
    -------
    RLStudy
        The study.
    Groups
        What was measured, by row, backbone, policy and checkpoint.
    """
    study = RLStudy(recipe, folder, device=device, offline=offline)
    done = run_study(study, results=results, show=show)
    return study, _groups(study, done)


def read_rl(recipe: RLRecipe, folder: str | Path, results: str | Path | None = None) -> tuple[RLStudy, Groups]:
    """Read a finished study, as `run_rl` returns it, from its folder and a results table; nothing is trained.

    Parameters
    ----------
    recipe : RLRecipe
        Which was run.
    folder : str or Path
        Where trainings are kept.
    results : str or Path, optional
        A results table.

    Raises
    ------
    RunError
        If a training is in neither.
    """
    study = RLStudy(recipe, folder)
    done = find_finished(study, results)
    if missing := [cell for cell in study.cells(done) if cell not in done]:
        where = f"neither in {folder} nor in {results}" if results is not None else f"not in {folder}"
        raise RunError(f"{len(missing)} trainings of '{recipe.name}' or more are {where}; run it to its end first")
    return study, _groups(study, done)


def _groups(study: RLStudy, done: Mapping[RLCell, Trained | None]) -> Groups:
    recipe = study.recipe
    cells: dict[tuple[str, Backbone | None], list[RLCell]] = {
        (row, backbone): study.group(row, backbone, done)
        for row, what in recipe.rows.items()
        for backbone in recipe.backbones_of(what)
    }
    cells |= {(name, None): study.acted_out(name) for name in study.references}
    trained = {key: {cell.seed: one for cell in group if (one := done[cell]) is not None} for key, group in cells.items()}
    return grouped(recipe, trained, study.best)


def report(recipe: RLRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it."""
    study, groups = run_rl(recipe, call.folder, device=call.device, results=call.results, show=call.show, offline=call.offline)
    said = summary_json(recipe, groups)
    files = [write_report(study.folder, recipe, study.split, groups, study.best, call.command, study.error)]
    tables = summary_tables(recipe, groups, study.split, study.best, study.error)
    if recipe.claims:
        tables.append(claims_table(recipe, groups, study.split, f"{recipe.name} · comparisons"))
    if recipe.checks:
        tables.append(checks_table(recipe, groups, f"{recipe.name} · bounds"))
    return StudyReport(said, tables, files, width=TABLE_WIDTH)
