"""What a study of losses needs of a kind of data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from reverie.objectives import ScoreLoss


@dataclass(frozen=True)
class Measure:
    """A test metric of one trained encoder.

    Parameters
    ----------
    value : float
        Its value.
    n : int
        Number of test examples.
    low, high : float or None
        Interval over test examples, where there is one.
    interval : str
        Where the interval comes from, e.g. ``"bootstrap(1000)"`` or ``"folds(10)"``; empty without one.
    spread : float or None
        Standard deviation over folds, where there are folds.
    """

    value: float
    n: int
    low: float | None = None
    high: float | None = None
    interval: str = ""
    spread: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What one training gave.

    Parameters
    ----------
    selection : float
        What settings are chosen by, measured without the test examples; higher is better.
    metrics : mapping of str to Measure
        Test metrics by lower-case name, the main one first.
    epoch : int or None
        Which epoch was measured; None without training.
    cosines : tuple of float
        0, 5, 10 … 100 % quantiles of the negatives' cosines at the end of training; empty without training.
    """

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
