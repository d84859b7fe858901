"""YAML files of options, and changes of them by dotted keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reverie.errors import ConfigError, short
from reverie.plain_yaml import DEEPEST, dump_yaml, parse_yaml

Settings = dict[str, Any]
"""Dotted keys and their values, e.g. ``{"training.epochs": 60}``; a value takes the place of all that was there."""


def put(values: Mapping[str, Any], key: str, value: Any, where: str) -> dict[str, Any]:
    """Return nested mappings with one key changed."""
    first, _, rest = key.partition(".")
    if not rest:
        return {**values, first: value}
    below = values.get(first) or {}
    if not isinstance(below, Mapping):
        raise ConfigError(f"{where}: '{first}' holds a value, not options; name an existing key")
    return {**values, first: put(below, rest, value, where)}


def without(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return nested mappings without some dotted keys."""
    kept = dict(values)
    for key in keys:
        first, _, rest = key.partition(".")
        below = kept.get(first)
        if rest and isinstance(below, Mapping):
            kept[first] = without(below, [rest])
        elif not rest:
            kept.pop(first, None)
    return kept


def overridden(values: Any, override: str, example: str) -> Any:
    """Return values with one ``--set`` of the command line."""
    key, sign, text = override.partition("=")
    if not sign or not key or not isinstance(values, Mapping) or key.count(".") > DEEPEST:
        raise ConfigError(f"--set takes key=value, e.g. {example}, not '{short(override)}'")
    where = f"--set {short(override)}"
    return put(values, key, parse_yaml(text, where, lines=False), where)


def as_yaml(values: Mapping[str, Any]) -> str:
    """Return plain values as people read YAML: in their order, in wide lines."""
    return dump_yaml(dict(values))
