"""The dialect of a table of text: separator, quotes and header, told from a sample of its lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

ALONE = ("\t", ";", "|", ",", "\x01")
"""Separators of one character, tried after ``::`` and before blanks."""
BLANKS = " "
"""Stands for one blank or several, or tabs beside blanks."""
NAMES = {"\t": "tabs", ";": "';'", "|": "'|'", ",": "','", "\x01": "the character 1", BLANKS: "blanks"}
"""What separators are called in messages."""
ABOVE = 40
"""Lines of fewer fields that may stand above a header."""
ROWS, SAMPLE = 400, 1 << 15
"""Rows, and characters, of a text that are looked at."""
ATOMIC_HEADER = re.compile(r":(token|token_seq|float|float_seq)$")
"""Type suffix of column names in RecBole's atomic files."""
_VALUE = re.compile(r"\s*[-+]?\.?\d[\d\s.,:/+TZ-]*(e[-+]?\d+|[AP]\.?M\.?|UTC|GMT)?\s*", re.IGNORECASE)
"""A number, a date or a time."""


@dataclass(frozen=True)
class Dialect:
    """How a table of text is written.

    Parameters
    ----------
    separator : str
        Between fields.
    quote : str or None
        Around fields, where they have any.
    header : bool
        Whether the first row has the names of the columns.
    first : tuple of str
        The first row.
    width : int
        Fields of a row.
    share : float
        How many rows of the sample have that many.
    skip : int
        Lines before the first row.
    """

    separator: str
    quote: str | None
    header: bool
    first: tuple[str, ...]
    width: int
    share: float = 1.0
    skip: int = 0


def normalise_name(name: str) -> str:
    """Return a column name as it is compared: lower case, without separators and without RecBole's type."""
    return re.sub(r"[\s_\-#]", "", ATOMIC_HEADER.sub("", name.strip().rstrip("."))).lower()


def split_lines(text: str, separator: str, quote: str | None) -> list[list[str]]:
    """Return the fields of each line of a sample that is not blank."""
    if separator == BLANKS:
        return [line.split() for line in text.splitlines() if line.strip()][:ROWS]
    if len(separator) > 1:
        return [line.split(separator) for line in re.split(r"[\r\n]+", text) if line.strip()][:ROWS]
    quoting: Any = csv.QUOTE_NONE if quote is None else csv.QUOTE_MINIMAL
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote or '"', quoting=quoting)
    found: list[list[str]] = []
    try:
        for row in reader:
            found += [row] if any(field.strip() for field in row) else []
            if len(found) == ROWS:
                break
    except csv.Error:  # a field beyond the limit: no such dialect
        return found
    return found


def dialect_of(text: str, known: Collection[str], separator: str | None = None) -> Dialect | None:
    """Tell the dialect of a sample.

    Parameters
    ----------
    text : str
        Whole lines.
    known : collection of str
        Names that only a header holds, in lower case and without blanks, ``_`` and ``-``.
    separator : str, optional
        Where it is known.

    Returns
    -------
    Dialect or None
        None where the rows have nothing in common.
    """
    skip, before = 0, text
    if said := re.match(r'"?sep=(.)"?[\r\n]+', text):  # a first line that spreadsheets understand
        text, separator, skip = text[said.end() :], separator or said[1], 1
    while (note := re.match(r"(?:#[ #=-]|% ).*[\r\n]+|\s*[\r\n]+", text)) and not _names_columns(note[0], known):
        text, skip = text[note.end() :], skip + note[0].count("\n")
    if not text.strip():
        text, skip = before, 0
    text = text[: text.rfind("\n", 0, SAMPLE) + 1] or text
    best: tuple[tuple[float, ...], Dialect] | None = None
    for one in [separator] if separator else ["::", *ALONE, BLANKS]:
        quote = _quote(text, one)
        rows = _rows_of(text, one, quote)
        if not rows:
            continue
        lengths = Counter(map(len, rows))
        width = max(lengths, key=lambda length: (lengths[length], length == len(rows[0])))
        share = lengths[width] / len(rows)
        if not separator and (width < 2 or share < 0.5):
            continue
        merit = (len(one) > 1 and share > 0.9, len(rows[0]) == width, one != BLANKS, round(share, 1), width)
        if best is None or merit > best[0]:
            if len(rows[0]) < width and (at := _header_below(text, one, quote, width, known)):
                return _moved(dialect_of("\n".join(text.split("\n")[at:]), known, one), skip + at)
            header = is_header([row for row in rows if len(row) in (width, len(rows[0]))], known)
            best = merit, Dialect(one, quote, header, tuple(rows[0]), width, share, skip)
    if best is None and (rows := split_lines(text, "\x01", None)) and all(len(row[0].split()) == 1 for row in rows):
        first, below = rows[0][0], [row[0] for row in rows[1:]]
        named = normalise_name(first) in known or (below and all(map(_VALUE.fullmatch, below)) and not _VALUE.fullmatch(first))
        return Dialect(",", None, True, (first,), 1, 1.0, skip) if named else None
    if best is None or separator or best[1].quote or best[1].separator not in (",", ";", "|"):
        return None if best is None else best[1]
    rows = split_lines(text, best[1].separator, None)  # a blank behind every separator belongs to it
    spaced = all(field[:1] == " " for row in rows for field in row[1:])
    return dialect_of(before, known, f"{best[1].separator} ") if spaced else best[1]


