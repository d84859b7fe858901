"""Frozen, checked options: the base of every configuration, and errors in words for those who mistype a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reverie.errors import ConfigError, nearest, short

C = TypeVar("C", bound=BaseModel)


Few = Annotated[int, Field(ge=1, le=1000)]
"""A number of parts that are made one by one: blocks, layers, heads."""
Many = Annotated[int, Field(ge=1, le=10_000)]
"""A number of draws, steps or repetitions: more of them would not end."""


LARGEST = 2**53
"""Of whole numbers among options."""


class Options(BaseModel):
    """Base of all configurations: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _whole_numbers_fit(self) -> Self:
        """Refuse whole numbers that arrays could not hold."""
        for name, value in self:
            if isinstance(value, int) and abs(value) > LARGEST:
                raise ValueError(f"'{name}' is beyond 2**53; write a smaller number")
        return self


class Searched(Options):
    """Options of which some are chosen on validation, as far as they were not given."""

    searched: ClassVar[tuple[str, ...]] = ()
    grids: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Options that are searched, each with the option that lists its values, where one does."""

    def free(self) -> tuple[str, ...]:
        """Return the options that a search may change: those that were not given, and those whose list of values was."""
        given, grids = self.model_fields_set, dict(self.grids)
        return tuple(name for name in self.searched if name not in given or grids.get(name) in given)


Config = TypeVar("Config", bound=Options)


class Configured(Generic[Config]):
    """Base of what is made from its options alone."""

    def __init__(self, config: Config) -> None:
        self.config = config


def checked(kind: type[C], values: Mapping[str, Any], where: str) -> C:
    """Validate `values` against a configuration class."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(f"{where}: {_sentence(kind, error)}") from None


def _sentence(kind: type[BaseModel], error: ValidationError) -> str:
    errors = error.errors()
    first = next((e for e in errors if e["type"] == "extra_forbidden"), None)  # a misspelt key explains a missing one
    if first is None:
        first = next((e for e in errors if not any(_explains(other["loc"], e) for other in errors)), errors[0])
    location, known = _walk(kind, [str(part) for part in first["loc"] if not _BRANCH.match(str(part))])
    key, context = ".".join(location), first.get("ctx", {})
    if first["type"] == "extra_forbidden":
        listed = f"; known: {', '.join(known)}" if known else "; it has no options"
        return f"unknown option '{key}'{nearest(location[-1], known)}{listed}"
    if first["type"] == "missing":
        return f"option '{key}' is missing; add it"
    if first["type"] == "value_error":
        said = str(context["error"])
        return f"option '{key}': {said}" if key else said
    if first["type"].startswith("union_tag"):
        key = f"{key}.{context['discriminator']}".replace("'", "").lstrip(".")
        if "tag" not in context:
            return f"option '{key}' is missing; add it"
        tags = context["expected_tags"].replace("'", "").split(", ")
        found = _home(_descend(kind, location)[0], context["discriminator"].strip("'"), context["tag"])
        said = found or nearest(context["tag"], tags)
        return f"option '{key}': unknown value '{context['tag']}'{said}; known: {', '.join(tags)}"
    return f"option '{key}' {requirement(first['type'], first['msg'])}, not {short(repr(first['input']))}"


def _explains(place: tuple[int | str, ...], error: Any) -> bool:
    """Return whether a fault at a place says more than that the value is not of another member of a plain union."""
    wrong = error["loc"]
    plain = bool(wrong) and bool(_BRANCH.match(str(wrong[-1]))) and error["type"].endswith("_type")
    return plain and place != wrong and place[: len(wrong) - 1] == wrong[:-1]


_BRANCH = re.compile(
    r"(constrained-(int|float|str)|(tagged-union|dict|list)\[.*|str)$"
)  # what pydantic calls the members of a plain union


def requirement(fault: str, message: str) -> str:
    """Return in words what a value must be, by pydantic's name and message of the fault."""
    word, _, rest = fault.partition("_")
    if rest.endswith(("type", "parsing", "from_float")) and word in _KINDS:
        return f"must be {_KINDS[word]}"
    return re.sub(r"^\w+ should ", "must ", message.partition(" after validation")[0]).replace("must match", "must match the")


_KINDS = {
    "int": "a whole number", "float": "a number", "bool": "true or false", "string": "text", "tuple": "a list", "list": "a list",
    "dict": "a mapping", "model": "a mapping of options",
}  # fmt: skip


def _walk(kind: type[BaseModel], location: list[str]) -> tuple[list[str], list[str]]:
    """Return a location without the tags of unions, and the keys known beside its last part."""
    current, shown = _descend(kind, location[:-1])
    return shown + location[-1:], sorted({name for member in _members(current) for name in member.model_fields})


def _descend(kind: type[BaseModel], location: list[str]) -> tuple[Any, list[str]]:
    """Return the annotation at a location, and the location without the tags of unions."""
    current: Any = kind
    shown: list[str] = []
    for part in location:
        members = _members(current)
        step = next((m for m in members if part in m.model_fields), None)
        tagged = [m for m in members if part in _tags(m)]
        if step is not None:
            current = step.model_fields[part].annotation
        elif tagged:
            current = tagged[0]
            continue
        shown.append(part)
    return current, shown


def _home(union: Any, key: str, tag: str) -> str:
    """Return how to write a value that belongs one option further down in a member of a union; nothing where there is none."""
    for member in _members(union):
        for name, field in member.model_fields.items():
            if any(tag in _tags(inner) for inner in _members(field.annotation)):
                own = get_args(member.model_fields[key].annotation)[0]
                return f" (write {key}: {own}, {name}: {{{key}: {tag}, ...}})"
    return ""


def _members(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for argument in getattr(annotation, "__args__", ()) for m in _members(argument)]


def _tags(member: type[BaseModel]) -> list[str]:
    return [str(value) for field in member.model_fields.values() for value in (field.default, *get_args(field.annotation))]
