"""Usual names of columns, and layouts of public logs, as the package's YAML files have them; what a person says of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from reverie.errors import ConfigError, nearest, unknown
from reverie.plain_yaml import read_yaml

Names = Mapping[str, tuple[str, ...]]


_NAMES: dict[str, Names] = {
    part: {role: tuple(names) for role, names in roles.items()}
    for part, roles in read_yaml(Path(__file__).with_name("names.yaml")).items()
}
EVENT_NAMES = _NAMES["events"]
"""Usual column names of an event log, the likeliest first; compared without case, spaces, ``_`` and ``-``."""
FEEDBACK_NAMES = _NAMES["feedback"]
"""Usual names of the columns that are read only where they are asked for."""
HINTS = _NAMES["hints"]
"""Words and endings of names of times, and parts of names of other moments than that of an event."""
CATALOG_NAMES: Names = {**_NAMES["catalog"], "item": (*EVENT_NAMES["item"], *_NAMES["catalog"]["item"])}
"""Usual column names of a catalogue."""
_OF_HEADERS = ("user", "item", "timestamp", "rating", "title")
HEADER_NAMES = frozenset(name for part in (EVENT_NAMES, CATALOG_NAMES) for role in _OF_HEADERS for name in part.get(role, ()))
"""Names by which a header is known."""
ROLES = (*EVENT_NAMES, *FEEDBACK_NAMES, "categories", "text")
SKIPPED = "-"
"""Stands in ``columns`` for a field that is not read."""


@dataclass(frozen=True)
class FileOptions:
    """What a person says of a file; None is told by its content.

    Parameters
    ----------
    format : str, optional
        A name of `reverie.data.readers.formats.FORMATS`.
    columns : str or sequence of str, optional
        Role of each field of a row, ``-`` where it is not read.
    separator, encoding : str, optional
        Of a table of text.
    day_first : bool, optional
        How dates such as 03/04/2024 are meant.
    names : tuple of str
        Columns that somebody named, which tell a header.
    """

    format: str | None = None
    columns: str | Sequence[str] | None = None
    separator: str | None = None
    encoding: str | None = None
    day_first: bool | None = None
    names: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[str, ...] | None:
        """Roles of the fields; None where nobody said them."""
        if self.columns is None:
            return None
        parts = self.columns.split(",") if isinstance(self.columns, str) else list(self.columns)
        roles = tuple(str(part).strip() for part in parts)
        for role in roles:
            if role != SKIPPED and role not in ROLES:
                raise ConfigError(
                    f"'{role}' is no role of a column{nearest(role, ROLES)}; columns= takes {', '.join(ROLES)}, and '-' for a "
                    "field that is not read"
                )
            if role != SKIPPED and roles.count(role) > 1:
                raise ConfigError(f"columns= gives the role '{role}' to two fields; write '-' for the one that is not read")
        return roles


def file_options(said: Mapping[str, Any]) -> FileOptions:
    """Return what keywords of `read_events` say of the file itself, and not of its columns."""
    keys = {field.name for field in fields(FileOptions)}
    options = FileOptions(**{key: value for key, value in said.items() if key in keys})
    return with_layout(said.get("layout"), options, {})[0]


@cache
def layouts() -> dict[str, dict[str, Any]]:
    """Return the layouts that have a name."""
    found: dict[str, dict[str, Any]] = read_yaml(Path(__file__).with_name("layouts.yaml"))
    return found


def with_layout(
    name: str | None, options: FileOptions, chosen: Mapping[str, str | None]
) -> tuple[FileOptions, dict[str, str | None], FileOptions]:
    """Put what a layout says under what a person says: of the log, of the columns by role, and of the catalogue."""
    if name is None:
        return options, dict(chosen), FileOptions()
    if name not in layouts():
        raise unknown("layout", name, layouts())
    if options.columns is not None:
        raise ConfigError(f"layout={name} says what the fields are, and so does columns=; leave one of them out")
    said = layouts()[name]
    keys = {field.name for field in fields(FileOptions)}
    given = {key: value for key, value in said.items() if key in keys and getattr(options, key) is None}
    columns = {role: column or said.get(role) for role, column in chosen.items()}
    return replace(options, **given), columns, FileOptions(**said.get("catalog", {}))


_PLAIN = re.compile(r"[^{}\[\]<>=]{0,200}")
"""What fields of other roles look like: no JSON, no markup, no key=value."""
_LOOKS = {
    "timestamp": re.compile(r"\d{8,}(\.\d+)?|\d{1,4}[-/.]\d\d?[-/.]\d+.*|[A-Z][a-z]{2} .*\d{4}"),
    "kind": re.compile(r"[A-Za-z_]{2,}"), "rating": re.compile(r"\d{1,3}(\.\d+)?"),
}  # fmt: skip


def usual_layouts(row: Sequence[str], separator: str) -> list[str]:
    """Return the layouts without a header that a first row fits."""
    found = []
    for name, said in layouts().items():
        roles = said.get("columns", "").split(",")
        if "format" in said or "columns" not in said or len(roles) != len(row) or said.get("separator", separator) != separator:
            continue
        pairs = zip(roles, row, strict=True)
        if all(_LOOKS.get(role, _PLAIN).fullmatch(field.strip()) for role, field in pairs):
            found.append(name)
    return sorted(found, key=lambda name: "separator" not in layouts()[name])
