"""Interface of file formats: columns, lazy frames, checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from reverie.errors import DataError


@dataclass(frozen=True)
class Table:
    """A file or frame that has not been read yet."""

    where: str
    columns: tuple[str, ...]
    typed: Callable[[list[str]], pl.LazyFrame]
    text: Callable[[list[str]], pl.LazyFrame] | None
    check: Callable[[], None]

    def read(self, columns: list[str]) -> pl.DataFrame:
        """Read some columns, streamed; columns whose guessed types do not hold come as text."""
        wanted = list(dict.fromkeys(columns))
        try:
            frame = _collect(self.typed(wanted))
        except pl.exceptions.PolarsError as error:
            frame = self._read_text(wanted, error)
        if frame.is_empty():
            raise DataError(f"{self.where} has no rows; check that it is the right file")
        return frame

    def _read_text(self, columns: list[str], first: pl.exceptions.PolarsError) -> pl.DataFrame:
        self.check()
        try:
            if self.text is not None:
                return _collect(self.text(columns))
        except pl.exceptions.PolarsError as error:
            first = error
        raise DataError(
            f"{self.where} cannot be read ({str(first).splitlines()[0]}); check the file or name its format="
        ) from first


def _collect(frame: pl.LazyFrame) -> pl.DataFrame:
    return frame.collect(engine="streaming")


def nothing_to_check() -> None:
    """Check a source whose rows cannot be ragged."""
