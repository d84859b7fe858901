"""What a study of losses needs of a kind of data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
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
