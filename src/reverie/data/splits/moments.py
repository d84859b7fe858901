"""Moments at which a log is cut, written as dates, times or seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.data.sequences import Sequences
from reverie.errors import ConfigError, short

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Moment:
    """Whole microseconds since 1970 UTC."""

    ticks: int

    def __str__(self) -> str:
        time = _ZERO + timedelta(microseconds=self.ticks)
        return time.strftime("%Y-%m-%d") if not self.ticks % 86_400_000_000 else time.isoformat().replace("+00:00", "Z")

    def later(self, days: float) -> Moment:
        """Return the moment so many days later."""
        return Moment(self.ticks + round(days * 86_400_000_000))

    def before(self, rows: Sequences) -> NDArray[np.bool_]:
        """Return which events come before it, shape [len(items)]."""
        seconds, rest = divmod(self.ticks, 1_000_000)
        time = rows.columns["time"].astype(np.int64, copy=False)
        finer = rows.columns["nanosecond"].astype(np.int64) if "nanosecond" in rows.columns else np.zeros_like(time)
        earlier: NDArray[np.bool_] = (time < seconds) | ((time == seconds) & (finer < rest * 1000))
        return earlier


def moment(value: Any, option: str) -> Moment:
    """Read a moment: a date, a time (without a zone it is UTC), or seconds since 1970.

    Parameters
    ----------
    value : str, date, datetime, int or float
        Texts are ISO 8601.
    option : str
        Its name, for the message.

    Raises
    ------
    ConfigError
        If it is none.
    """
    try:
        time = value
        if isinstance(value, int | float) and not isinstance(value, bool):
            time = _ZERO + timedelta(seconds=value)
        elif isinstance(value, str):
            time = datetime.fromisoformat(value.strip())
        elif not isinstance(value, datetime):
            time = datetime(value.year, value.month, value.day)
        return Moment(((time if time.tzinfo else time.replace(tzinfo=UTC)) - _ZERO) // timedelta(microseconds=1))
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        example = "write 2024-05-01, 2024-05-01T12:00:00+02:00, or seconds since 1970"
        raise ConfigError(f"{option}={short(repr(value))} is no date or time; {example}") from error
