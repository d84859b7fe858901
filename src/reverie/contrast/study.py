"""The study of contrastive losses: settings are chosen at tuning seeds, rows are measured at others."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reverie.contrast import task as tasks
from reverie.contrast.page import write_plots, write_report
from reverie.contrast.recipe import CONTRAST, ContrastRecipe, loss_settings
from reverie.contrast.results import MORE, study_json, training_from_rows, training_rows
from reverie.contrast.summary import TABLE_WIDTH, setting_words, study_table, summarise
from reverie.errors import ConfigError, NotFinite, RunError, unknown
from reverie.files import write_json
from reverie.objectives import create_loss
from reverie.objectives.config import ContrastiveConfig
from reverie.report.table import StudyReport
from reverie.seeds import seed_torch
from reverie.study.call import Call
from reverie.study.environment import commit, peak_mb, reset_peak
from reverie.study.run import run_study
from reverie.study.store import Store, claim, unreadable

VERSION = 1
"""Of a training; raised when the same facts come to mean something else."""


@dataclass(frozen=True)
class TrainingCell:
    """A training of one row at one seed, or the measurement of a baseline."""

    row: str
    what: ContrastiveConfig | str
    """A loss, or a baseline's name."""
    seed: int


class ContrastStudy:
    """A recipe, its task and the trainings that are kept in a folder."""

    columns = MORE
    long_cells = False

    def __init__(
        self,
        recipe: ContrastRecipe,
        folder: str | Path,
        rows: tuple[str, ...] | None = None,
        task: tasks.Task | None = None,
        device: str | None = None,
    ) -> None:
        self.recipe, self.folder, self.name = recipe, Path(folder), recipe.name
        where = f"study '{recipe.name}'"
        self.rows_of_table = recipe.asked(rows)
        self.config = tasks.task_config(recipe.task, where)
        self.losses = {name: loss_settings(row, f"{where}: row '{name}'") for name, row in self.rows_of_table.items()}
        _refuse_losses_of_users(self.losses, where)
        self.task = task or tasks.open_task(self.config, device)
        for name, row in self.rows_of_table.items():
            if row.baseline is not None and row.baseline not in self.task.baselines:
                raise ConfigError(f"{where}: row '{name}': {unknown('baseline', row.baseline, self.task.baselines)}")
        claim(self.folder, recipe, CONTRAST, several=True)
        self._store, self._commit = Store(self.folder), commit()

    def cells(self, done: Mapping[TrainingCell, tasks.Training | None]) -> Iterator[TrainingCell]:
        """Return the trainings of the tuning, and of each row whose setting is chosen."""
        for name in self.rows_of_table:
            tuning = [cell for cells in self._tuning(name) for cell in cells]
            yield from tuning
            if all(cell in done for cell in tuning):
                yield from self._test(name, done)

    def upper_bound(self, done: Mapping[TrainingCell, tasks.Training | None]) -> int:
        """Return how many trainings there are at most; rows that end at one setting share theirs."""
        return sum(sum(map(len, self._tuning(name))) + self.recipe.seeds for name in self.rows_of_table)

    def facts(self, cell: TrainingCell) -> dict[str, Any]:
        """Return everything that a training depends on, and the row of the table that it is for."""
        return self._training_facts(cell) | {"row": cell.row}

    def is_kept(self, cell: TrainingCell) -> bool:
        """Return whether a training was finished before."""
        return self._store.has("trainings", self._training_facts(cell))

    def run(self, cell: TrainingCell, tell: Callable[[str], None]) -> tasks.Training:
        """Train or measure where it was not done; a test seed that cannot be trained is an error."""
        label = self._label(cell)
        piece = self._store.kept(
            "trainings", self._training_facts(cell), lambda _: asdict(self._train(cell, lambda text: tell(f"{label} · {text}")))
        )
        try:
            training = tasks.Training.from_json(piece.notes)
        except (AttributeError, KeyError, TypeError) as error:
            raise unreadable(piece.folder) from error
        if training.outcome is None and cell.seed < self.recipe.seeds:
            raise RunError(
                f"row '{cell.row}' cannot be trained at seed {cell.seed} ({training.note}); change its options or leave it out"
            )
        return training

    def restore(self, cell: TrainingCell, rows: Sequence[Mapping[str, str]]) -> tasks.Training | None:
        """Return a training from its rows in a results table."""
        return training_from_rows(cell.seed, rows)

    def describe(self, cell: TrainingCell, result: tasks.Training) -> str:
        """Return a training and its selection in a few words."""
        gave = result.note if result.outcome is None else f"selection {result.outcome.selection:.4f}"
        return f"{self._label(cell)} · {gave}"

    def rows(self, cell: TrainingCell, result: tasks.Training) -> list[dict[str, Any]]:
        """Return the test metrics of a training; a training of the tuning has no row."""
        if cell.seed >= self.recipe.seeds:
            return []
        tuned = len(self.losses[cell.row]) if self.rows_of_table[cell.row].grid else 1
        return training_rows(self.measured(()), cell.row, cell.what, result, tuned)

    def measured(self, rows: Sequence[tasks.MeasuredRow]) -> tasks.MeasuredStudy:
        """Return the study with rows that were measured."""
        return tasks.MeasuredStudy(self.recipe, self.folder, self.task.dataset, self.task.sha256, self.task.protocol, tuple(rows))

    def measured_row(self, name: str, done: Mapping[TrainingCell, tasks.Training | None]) -> tasks.MeasuredRow:
        """Return a row of the table."""
        trials = self._trials(name, done)
        cells = self._test(name, done)
        runs = tuple(training for cell in cells if (training := done[cell]) is not None)
        return tasks.MeasuredRow(name, cells[0].what, tuple(trials), runs, max(1, len(trials)))

    def _training_facts(self, cell: TrainingCell) -> dict[str, Any]:
        """Return everything that a training depends on; rows that end at one setting share theirs."""
        said = {"baseline": cell.what} if isinstance(cell.what, str) else {"loss": cell.what.model_dump(mode="json")}
        task = {"task": self.config.model_dump(mode="json"), "data": self.task.sha256}
        return task | said | {"seed": cell.seed, "version": VERSION}

    def _tuning(self, name: str) -> list[list[TrainingCell]]:
        """Return the cells of each setting of a row; none where nothing is chosen."""
        settings = self.losses[name] if self.rows_of_table[name].grid else ()
        return [[TrainingCell(name, loss, seed) for seed in self.recipe.tuning_seeds] for loss in settings]

    def _trials(self, name: str, done: Mapping[TrainingCell, tasks.Training | None]) -> list[tasks.Trial]:
        by_loss = zip(self.losses[name], self._tuning(name), strict=False)
        return [tasks.trial(loss, [training for cell in cells if (training := done[cell]) is not None]) for loss, cells in by_loss]

    def _test(self, name: str, done: Mapping[TrainingCell, tasks.Training | None]) -> list[TrainingCell]:
        what: ContrastiveConfig | str | None = self.rows_of_table[name].baseline
        trials = self._trials(name, done)
        if what is None:
            what = tasks.best_setting(trials, name) if trials else self.losses[name][0]
        return [TrainingCell(name, what, seed) for seed in range(self.recipe.seeds)]

    def _label(self, cell: TrainingCell) -> str:
        tuned = "" if cell.seed < self.recipe.seeds else f" with {setting_words(cell.what)}"
        return f"{cell.row}{tuned}, seed {cell.seed}"

    def _train(self, cell: TrainingCell, say: Callable[[str], None]) -> tasks.Training:
        what = cell.what
        seed_torch(cell.seed, "loss")  # what a loss draws, such as shuffled weights
        reset_peak()
        begin, note = time.monotonic(), ""
        outcome = None
        try:
            if isinstance(what, str):
                outcome = self.task.baseline(what, cell.seed, say)
            else:
                outcome = self.task.train(create_loss(what), cell.seed, say)
        except NotFinite as error:
            note = str(error)
        if outcome is not None and not tasks.is_finite(outcome):
            outcome, note = None, "what was measured is not finite"
        return tasks.Training(cell.seed, outcome, time.monotonic() - begin, peak_mb(), self._commit, note)


