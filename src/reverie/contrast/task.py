"""What a contrastive study needs of a kind of data, and the kinds that there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.registry import Entry, Registry

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reverie.objectives import ScoreLoss


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
        ...

    @property
    def sha256(self) -> str:
        """Hash of the data."""
        ...

    @property
    def protocol(self) -> str:
        """How it is measured, in one word."""
        ...

    @property
    def baselines(self) -> tuple[str, ...]:
        """What `baseline` knows, such as ``"untrained"`` and ``"raw"``."""
        ...

    def train(self, loss: ScoreLoss, seed: int, say: Callable[[str], None]) -> Outcome:
        """Train an encoder from the beginning with a loss, and measure it; `say` takes a line of progress."""
        ...

    def baseline(self, name: str, seed: int, say: Callable[[str], None]) -> Outcome:
        """Measure something that no contrastive loss has taught."""
        ...


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
