"""What trainings of a study gave: one training, a row with its trials and seeds, and all rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from reverie.contrast.task import Measure, Outcome
from reverie.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

    from reverie.contrast.recipe import ContrastRecipe
    from reverie.objectives.config import ContrastiveConfig


@dataclass(frozen=True)
class Training:
    """One finished training or measurement; `outcome` is None where it failed, and `note` says why."""

    seed: int
    outcome: Outcome | None
    seconds: float
    peak_mb: float
    commit: str
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Training:
        """Read it from plain values; a KeyError, TypeError or AttributeError says that they are none."""
        kept = values["outcome"]
        metrics = kept and {name: Measure(**measure) for name, measure in kept["metrics"].items()}
        outcome = kept and Outcome(kept["selection"], metrics, kept["epoch"], tuple(kept["cosines"]))
        return cls(values["seed"], outcome, values["seconds"], values["peak_mb"], values["commit"], values["note"])


def is_finite(outcome: Outcome) -> bool:
    """Return whether all numbers of an outcome are finite."""
    values = [outcome.selection, *outcome.cosines]
    for measure in outcome.metrics.values():
        values += [value for value in (measure.value, measure.low, measure.high, measure.spread) if value is not None]
    return all(map(math.isfinite, values))


@dataclass(frozen=True)
class Trial:
    """One setting that was tried; `selection` is its mean over tuning seeds, None where a training failed."""

    loss: ContrastiveConfig
    selection: float | None


def trial(loss: ContrastiveConfig, trainings: Sequence[Training]) -> Trial:
    """Return how a setting did; its test metrics are not looked at."""
    selections = [training.outcome.selection for training in trainings if training.outcome is not None]
    return Trial(loss, sum(selections) / len(selections) if len(selections) == len(trainings) else None)


def best_setting(trials: Sequence[Trial], row: str) -> ContrastiveConfig:
    """Return the setting with the largest selection; of equals the first."""
    finite = [one for one in trials if one.selection is not None]
    if not finite:
        raise RunError(f"none of the {len(trials)} settings of row '{row}' could be trained; choose others")
    return max(finite, key=lambda one: one.selection or 0.0).loss


@dataclass(frozen=True)
class MeasuredRow:
    """A row with its trials, its chosen setting and its trainings by seed."""

    name: str
    what: ContrastiveConfig | str
    tried: tuple[Trial, ...]
    runs: tuple[Training, ...]
    trials: int

    @property
    def outcomes(self) -> list[Outcome]:
        """What the runs gave, by seed."""
        return [run.outcome for run in self.runs if run.outcome is not None]


@dataclass(frozen=True)
class MeasuredStudy:
    """A finished study."""

    recipe: ContrastRecipe
    folder: Path
    dataset: str
    sha256: str
    protocol: str
    rows: tuple[MeasuredRow, ...]
