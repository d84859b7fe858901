"""YAML as its version 1.2 reads it (core schema), of bounded depth and size, and written so that it is read back the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from reverie.documents import regular
from reverie.errors import ConfigError, short

LARGEST, MOST_VALUES, DEEPEST = 1 << 20, 100_000, 64
"""Bytes, values (those behind aliases counted each time) and levels of a document."""
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


def read_yaml(path: Path) -> Any:
    """Read a YAML file of plain values, as YAML 1.2 (core schema) reads them."""
    try:
        text = regular(path, LARGEST).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str, lines: bool = True) -> Any:
    """Read YAML as its version 1.2 does: texts, numbers, true, false, null, lists and mappings; no dates and no other tags.

    Aliases and ``<<`` are followed. Raises `ConfigError` for what is not valid, holds control characters or a key twice, or is
    too deep or too large; messages name the line, but for a value of one line.
    """
    try:
        if found := _UNPRINTABLE.search(text):
            raise _Fault(f"it holds the control character {found[0]!r}; remove it", text.count("\n", 0, found.start()))
        return _Composer(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))).document()
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        line = f", line {min(mark.line, text.rstrip().count(chr(10))) + 1}" if mark is not None and lines else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
        raise ConfigError(f"{where}{line}: not valid YAML ({problem}); quote text and close brackets") from error
    except _Fault as fault:
        raise ConfigError(f"{where}{f', line {fault.line + 1}' if lines else ''}: {fault}") from None


class _Fault(Exception):
    """What is wrong with a document, and the line from 0."""

    def __init__(self, said: str, line: int) -> None:
        super().__init__(said)
        self.line = line


_CORE: tuple[tuple[str, re.Pattern[str], Callable[[str], Any]], ...] = (
    ("null", re.compile(r"null|Null|NULL|~|"), lambda text: None),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    ("int", re.compile(r"[-+]?[0-9]+"), int),
    ("int", re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    ("float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    ("float", re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
"""Tags of plain scalars in the core schema, how they are written, and their values; all else is text."""
_TEXT: tuple[str, Callable[[str], Any]] = ("str", str)
_TAG = "tag:yaml.org,2002:"


class _Composer:
    """Makes plain values of the events of a YAML parser, so that neither depth nor aliases can cost more than is allowed."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events, self._anchors, self._made = events, dict[str, tuple[Any, int]](), 0

    def document(self) -> Any:
        """Return the value of the only document."""
        found: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found:
                    raise _Fault("it holds a second document; keep one", event.start_mark.line if event.start_mark else 0)
                found.append(self._value(next(self._events), 0))
        return found[0] if found else None

    def _value(self, event: Any, depth: int) -> Any:
        line, before = event.start_mark.line, self._made
        self._made += 1
        value: Any
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise _Fault(f"the alias '*{event.anchor}' stands for nothing before it; write the value", line)
            value, size = self._anchors[event.anchor]
            self._made += size - 1
        elif isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        elif depth == DEEPEST:
            raise _Fault(f"it is nested more than {DEEPEST} levels deep; write it flatter", line)
        elif event.tag not in (None, "!", f"{_TAG}{'seq' if isinstance(event, yaml.SequenceStartEvent) else 'map'}"):
            raise _Fault(f"the tag '{event.tag.replace(_TAG, '!!')}' is not read; leave it out", line)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = [self._value(one, depth + 1) for one in self._until(yaml.SequenceEndEvent)]
        else:
            value = self._mapping(depth + 1)
        if self._made > MOST_VALUES:
            raise _Fault(f"it holds more than {MOST_VALUES:,} values, those behind aliases counted; write less", line)
        if getattr(event, "anchor", None) and not isinstance(event, yaml.AliasEvent):
            self._anchors[event.anchor] = value, self._made - before
        return value

    def _mapping(self, depth: int) -> dict[Any, Any]:
        own: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            line, merges = event.start_mark.line, isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]
            key, value = self._value(event, depth), self._value(next(self._events), depth)
            if merges:
                for one in reversed(value if isinstance(value, list) else [value]):
                    if not isinstance(one, dict):
                        raise _Fault("'<<' takes a mapping, or a list of mappings", line)
                    merged |= one
            elif not isinstance(key, str | int) or isinstance(key, bool):
                raise _Fault("a key is text or a whole number; quote it, or write another", line)
            elif key in own:
                raise _Fault(f"the key '{short(str(key))}' stands twice; keep one", line)
            else:
                own[key] = value
        return merged | own

    def _until(self, end: type[yaml.Event]) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event


def _scalar(event: Any) -> Any:
    text, line = event.value, event.start_mark.line
    if found := _UNPRINTABLE.search(text):
        raise _Fault(f"a text holds the control character {found[0]!r}; remove it", line)
    tag = "" if event.tag in (None, "!") else event.tag.removeprefix(_TAG)
    if tag == "str" or (not tag and not event.implicit[0]):
        return text
    kind, read = next(((name, read) for name, form, read in _CORE if form.fullmatch(text)), _TEXT)
    if tag == "float" and kind == "int":
        kind, read = tag, float
    if tag and tag != kind:
        raise _Fault(f"the tag '{event.tag.replace(_TAG, '!!')}' is not read, or not with '{short(text)}'; leave it out", line)
    if kind == "int" and (len(text) > 30 or not -(2**63) <= read(text) < 2**63):
        raise _Fault(f"the number {short(text)} is beyond 64 bits; write a smaller one", line)
    value = read(text)
    if kind == "float" and value in (float("inf"), float("-inf")) and "n" not in text.lower():
        raise _Fault(f"the number {short(text)} is too large; write a smaller one", line)
    return value


class _Dumper(yaml.SafeDumper):
    """Quotes every text that either version of YAML would read as something else."""


for _kind, _form, _ in _CORE:
    _Dumper.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(f"(?:{_form.pattern})$"), None)


def dump_yaml(value: Any, width: float = 120) -> str:
    """Return plain values as people read YAML: in their order, in wide lines."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width))
