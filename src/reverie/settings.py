"""YAML files of options, and changes of them by dotted keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, TypeVar

import yaml

from reverie.errors import ConfigError, nearest

T = TypeVar("T")
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


def packaged_files(package: str, folder: str = "recipes") -> dict[str, Path]:
    """Return the YAML files that a package carries."""
    return {path.stem: path for path in sorted(Path(str(resources.files(package) / folder)).glob("*.yaml"))}


def read_named(name_or_path: str, known: Mapping[str, Path], kind: str, listing: str) -> tuple[Any, str]:
    """Read a YAML file that is given by the name of a packaged one, or by its path."""
    path = known.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        near = nearest(name_or_path, known)
        raise ConfigError(f"no {kind} '{name_or_path}'{near}; see '{listing}', or give a YAML file")
    return read_yaml(path), name_or_path if name_or_path in known else str(path)


class Shortens(Protocol):
    """A recipe that says how it is shortened."""

    @property
    def name(self) -> str:
        """Of the recipe."""
        ...

    @property
    def smoke(self) -> Settings:
        """Changes by dotted key."""
        ...


def shortened(recipe: Shortens, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the short form of a recipe, which shows nothing but that it runs."""
    short = dict(values)
    for key, value in recipe.smoke.items():
        short = put(short, key, value, f"{where}, smoke, {key}")
    return short | {"name": f"{recipe.name}-smoke"}


def load_named(
    name_or_path: str,
    known: Mapping[str, Path],
    kind: str,
    listing: str,
    *,
    parse: Callable[[Any, str], T],
    example: str,
    short: Callable[[T, Any, str], Any],
    overrides: Sequence[str] = (),
    smoke: bool = False,
) -> T:
    """Load a recipe that is given by name or path, with the settings of the command line."""
    values, where = read_named(name_or_path, known, kind, listing)
    if smoke:
        values = short(parse(values, where), values, where)
    for override in overrides:
        values = overridden(values, override, example)
    return parse(values, where)


def as_yaml(values: Mapping[str, Any]) -> str:
    """Return plain values as people read YAML: in their order, in wide lines."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=120)
