"""Prompt templates: text files with named slots, which take text or soft tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import ConfigError, nearest

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone

SOFT = -1
"""Stands for a soft token among token numbers."""
_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?:\|([^{}]*))?\}")
Value = str | int | tuple[int, ...]
"""What a slot takes: a text, a number of soft tokens, or groups of soft tokens."""


@dataclass(frozen=True)
class Template:
    """A prompt with slots."""

    name: str
    text: str

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots, in their order."""
        return tuple(name for name, _ in _SLOT.findall(self.text))

    @property
    def ends_in_words(self) -> bool:
        """Whether there is text behind the last slot."""
        return bool(_SLOT.split(self.text)[-1].strip())

    def fill(self, backbone: Backbone, values: Mapping[str, Value]) -> list[int]:
        """Return the tokens of the prompt."""
        unused = set(values) - set(self.slots)
        if unused:
            raise ConfigError(f"the template {self.name} lacks its slot {{{min(unused)}}}; put it where the value should stand")
        tokens = list(backbone.begin)
        text, pieces = "", _SLOT.split(self.text)
        for at in range(0, len(pieces), 3):
            text += pieces[at]
            if at + 1 == len(pieces):
                break
            name, between = pieces[at + 1], pieces[at + 2] or ""
            if name not in values:
                raise ConfigError(f"the template {self.name} has the slot {{{name}}}, for which there is no value; take it out")
            value = values[name]
            if isinstance(value, str):
                text += value
                continue
            groups = [size for size in ((value,) if isinstance(value, int) else value) if size]
            for number, size in enumerate(groups):
                text += between if number else ""
                tokens += [*backbone.tokens(text), *[SOFT] * size]
                text = ""
        return tokens + backbone.tokens(text)


def template_files() -> dict[str, Path]:
    """Return the templates inside the package by name."""
    folder = Path(str(resources.files("reverie.llm") / "templates"))
    return {path.stem: path for path in sorted(folder.glob("*.txt"))}


def load_template(name_or_path: str, needs: Sequence[str]) -> Template:
    """Load a template by name or path."""
    known = template_files()
    path = known.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        raise ConfigError(
            f"no template '{name_or_path}'{nearest(name_or_path, known)}; known: {', '.join(known)}, or give a text file"
        )
    try:
        template = Template(name_or_path, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"the template {path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    for slot in needs:
        if template.slots.count(slot) != 1:
            fault = "lacks its slot" if slot not in template.slots else "has more than once the slot"
            raise ConfigError(f"the template {name_or_path} {fault} {{{slot}}}; it needs each of {', '.join(needs)} once")
    for slot in template.slots:
        if slot not in needs:
            near = nearest(slot, needs)
            raise ConfigError(f"the template {name_or_path} has the unknown slot {{{slot}}}{near}; it takes {', '.join(needs)}")
    return template
