"""The rows of a ``*-claims.csv`` as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, p_value, span


def claim_table(
    rows: Sequence[Mapping[str, str]], data: str = "dataset", *, digits: int = 3, ends: Sequence[str] = ("seeds",)
) -> Table:
    """Return comparisons with their intervals and corrected p values.

    Parameters
    ----------
    rows : sequence of mapping
        Of a claims table, see `reverie.evaluation.effects.read_claims`.
    data : str
        Head of the column that says what was compared on.
    digits : int
        After the point.
    ends : sequence of str
        The last columns: ``seeds``, ``n`` or ``detectable``.
    """
    columns: list[str | Column] = [data, "first", "other", "question", "metric"]
    columns += [Column(head, "right") for head in ("difference", "p (Holm)", *ends)]
    return Table("", columns, [_cells(row, digits, ends) for row in rows])


def _cells(row: Mapping[str, str], digits: int, ends: Sequence[str]) -> list[str | TableCell]:
    interval = span(_number(row["low"]), _number(row["high"]), digits)
    last = [number(_number(row[end]), digits) if end == "detectable" else row[end] for end in ends]
    return [
        *(row[key] for key in ("dataset", "first", "other", "why", "metric")),
        TableCell(number(float(row["difference"]), digits), interval),
        p_value(float(row["p_holm"])) if row["p_holm"] else "", *last,
    ]  # fmt: skip


def _number(text: str) -> float | None:
    return float(text) if text else None
