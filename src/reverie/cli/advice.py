"""Advice of errors in the words of the command that was given: ``user=`` becomes ``--user``, or a key of the recipe."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from reverie.cli.log_options import OPTIONS

_KEYWORD = re.compile(rf"(?<!in Python with )(?<![\w.\-])({'|'.join(OPTIONS)})=(\S*?)(?=[;:,.)]*(?:\s|$))")

_PLACES = {"simulate": "", "interpret": "recommender.dataset.", "explain": "recommender.dataset."}
"""Where recipes of some verbs have the keys of the log."""
_OTHERWISE = {"explain": {"--user"}}
"""Options of some verbs that are called like one of a log and mean something else."""


def in_flags(message: str, command: Any, words: Sequence[str]) -> str:
    """Return a message with keywords of Python as options of a command of typer, or as what its user can do instead."""
    flags = set(_flags(command, words)) - _OTHERWISE.get(words[0] if words else "", set())

    def flag(found: re.Match[str]) -> str:
        name, value = found[1], found[2].strip("'")
        option = f"--{name.replace('_', '-')}"
        if name == "day_first":
            option, value = ("--month-first" if value == "False" else "--day-first"), ""
        key = {"reward": "rewards", "catalog": "catalog"}.get(name, name)
        if option in flags:
            return f"{option} {value}".strip()
        if "--set" in flags:
            place = _PLACES.get(words[0], "dataset.")
            return f"--set {place}{key}={found[2] or '…'}"
        return f"{option} {value}".strip() + " of 'reverie data convert'"

    return _KEYWORD.sub(flag, message)


def _flags(command: Any, words: Sequence[str]) -> Collection[str]:
    """Return the options of the command that words name."""
    for word in words:
        inner = getattr(command, "commands", {}).get(word)
        if inner is not None:
            command = inner
    return {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
