"""Texts from outside on a terminal: titles, ids and names as they are, but nothing that a terminal would obey."""

from __future__ import annotations

import re

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def printable(text: str, lines: bool = False) -> str:
    """Return a text without control characters, escape sequences and marks of writing direction.

    Parameters
    ----------
    text : str
        Perhaps from a file of somebody else.
    lines : bool
        Whether line breaks are kept; else they become blanks, as tabs do.

    Returns
    -------
    str
        What is no character of Unicode (a byte of a path that is not UTF-8) is shown as U+FFFD.
    """
    if lines:
        return "\n".join(map(printable, text.split("\n")))
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", _BREAKS.sub(" ", text)))


def clipped(text: str, width: int) -> str:
    """Return a text, its middle left out where it has more than `width` characters."""
    return text if len(text) <= width else f"{text[: width // 2]} … {text[-width // 4 :]}"


def escaped_json(text: str) -> str:
    """Return JSON with those characters escaped that JSON lets stand and `printable` does not, but for line breaks."""
    shown = rf"(?!\n)(?:{_CONTROLS.pattern}|{_SURROGATES.pattern}|[\u2028\u2029])"
    return re.sub(shown, lambda found: f"\\u{ord(found[0]):04x}", text)
