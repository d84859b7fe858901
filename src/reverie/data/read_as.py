"""What a log was read as: columns taken and left, times, order, kinds, rows dropped, titles; in one line, or as JSON."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from reverie.data.ids import matched

LOGGER = logging.getLogger("reverie.data")
"""Is told what every log was read as (INFO), and what a person should look at (WARNING)."""
_TOLD = ContextVar("told", default=True)
LITTLE = 0.5
"""Share of the items of a log that a catalogue should have at least."""


@dataclass(frozen=True)
class ReadAs:
    """What a log was read as.

    Parameters
    ----------
    source, form : str
        Where it is, and what it is: ``';' between fields, a header``.
    columns : mapping of str to str
        Column of each role.
    rivals : mapping of str to tuple of str
        Columns that have a usual name of a role, too, and were not taken.
    times, order : str
        Unit and span of the times; what orders the events of a user.
    kinds : mapping of str to int
        Events of each kind.
    dropped : mapping of str to int
        Rows that are no events, by the reason.
    titles : str
        How many items have a title.
    notes, warnings : tuple of str
        What was read as what, and what a person should look at.
    """

    source: str
    form: str
    columns: Mapping[str, str] = field(default_factory=dict)
    rivals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    times: str = ""
    order: str = ""
    kinds: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    titles: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def line(self) -> str:
        """Return all of it in one line."""
        taken = [role if column == role else f"{role} '{column}'" for role, column in self.columns.items()]
        taken = [text + self._not_taken(role) for text, role in zip(taken, self.columns, strict=True)]
        left = [f"{role}: none of {', '.join(names)}" for role, names in self.rivals.items() if role not in self.columns]
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in list(self.kinds.items())[:8])
        more = f" and {len(self.kinds) - 8} more" if len(self.kinds) > 8 else ""
        dropped = ", ".join(f"{count:,} {why}" for why, count in self.dropped.items())
        parts = [
            self.form, ", ".join(taken), *left, self.times, self.order, f"kinds {kinds}{more}" if kinds else "",
            f"dropped {dropped}" if dropped else "no row dropped", self.titles, *self.notes,
        ]  # fmt: skip
        return f"{self.source}: " + " · ".join(part for part in parts if part)

    def _not_taken(self, role: str) -> str:
        rivals = self.rivals.get(role, ())
        return f" (not {', '.join(rivals[:4])}{' …' if len(rivals) > 4 else ''})" if rivals else ""

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return asdict(self)

    def tell(self) -> ReadAs:
        """Tell the log of this process, and return it."""
        told(self.line())
        for warning in self.warnings:
            told(warning, warning=True)
        return self


def told(line: str, warning: bool = False) -> None:
    """Tell the log of this process a line."""
    if _TOLD.get():
        LOGGER.log(logging.WARNING if warning else logging.INFO, "%s", line)


@contextmanager
def untold() -> Iterator[None]:
    """Keep it from being told what the files of a named dataset are read as, whose layout is known."""
    token = _TOLD.set(False)
    try:
        yield
    finally:
        _TOLD.reset(token)


def span(events: pl.DataFrame) -> str:
    """Return the first and the last time of events in words."""
    if "timestamp" not in events.columns:
        return "no times"
    ends = [int(one) for one in (events["timestamp"].min(), events["timestamp"].max())]  # type: ignore[arg-type]  # integers
    days = by_day(events)
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=one) for one in ends]
    form = "{:%Y-%m-%d}" if days else "{:%Y-%m-%d %H:%M:%S}"
    return " to ".join(form.format(one) for one in moments) + (" by the day" if days else "")


def by_day(events: pl.DataFrame) -> bool:
    """Whether all times of events are whole days."""
    time = events["timestamp"]
    return bool((time.head(1000) % 86_400 == 0).all()) and bool((time % 86_400 == 0).all()) and "nanosecond" not in events.columns


def match_titles(events: pl.DataFrame, catalog: pl.DataFrame, where: str) -> tuple[str, tuple[str, ...]]:
    """Say how many items of a log a catalogue has, and with a title; warn where it has few, with an id of each side."""
    if catalog.is_empty():
        return "", ()
    items = events["item"].unique(maintain_order=True)
    frame = catalog.with_columns(matched(catalog["item"], items.dtype).alias("item"))
    held = pl.DataFrame({"item": items}).join(frame, on="item", how="inner")
    titled = held["title"].is_not_null().sum() if "title" in held.columns else 0
    said = f"{titled:,} of {len(items):,} items have a title"
    if held.height >= LITTLE * len(items):
        return said, ()
    other = items.filter(~items.is_in(frame["item"].drop_nulls().implode()))
    warning = (
        f"the catalogue {where} has {held.height:,} of the {len(items):,} items of the log: ids like {other[0]!r} in the log "
        f"against {catalog['item'][0]!r} in the catalogue; check that both have the same ids, or name its column with item="
    )
    return said, (warning,)
