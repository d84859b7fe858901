"""A check of what a way to split is called with: a dataset or a split, and options of their types."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.errors import ConfigError, nearest, short

F = TypeVar("F", bound=Callable[..., Any])
_WORDS: dict[Any, tuple[str, tuple[type, ...]]] = {
    int: ("a whole number", (int, np.integer)), float: ("a number", (int, float, np.integer, np.floating)),
}  # fmt: skip


def checks_options(split: F) -> F:
    """Refuse what is no dataset or split, and options that are not of their types, in one sentence, before anything is cut."""
    signature = inspect.signature(split)

    @functools.wraps(split)
    def checked(*given: Any, **named: Any) -> Any:
        hints = get_type_hints(split)
        what = f"'{getattr(split, '__name__', 'split')}'"
        for name in named.keys() - signature.parameters.keys():
            known = [one for one in signature.parameters if one != "dataset"]
            raise ConfigError(f"{what} has no option '{name}'{nearest(name, known)}; known: {', '.join(known)}")
        try:
            bound = signature.bind(*given, **named)
        except TypeError as error:
            raise ConfigError(f"{what}: {error}; write rv.{what[1:-1]}(dataset, …)") from None
        for name, value in bound.arguments.items():
            _check(what, name, value, hints[name])
        return split(*given, **named)

    return cast("F", checked)


def _check(what: str, name: str, value: Any, hint: Any) -> None:
    """Refuse a value that no member of its hint takes; hints of other kinds are left to the function."""
    if hint is Dataset:
        if not isinstance(value, Dataset):
            remedy = (
                "rv.read_events(frame)" if hasattr(value, "shape") else "rv.load_dataset('ml-100k') or rv.read_events('log.csv')"
            )
            raise ConfigError(f"{what} cuts a dataset, not a {type(value).__name__}; give {remedy}")
        return
    if hint is Split:
        if not isinstance(value, Split):
            raise ConfigError(f"{what} takes a split, not a {type(value).__name__}; give one, as of rv.leave_one_out(dataset)")
        return
    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if any(member in (Any, type(None)) and value is None for member in members):
        return
    if get_origin(hint) is Literal:
        known = get_args(hint)
        if value not in known:
            near, names = nearest(str(value), known), ", ".join(map(repr, known))
            raise ConfigError(f"{what}: {name}={short(repr(value))} is not known{near}; use one of {names}")
        return
    numbers = [_WORDS[member] for member in members if member in _WORDS]
    if len(numbers) != sum(member is not type(None) for member in members):
        return
    if isinstance(value, bool | np.bool_) or not any(isinstance(value, kinds) for _, kinds in numbers):
        raise ConfigError(f"{what}: {name}={short(repr(value))} is not {numbers[0][0]}; write one")
