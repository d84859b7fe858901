"""YAML files of options, and changes of them by dotted keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from reverie.errors import ConfigError

Settings = dict[str, Any]
"""Dotted keys and their values, e.g. ``{"training.epochs": 60}``; a value takes the place of all that was there."""


def read_yaml(path: Path) -> Any:
    """Read a YAML file of plain values."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: not valid YAML ({getattr(error, 'problem', error)})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


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
    if not sign or not key or not isinstance(values, Mapping):
        raise ConfigError(f"--set takes key=value, e.g. {example}, not '{override}'")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override}: '{text}' is not a YAML value; quote text and close brackets") from None
    return put(values, key, value, f"--set {override}")


def as_yaml(values: Mapping[str, Any]) -> str:
    """Return plain values as people read YAML: in their order, in wide lines."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=120)
