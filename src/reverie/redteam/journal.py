"""The log of an attack on disk: one line an answer, each chained to the line before, so that a killed attack can go on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reverie.documents import read_json, regular
from reverie.errors import ReverieError, RunError
from reverie.files import write_text

Line = dict[str, Any]
_DIGITS = 24
"""Hexadecimal digits of a link of the chain."""


def canonical(values: Mapping[str, Any]) -> str:
    """Return plain values as the one JSON text that stands for them."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def link(before: str, values: Mapping[str, Any]) -> str:
    """Return the digest of a line that follows a digest."""
    return hashlib.sha256(f"{before}\n{canonical(values)}".encode()).hexdigest()[:_DIGITS]


def append_line(path: Path, data: bytes) -> None:
    """Append bytes to a file in one write."""
    try:
        with path.open("ab", buffering=0) as handle:
            handle.write(data)
    except OSError as error:
        raise ReverieError(f"cannot write {path}: {error.strerror}; free some space and run again") from error


class Journal:
    """Lines of one attack: a header, then answers in pieces that are written at once, then an end.

    Parameters
    ----------
    path : Path
        Of the file; a new one begins with the header.
    header : mapping
        What the attack depends on; a file of another attack is refused.

    Raises
    ------
    RunError
        If the file belongs to another attack, or was changed after it was written.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path, self.header = path, {"kind": "header", **header}
        lines, size = read_lines(path) if path.exists() else ([], 0)
        self._chain = ""
        self._waiting: list[Line] = []
        if not lines:
            write_text(path, "")
            self._append([self.header])
            return
        stored = {name: value for name, value in lines[0].items() if name != "chain"}
        if stored != json.loads(canonical(self.header)):
            other = sorted(name for name in {*stored, *self.header} if stored.get(name) != self.header.get(name))
            raise RunError(f"{path} holds another attack (other {', '.join(other)}); choose another folder, or delete it")
        if size != path.stat().st_size:
            os.truncate(path, size)
        self._waiting, self._chain = lines[1:], lines[-1]["chain"]

    @property
    def end(self) -> Line | None:
        """The last line of a finished attack."""
        return self._waiting[-1] if self._waiting and self._waiting[-1]["kind"] == "end" else None

    def take(self, n: int) -> list[Line] | None:
        """Return the next `n` lines of before, or None where there are no more."""
        if not self._waiting:
            return None
        taken, self._waiting = self._waiting[:n], self._waiting[n:]
        return taken

    def add(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Append the lines of a piece in one write."""
        self._append(lines)

    def _append(self, lines: Sequence[Mapping[str, Any]]) -> None:
        text = ""
        for values in lines:
            self._chain = link(self._chain, values)
            text += canonical({**values, "chain": self._chain}) + "\n"
        append_line(self.path, text.encode())


def read_lines(path: Path) -> tuple[list[Line], int]:
    """Return the lines of whole pieces and their size in bytes; what a killed process left behind them is left out."""
    lines: list[Line] = []
    chain, at, size, kept = "", 0, 0, 0
    for number, data in enumerate(regular(path).read_bytes().split(b"\n")[:-1], 1):
        where = Path(f"{path}, line {number}")
        line = read_json(where, data)
        values = {name: value for name, value in line.items() if name != "chain"} if isinstance(line, dict) else {}
        chain = link(chain, values)
        if not isinstance(line, dict) or line.get("chain") != chain or (number == 1) != (line.get("kind") == "header"):
            raise RunError(f"{where} was changed after it was written; delete {path} and run again")
        lines.append(line)
        at += len(data) + 1
        if line.get("last", True):
            size, kept = at, number
    return lines[:kept], size
