"""The `sweep` section of a recipe: search space, number of trials, pruning."""

from __future__ import annotations

from typing import Any

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from reverie.errors import ConfigError
from reverie.options import Options, checked


class Range(Options):
    """Numbers between two bounds, both included."""

    low: float
    """Least value."""
    high: float
    """Largest value."""
    log: bool = False
    """Whether to draw on a logarithmic scale: as many values between 1e-4 and 1e-3 as between 1e-3 and 1e-2."""
    integer: bool = False
    """Whether only whole numbers are drawn."""

    @model_validator(mode="after")
    def _sensible(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low={self.low:g} is not below high={self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic scale needs low above 0, not {self.low:g}")
        if self.integer and max(abs(self.low), abs(self.high)) > 2**53:
            raise ValueError(f"whole numbers are drawn up to 2**53, not between {self.low:g} and {self.high:g}")
        if self.integer and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"integer needs whole bounds, not {self.low:g} and {self.high:g}")
        return self

    def examples(self) -> tuple[Any, ...]:
        """Return the two bounds, whole numbers as such."""
        return (int(self.low), int(self.high)) if self.integer else (self.low, self.high)

    def holds(self, value: Any) -> bool:
        """Return whether `value` can be drawn."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high and (not self.integer or float(value).is_integer())


class Choice(Options):
    """One of several values, in no order."""

    values: tuple[bool | int | float | str | None, ...]
    """What to choose from; at least one."""

    @model_validator(mode="after")
    def _some(self) -> Choice:
        if not self.values:
            raise ValueError("'values' is empty; give at least one")
        return self

    def examples(self) -> tuple[Any, ...]:
        """Return the values."""
        return self.values

    def holds(self, value: Any) -> bool:
        """Return whether `value` is one of them."""
        return value in self.values


class SweepRecipe(Options):
    """What `reverie sweep` tries; training takes no notice of it."""

    space: dict[str, Range | Choice]
    """By key of the recipe, such as ``training.learning_rate``: ``low`` and ``high``, or ``values``."""
    trials: int = Field(default=8, ge=1, le=10_000)
    """How many settings to try, the recipe's own included."""
    pruning: bool = True
    """Whether to stop a training whose best validation so far is below the median of the finished trials at the same epoch."""
    startup_trials: PositiveInt = 3
    """Trials that are finished before the first is stopped early."""
    warmup_epochs: NonNegativeInt | None = None
    """No training is stopped early before this epoch; None waits as many validations as `training.patience` allows."""

    @field_validator("space", mode="before")
    @classmethod
    def _either(cls, value: Any) -> Any:
        """Say what is wrong with a dimension in the words of the one that was meant."""
        if value == {}:
            raise ValueError("names no key; give at least one, e.g. training.learning_rate: {low: 0.0005, high: 0.003, log: true}")
        return {key: _dimension(str(key), given) for key, given in value.items()} if isinstance(value, dict) else value


def _dimension(key: str, given: Any) -> Range | Choice:
    if isinstance(given, Range | Choice):
        return given
    if not isinstance(given, dict):
        raise ValueError(f"'{key}' takes low and high, or values, not {given!r}")
    try:
        return checked(Choice, given, f"'{key}'") if "values" in given else checked(Range, given, f"'{key}'")
    except ConfigError as error:
        raise ValueError(str(error)) from None