def is_header(rows: Sequence[Sequence[str]], known: Collection[str]) -> bool:
    """Whether the first row names the columns: it has a known name, or text where all rows below have numbers or dates."""
    first, below = rows[0], rows[1:]
    if sum(bool(field.strip()) for field in first) < 2:
        return False
    named = sum(normalise_name(field.strip().rstrip(".").rpartition(".")[2]) in known for field in first)
    votes = 2 * named if named > 1 or not any(map(_VALUE.fullmatch, first)) else 0
    for at, field in enumerate(first):
        values = [row[at] for row in below if at < len(row) and row[at].strip()]
        if values and sum(_VALUE.fullmatch(value) is not None for value in values) >= 0.9 * len(values):
            votes += -1 if _VALUE.fullmatch(field) else 1
        elif _VALUE.fullmatch(field):
            votes -= 1
    return votes > 0


def _rows_of(text: str, separator: str, quote: str | None) -> list[list[str]]:
    """Return the rows of a sample; where quotes may stand behind a backslash, those that agree more on a number of fields."""
    rows = split_lines(text, separator, quote)
    if quote is None or '\\"' not in text:
        return rows
    plain = re.sub(r'\\([\\"])', lambda found: '""' if found[1] == '"' else "\\", text)
    return max((rows, split_lines(plain, separator, quote)), key=_agreement)


def _agreement(rows: list[list[str]]) -> float:
    return max(Counter(map(len, rows)).values(), default=0) / max(len(rows), 1)


def _header_below(text: str, separator: str, quote: str | None, width: int, known: Collection[str]) -> int:
    """Return how many lines of fewer fields stand above a header; 0 where none is one."""
    lines = text.split("\n")
    for at, line in enumerate(lines[:ABOVE]):
        fields = split_lines(line, separator, quote)
        if fields and len(fields[0]) >= width:
            below = split_lines("\n".join(lines[at:]), separator, quote)
            return at if is_header([row for row in below if len(row) == len(fields[0])], known) else 0
    return 0


def _moved(found: Dialect | None, lines: int) -> Dialect | None:
    return None if found is None else replace(found, skip=found.skip + lines)


def _names_columns(line: str, known: Collection[str]) -> bool:
    """Whether a line holds a name that only a header has."""
    return any(normalise_name(word) in known for word in re.split(r"[\t;|,\x01]|::|\s+", line))


def _quote(text: str, separator: str) -> str | None:
    """Return the sign around fields; among tabs a quote is one only where it stands around all values of some column."""
    rows = split_lines(text, separator, None)
    if rows and len(separator) == 1 and all(re.fullmatch(r"'.*'", field) for field in rows[0]):
        return "'"
    if '"' not in text or len(separator) > 1 or separator == BLANKS:
        return None
    if separator != "\t":
        return '"'
    columns = [[row[at] for row in rows if at < len(row) and row[at]] for at in range(len(rows[0]) if rows else 0)]
    return '"' if any(column and all(re.fullmatch(r'".*"', value) for value in column) for column in columns) else None
