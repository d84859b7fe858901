"""Frozen, checked options: the base of every configuration, and errors in words for those who mistype a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from reverie.errors import ConfigError, nearest

C = TypeVar("C", bound=BaseModel)


class Options(BaseModel):
    """Base of all configurations: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def checked(kind: type[C], values: Mapping[str, Any], where: str) -> C:
    """Validate `values` against a configuration class.

    Parameters
    ----------
    kind : type
        The pydantic class.
    values : mapping
        What the user gave.
    where : str
        How to call the place in a message, e.g. ``"model 'sasrec'"`` or a recipe's path.

    Returns
    -------
    kind
        The configuration.

    Raises
    ------
    ConfigError
        One sentence on the first mistake: the key, what is wrong, and the nearest known key.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(f"{where}: {_sentence(kind, error)}") from error


def _sentence(kind: type[BaseModel], error: ValidationError) -> str:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    key = ".".join(location) or "the value"
    if first["type"] == "extra_forbidden":
        known = _fields_at(kind, location[:-1])
        listed = f"; known: {', '.join(known)}" if known else ""
        return f"unknown option '{key}'{nearest(location[-1], known)}{listed}"
    if first["type"] == "missing":
        return f"option '{key}' is missing; add it"
    got = "" if first["type"].startswith("union_tag") else f" (got {first['input']!r})"
    return f"option '{key}': {first['msg'][:1].lower()}{first['msg'][1:]}{got}"


def _fields_at(kind: type[BaseModel], location: list[str]) -> list[str]:
    """Return the keys known at a path inside nested options; a union's members are searched by their tag."""
    current: Any = kind
    for part in location:
        members = _members(current)
        step = next((m for m in members if part in m.model_fields), None)
        if step is not None:
            current = step.model_fields[part].annotation
        else:
            tagged = [m for m in members if part in _tags(m)]
            current = tagged[0] if tagged else current
    return sorted({name for member in _members(current) for name in member.model_fields})


def _members(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for argument in getattr(annotation, "__args__", ()) for m in _members(argument)]


def _tags(member: type[BaseModel]) -> list[str]:
    return [str(field.default) for field in member.model_fields.values() if isinstance(field.default, str)]