def run_contrast(
    recipe: ContrastRecipe,
    folder: str | Path,
    *,
    rows: tuple[str, ...] | None = None,
    task: tasks.Task | None = None,
    device: str | None = None,
    results: str | Path | None = None,
    show: bool = True,
) -> tasks.MeasuredStudy:
    """Run a study, or go on with one: only what is neither in the folder nor in the results table is trained."""
    study = ContrastStudy(recipe, folder, rows, task, device)
    done = run_study(study, results=results, show=show)
    return study.measured([study.measured_row(name, done) for name in study.rows_of_table])


def report(recipe: ContrastRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it."""
    named = call.more.get("rows")
    rows = None if named is None else tuple(name.strip() for name in named.split(",") if name.strip())
    recipe.asked(rows)  # a wrong name is an error before anything is opened
    study = run_contrast(recipe, call.folder, rows=rows, device=call.device, results=call.results, show=call.show)
    said = study_json(study)
    files = [study.folder / "study.json", *write_plots(study), write_report(study)]
    write_json(files[0], said)
    return StudyReport(said, [study_table(summarise(study))], files, width=TABLE_WIDTH)


def _refuse_losses_of_users(losses: Mapping[str, Sequence[ContrastiveConfig]], where: str) -> None:
    """Refuse losses that need to know whose row it is: there are no users here."""
    for name, settings in losses.items():
        for config in settings:
            try:
                by_user = create_loss(config).by_user
            except ConfigError as error:
                raise ConfigError(f"{where}: row '{name}': {error}") from None
            if by_user:
                raise ConfigError(f"{where}: row '{name}': this form of '{config.kind}' needs users, and there are none here")
