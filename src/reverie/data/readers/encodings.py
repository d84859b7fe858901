"""Encodings of text: told by a byte-order mark or by zero bytes, and brought to UTF-8 beside the temporary files."""

from __future__ import annotations

import codecs
from pathlib import Path

from reverie.errors import ConfigError, DataError, short

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def encoding_of(head: bytes, asked: str | None) -> str:
    """Return the encoding of a file: that of its first bytes, else the one that is asked for, else UTF-8.

    A file beyond ASCII that is UTF-8 is read so whatever was asked for: a log and its catalogue may differ.
    """
    asked = None if asked is None else known_encoding(asked)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    if asked is not None:
        return "utf-8" if not head.isascii() and _is_utf8(head) else asked
    start = head[:1000]
    if b"\0" not in start:
        return "utf-8"
    at_odd, at_even = start[1::2].count(0), start[::2].count(0)
    if max(at_odd, at_even) > 0.3 * len(start):  # every second byte of Latin text
        return "utf-16-le" if at_odd > at_even else "utf-16-be"
    return "utf-8"


def _is_utf8(head: bytes) -> bool:
    """Whether bytes are UTF-8, the last character perhaps cut; other text beyond ASCII never is."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def known_encoding(name: str) -> str:
    """Return the name of an encoding as Python has it."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        raise ConfigError(
            f"unknown encoding '{short(name)}'; give for instance encoding=latin-1, utf-8, utf-16 or cp1252"
        ) from None
    if not getattr(found, "_is_text_encoding", True):
        raise ConfigError(f"'{short(name)}' is no encoding of text; give for instance encoding=latin-1, utf-8, utf-16 or cp1252")
    return found.name


def to_utf8(path: Path, encoding: str, folder: Path, where: str) -> Path:
    """Write a file anew in UTF-8, without a byte-order mark, and return its path."""
    target, number = folder / path.name, 0
    try:
        with path.open(encoding=encoding, newline="") as source, target.open("w", encoding="utf-8", newline="") as sink:
            piece = source.read(1 << 20).removeprefix("\ufeff")
            while piece:
                number += piece.count("\n")
                sink.write(piece)
                piece = source.read(1 << 20)
    except UnicodeError as error:
        reason = getattr(error, "reason", str(error))
        raise DataError(f"{where} is not {encoding} behind line {number + 1} ({reason}); give another with encoding=") from None
    return target
