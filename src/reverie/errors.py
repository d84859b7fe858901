"""Errors a person can cause: each is one sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from reverie.printing import clipped


class ReverieError(Exception):
    """Base of all errors that a user can cause; the command line prints the message and exits with code 2."""


class DataError(ReverieError):
    """A file, a frame or a dataset cannot be used as it is."""


class ConfigError(ReverieError):
    """An option, a recipe or a name is not valid."""


class UnknownRecipe(ConfigError):
    """No recipe of a room has the name that was asked for."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class RunError(ReverieError):
    """A run folder, a checkpoint or a stored model cannot be used as it is."""


class NotFinite(ValueError):
    """Scores that are NaN or infinite where a loss needs numbers; in training a sign of a rate that is too large."""


def short(text: str, width: int = 100) -> str:
    """Return a text on one line, control characters written out and its middle left out where it is long."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in clipped(text, width))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name closest to `name`, or an empty string."""
    folded = {_folded(str(one)): str(one) for one in known}
    found = difflib.get_close_matches(_folded(str(name)), folded, n=1, cutoff=0.5)
    return f" (did you mean '{folded[found[0]]}'?)" if found else ""


def _folded(name: str) -> str:
    """Return a name without case, ``-``, ``_`` and blanks, which people write in other ways."""
    return re.sub(r"[-_ ]", "", name).casefold()


def unknown(kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """Return the error for a name that is not in a list of known names."""
    names = sorted(str(k) for k in known)
    return ConfigError(f"unknown {kind} '{name}'{nearest(name, names)}; known: {', '.join(names)}")
