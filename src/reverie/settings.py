"""YAML files of options, and changes of them by dotted keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from reverie.errors import ConfigError

Settings = dict[str, Any]
"""Dotted keys and their values, e.g. ``{"training.epochs": 60}``; a value takes the place of all that was there."""


def read_yaml(path: Path) -> Any:
    """Read a YAML file of plain values.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    object
        What it holds.

    Raises
    ------
    ConfigError
        If it is not YAML or not UTF-8; the sentence says where.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: not valid YAML ({getattr(error, 'problem', error)})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def put(values: Mapping[str, Any], key: str, value: Any, where: str) -> dict[str, Any]:
    """Return nested mappings with one key changed.

    Parameters
    ----------
    values : mapping
        Stays as it is.
    key : str
        Dotted; missing levels are made.
    value : object
        What to put there, in the place of all that was there.
    where : str
        For messages.

    Returns
    -------
    dict
        A copy along the key.

    Raises
    ------
    ConfigError
        If a level above the last holds a value.
    """
    first, _, rest = key.partition(".")
    if not rest:
        return {**values, first: value}
    below = values.get(first) or {}
    if not isinstance(below, Mapping):
        raise ConfigError(f"{where}: '{first}' holds a value, not options; name an existing key")
    return {**values, first: put(below, rest, value, where)}


def overridden(values: Any, override: str, example: str) -> Any:
    """Return values with one ``--set`` of the command line.

    Parameters
    ----------
    values : object
        Nested mappings, as YAML gives them.
    override : str
        ``key.key=value``; the value is YAML.
    example : str
        A setting that would be right, for messages.

    Returns
    -------
    dict
        A copy along the key.

    Raises
    ------
    ConfigError
        If there is no ``=``, the value is not YAML, or the key does not fit.
    """
    key, sign, text = override.partition("=")
    if not sign or not key or not isinstance(values, Mapping):
        raise ConfigError(f"--set takes key=value, e.g. {example}, not '{override}'")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override}: '{text}' is not a YAML value; quote text and close brackets") from None
    return put(values, key, value, f"--set {override}")
