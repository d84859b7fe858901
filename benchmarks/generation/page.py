"""From ``results/generation.csv`` to ``docs/results/generation.md`` and its plot; no measured number is typed by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from generation.measure import CHOSEN
from generation.plan import SHARE
from reverie.files import append_csv, write_text
from reverie.study.rows import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
STORE, TABLE = ROOT / "runs" / "generation", ROOT / "results" / "generation.csv"
PAGE = ROOT / "docs" / "results" / "generation.md"
TEMPLATE = Path(__file__).with_name("template.md")
EXTRA = ("list_length", "method")
"""Columns after the common ones: the length of the lists (empty for likelihoods), and how they were made."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Results:
    """What one dataset gave.

    Parameters
    ----------
    rows : list of dict
        Its rows of the table.
    """

    rows: list[Row]

    @property
    def name(self) -> str:
        """The dataset."""
        return str(self.rows[0]["dataset"])

    @property
    def share(self) -> str:
        """Which users took part, in words; nothing where all did."""
        share = SHARE.get(str(self.rows[0]["dataset"]))
        return f" ({share:.0%} of all, drawn with seed 0)" if share is not None else ""

    @property
    def protocol(self) -> str:
        """How it was cut."""
        return str(self.rows[0]["protocol"])

    @cached_property
    def lengths(self) -> list[int]:
        """Lengths of the lists."""
        return sorted({row["list_length"] for row in self.rows if row["list_length"] is not None})

    def lists(self, k: int) -> list[tuple[str, str, dict[str, Row]]]:
        """Return model, method and the rows by metric, of the lists of one length.

        Parameters
        ----------
        k : int
            Length; 0 for the likelihoods.

        Returns
        -------
        list of (str, str, dict)
            In the order of the table.
        """
        found: dict[tuple[str, str], dict[str, Row]] = {}
        for row in self.rows:
            if (row["list_length"] or 0) == k:
                found.setdefault((row["model"], row["method"]), {})[row["metric"]] = row
        return [(*key, metrics) for key, metrics in found.items()]

    def likelihoods(self) -> list[tuple[str, str, dict[str, Row]]]:
        """Return model, method and the rows by metric, of the likelihoods."""
        return self.lists(0)

    def differences(self, k: int) -> tuple[str, list[tuple[str, Row]]]:
        """Return how the union of draws with everything chosen on validation stands against the others.

        Parameters
        ----------
        k : int
            Length of the lists.

        Returns
        -------
        (str, list of (str, dict))
            Its method; the name of another, and the row of the paired difference.
        """
        method, metrics = next((method, metrics) for _, method, metrics in self.lists(k) if CHOSEN in method)
        return method, [(name.partition(" minus ")[2], row) for name, row in metrics.items() if " minus " in name]


def write_table(path: Path, rows: list[Row]) -> None:
    """Put the rows of some datasets in the place of what the table has of them.

    Parameters
    ----------
    path : Path
        A CSV file, made where it is missing.
    rows : list of dict
        With the columns of results tables and `EXTRA`.
    """
    new = {row["dataset"] for row in rows}
    before = pl.read_csv(path, infer_schema=False).to_dicts() if path.exists() else []
    path.unlink(missing_ok=True)
    append_csv(path, (*COLUMNS, *EXTRA), [row for row in before if row["dataset"] not in new] + rows)


def read_table(path: Path) -> list[Results]:
    """Read the table.

    Parameters
    ----------
    path : Path
        A CSV file; may be missing.

    Returns
    -------
    list of Results
        One per dataset, none where there is no table.
    """
    if not path.exists():
        return []
    text = {"commit": pl.String, "interval": pl.String, "list_length": pl.Int64, "best_epoch": pl.Int64}
    table = pl.read_csv(path, schema_overrides=text | {name: pl.Float64 for name in ("value", "low", "high")})
    return [Results(part.to_dicts()) for part in table.partition_by("dataset", maintain_order=True)]


def write_page(table: Path, page: Path) -> None:
    """Write the page, and its plot in the folder ``figures`` beside its own where there is something to draw.

    Parameters
    ----------
    table, page : Path
        CSV in, Markdown out.
    """
    results = read_table(table)
    if results:
        from generation.plot import draw

        draw(page.parents[1] / "figures" / f"{page.stem}.svg", results)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701  # Markdown
    environment.filters |= {"number": number, "signed": signed, "interval": interval, "label": label, "verdict": verdict}
    text = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(results=results)
    write_text(page, re.sub(r"\n{3,}", "\n\n", text))


def label(method: str) -> str:
    """Return a method with Greek letters and its settings in brackets."""
    name, _, settings = method.partition(": ")
    for word, sign in (("lambda=", "λ = "), ("eta=", "η = "), ("steps=", "steps = "), (" w=", ", w = "), (" η", ", η")):
        settings = settings.replace(word, sign)
    return f"{name} ({settings})" if settings else name


def verdict(row: Row) -> str:
    """Return what the interval of a difference says."""
    return "more" if row["low"] > 0 else "less" if row["high"] < 0 else "no measurable difference"


def number(row: Row, digits: int = 4) -> str:
    """Return the value of a row."""
    return f"{row['value']:.{digits}f}".replace("-", "−")


def interval(row: Row, digits: int = 4) -> str:
    """Return the interval of a row."""
    return f"[{row['low']:.{digits}f}, {row['high']:.{digits}f}]".replace("-", "−")


def signed(row: Row, digits: int = 4) -> str:
    """Return a difference with its interval."""
    value, low, high = (f"{row[end]:+.{digits}f}".replace("-", "−") for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
