"""One study: baselines and losses at the same seeds, with settings chosen at others; what is finished is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.contrast.kinds import open_task, task_config
from reverie.contrast.packaged import study_yaml
from reverie.contrast.recipe import loss_settings
from reverie.contrast.trainings import Training, Trainings
from reverie.contrast.tune import Tried, best, tried
from reverie.contrast.words import setting_words
from reverie.contrast.work import Counter, Trains, Worker
from reverie.errors import ConfigError, RunError, unknown
from reverie.files import write_text
from reverie.objectives import create_loss
from reverie.training.environment import commit
from reverie.training.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.contrast.recipe import StudyRecipe
    from reverie.contrast.task import Outcome, Task
    from reverie.objectives.config import ContrastiveConfig


@dataclass(frozen=True)
class StudiedRow:
    """A row with its measurements."""

    name: str
    what: ContrastiveConfig | str
    tried: tuple[Tried, ...]
    runs: tuple[Training, ...]
    trials: int

    @property
    def outcomes(self) -> list[Outcome]:
        """What the runs gave, by seed."""
        return [run.outcome for run in self.runs if run.outcome is not None]


@dataclass(frozen=True)
class Study:
    """A finished study."""

    recipe: StudyRecipe
    folder: Path
    dataset: str
    sha256: str
    protocol: str
    rows: tuple[StudiedRow, ...]


def run_study(
    recipe: StudyRecipe, folder: str | Path, *, rows: tuple[str, ...] | None = None, task: Task | None = None, show: bool = True
) -> Study:
    """Run a study, or go on with one: only what is not in the folder yet is trained."""
    folder, asked, where = Path(folder), recipe.asked(rows), f"study '{recipe.name}'"
    config = task_config(recipe.task, where)
    losses = {name: loss_settings(row, f"{where}: row '{name}'") for name, row in asked.items()}
    _check_losses(losses, where)
    _claim(folder)
    task = task or open_task(config)
    for name, row in asked.items():
        if row.baseline is not None and row.baseline not in task.baselines:
            raise ConfigError(f"{where}: row '{name}': {unknown('baseline', row.baseline, task.baselines)}")
    write_text(folder / "study.yaml", study_yaml(recipe))
    kept = Trainings(folder / "trainings", task, config, commit())

    def studied(name: str, work: Trains) -> StudiedRow:
        return _studied(name, asked[name].baseline or losses[name], bool(asked[name].grid), recipe, work)

    counters = {name: Counter(kept, recipe.tuning_seeds) for name in asked}
    for name, counter in counters.items():
        studied(name, counter)
    left = sum(counter.most(recipe.seeds) for counter in counters.values())
    with progress(left, recipe.name, show) as bar:
        worker = Worker(kept, bar, left)
        done = tuple(studied(name, worker) for name in asked)
    return Study(recipe, folder, task.dataset, task.sha256, task.protocol, done)


def _studied(name: str, what: str | Sequence[ContrastiveConfig], tuned: bool, recipe: StudyRecipe, work: Trains) -> StudiedRow:
    settings: list[Tried] = []
    if tuned and not isinstance(what, str):
        for loss in what:
            label = f"{name} with {setting_words(loss)}, seed"
            settings.append(tried(loss, [work.training(loss, seed, f"{label} {seed}") for seed in recipe.tuning_seeds]))
    chosen = best(settings, name) if settings else what if isinstance(what, str) else what[0]
    runs = tuple(work.training(chosen, seed, f"{name}, seed {seed}") for seed in range(recipe.seeds))
    for run in runs:
        if run.outcome is None:
            raise RunError(f"row '{name}' cannot be trained at seed {run.seed} ({run.note}); change its options or leave it out")
    return StudiedRow(name, chosen, tuple(settings), runs, max(1, len(settings)))


def _check_losses(losses: dict[str, list[ContrastiveConfig]], where: str) -> None:
    """Refuse losses that need to know whose row it is: there are no users here."""
    for name, settings in losses.items():
        for config in settings:
            try:
                by_user = create_loss(config).by_user
            except ConfigError as error:
                raise ConfigError(f"{where}: row '{name}': {error}") from None
            if by_user:
                raise ConfigError(f"{where}: row '{name}': this form of '{config.kind}' needs users, and there are none here")


def _claim(folder: Path) -> None:
    if folder.exists() and not (folder / "study.yaml").exists() and any(folder.iterdir()):
        raise RunError(f"{folder} is not empty and holds no study; choose another folder with --out")
