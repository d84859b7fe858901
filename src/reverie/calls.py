"""What a call was given, checked: something else ends in one sentence that names the right call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.queries import Queries
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.errors import ConfigError, DataError, short

CUT = "cut it first: split = rv.leave_one_out(dataset)"


def named(value: object) -> str:
    """Return what to call a value in an error: a class, or a short text."""
    if isinstance(value, str | int | float | bool | list | tuple | dict | None):
        return short(repr(value), 60)
    return f"a {type(value).__name__}"


def plain_list(value: Any) -> Any:
    """Return a series or an array of another package, a set, or rows of a matrix as a list; anything else as it is."""
    if isinstance(value, np.ndarray):
        return list(value) if value.ndim == 2 else value
    if isinstance(value, Set):
        return list(value)
    if isinstance(value, str | bytes | Sequence | Mapping | pl.Series) or getattr(value, "ndim", None) != 1:
        return value
    return np.asarray(value).tolist()


def require_method(model: Any, method: str, instead: str) -> None:
    """Refuse a model that lacks a method that a call needs; `instead` says which call does without."""
    if not callable(getattr(model, method, None)):
        raise ConfigError(f"model '{model.card.name}' has no {method}, which this call needs; {instead}")


def require_model(model: Any, call: str) -> None:
    """Refuse data where a model is due: the arguments are swapped."""
    if isinstance(model, Split | Queries | Dataset | Sequences):
        raise ConfigError(f"{named(model)} stands where the model is due, which comes first: {call}")


def require_split(split: Any, call: str) -> None:
    """Refuse what is no split."""
    if isinstance(split, Dataset):
        raise ConfigError(f"a Dataset has no test to hold back; {CUT}, then {call}")
    if isinstance(split, list | tuple | Iterator) or callable(getattr(split, "__next__", None)):
        raise ConfigError(
            f"{named(split)} stands where one split is due; take one of them, or all: rv.cross_validate(models, splits)"
        )
    if hasattr(split, "columns") and hasattr(split, "shape"):
        raise ConfigError(
            f"{named(split)} holds events, not a split; write split = rv.leave_one_out(rv.read_events(frame)), then {call}"
        )
    if not isinstance(split, Split):
        raise ConfigError(f"{named(split)} stands where a split is due; give all of it: {call}")


def require_valid(split: Split, call: str) -> None:
    """Refuse a split without validation queries where a call chooses by them."""
    if not len(split.valid):
        remedy = "give some events to choose by, rv.given(train, valid=others, test=test), or choose nothing"
        raise DataError(f"the split '{split.protocol}' has no validation queries; {remedy}: {call}")


def require_queries(queries: Any) -> None:
    """Refuse what cannot be asked."""
    if isinstance(queries, Split):
        raise ConfigError("a Split has two parts to measure on; give split.test, or split.valid to choose by")
    if isinstance(queries, Dataset):
        raise ConfigError(f"a Dataset has nothing held out; {CUT}, then rv.evaluate(model, split.test)")
    if not isinstance(queries, Queries):
        raise ConfigError(f"{named(queries)} stands where queries are due; give split.test, or split.valid to choose by")


def require_training_events(train: Any) -> None:
    """Refuse what holds no training events."""
    if train is not None and not isinstance(train, Sequences):
        raise ConfigError(f"train={named(train)} holds no training events; give split.train")


_EXAMPLES = {"k": 10}


def require_count(value: Any, name: str = "k") -> None:
    """Refuse what is no whole number above 0."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        meant = (isinstance(value, float) and value.is_integer()) or (isinstance(value, str) and value.isdecimal())
        example = (
            max(1, int(value)) if meant else len(value) if isinstance(value, list | tuple) and value else _EXAMPLES.get(name, 3)
        )
        raise ConfigError(f"{name}={named(value)} is no whole number; write {name}={example}")
    if value < 1:
        raise ConfigError(f"{name}={value} {'recommends nothing' if name == 'k' else 'is too few'}; ask for 1 or more")
