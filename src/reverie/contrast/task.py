"""What a contrastive study needs of a kind of data, the kinds that there are, and what trainings gave."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from pydantic import BaseModel
from torch import Tensor
from torch.nn import functional as F

from reverie.contrast.recipe import ContrastRecipe
from reverie.errors import ConfigError, RunError
from reverie.objectives import ScoreLoss
from reverie.objectives.config import ContrastiveConfig
from reverie.options import checked
from reverie.registry import Entry, Registry


@dataclass(frozen=True)
class Measure:
    """A test metric of one trained encoder."""

    value: float
    n: int
    low: float | None = None
    high: float | None = None
    interval: str = ""
    spread: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What one training gave."""

    selection: float
    metrics: Mapping[str, Measure]
    epoch: int | None = None
    cosines: tuple[float, ...] = ()


class Task(Protocol):
    """A kind of data, its encoder, its views and its measurement.

    All randomness (weights, order, views, folds) follows from the seed alone, so that two losses at one seed are a pair.
    """

    @property
    def dataset(self) -> str:
        """Name of the data."""

    @property
    def sha256(self) -> str:
        """Hash of the data."""

    @property
    def protocol(self) -> str:
        """How it is measured, in one word."""

    @property
    def baselines(self) -> tuple[str, ...]:
        """What `baseline` knows, such as ``"untrained"`` and ``"raw"``."""

    def train(self, loss: ScoreLoss, seed: int, say: Callable[[str], None]) -> Outcome:
        """Train an encoder from the beginning with a loss, and measure it; `say` takes a line of progress."""

    def baseline(self, name: str, seed: int, say: Callable[[str], None]) -> Outcome:
        """Measure something that no contrastive loss has taught."""


def cosines_of_others(anchors: Tensor, keys: Tensor) -> Tensor:
    """Return the cosine of each anchor with every key but its own; anchors, keys [B, D] → [B (B - 1)]."""
    cosines = F.normalize(anchors, dim=-1) @ F.normalize(keys, dim=-1).T
    others = ~torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)
    return cosines[others].clamp(-1, 1).cpu()  # rounding


def _entry(kind: str, summary: str) -> Entry:
    room = f"reverie.contrast.{kind}"
    return Entry(build=f"{room}.task:open_task", config=f"{room}.config:{kind.capitalize()}Task", summary=summary)


KINDS = Registry(
    "kind of task",
    {
        "graph": _entry("graph", "graph classification by support vector machines on frozen vectors"),
        "image": _entry("image", "image classification by neighbours and a linear probe on frozen vectors"),
        "text": _entry("text", "similarity of sentences, by Spearman's correlation with people's judgements"),
    },
    "reverie.contrast",
)
"""A task's build function takes its configuration and a device; other packages offer kinds under the group ``reverie.contrast``."""


def task_config(values: Mapping[str, Any], where: str) -> BaseModel:
    """Check the options of a task."""
    if "kind" not in values:
        raise ConfigError(f"{where}: option 'task.kind' is missing; add it, one of {', '.join(sorted(KINDS))}")
    try:
        config: type[BaseModel] = KINDS.config(str(values["kind"]))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return checked(config, values, f"{where}: task")


def open_task(config: BaseModel, device: str | None = None) -> Task:
    """Read the data of a task."""
    task: Task = KINDS.build(config.model_dump()["kind"])(config, device)
    return task


def quantiles(cosines: Tensor) -> tuple[float, ...]:
    """Return every twentieth of cosines, from the least to the greatest; cosines [N] → [21]."""
    return tuple(np.quantile(cosines.numpy(), np.linspace(0, 1, 21)).tolist())


@dataclass(frozen=True)
class Training:
    """One finished training or measurement; `outcome` is None where it failed, and `note` says why."""

    seed: int
    outcome: Outcome | None
    seconds: float
    peak_mb: float
    commit: str
    note: str = ""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
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
