"""Prompts: text files with named slots, which take text or soft tokens."""

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
_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Template:
    """A prompt with slots.

    Parameters
    ----------
    name : str
        Of a packaged template, or a path.
    text : str
        With slots such as ``{history}``.
    """

    name: str
    text: str

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots, in their order."""
        return tuple(_SLOT.findall(self.text))

    def fill(self, backbone: Backbone, values: Mapping[str, str | int]) -> list[int]:
        """Return the tokens of the prompt.

        Text is put into its slots before it is cut into tokens, so that a title is read as it would be in any sentence; a soft slot
        cuts the text.

        Parameters
        ----------
        backbone : Backbone
            Whose tokenizer reads.
        values : mapping of str to str or int
            A text, or a number of soft tokens, for each slot.

        Returns
        -------
        list of int
            `SOFT` where a soft token stands.

        Raises
        ------
        ConfigError
            If a slot gets no value, or a value has no slot.
        """
        unused = set(values) - set(self.slots)
        if unused:
            raise ConfigError(f"the template {self.name} lacks its slot {{{min(unused)}}}; put it where the value should stand")
        found: list[int] = []
        text = ""
        for at, piece in enumerate(_SLOT.split(self.text)):
            if at % 2 == 0:
                text += piece
                continue
            if piece not in values:
                raise ConfigError(f"the template {self.name} has the slot {{{piece}}}, for which there is no value; take it out")
            value = values[piece]
            if isinstance(value, str):
                text += value
            elif value:
                found += [*backbone.tokens(text), *[SOFT] * value]
                text = ""
        return found + backbone.tokens(text)


def template_files() -> dict[str, Path]:
    """Return the templates inside the package by name.

    Returns
    -------
    dict of str to Path
        Sorted by name.
    """
    folder = Path(str(resources.files("reverie.llm") / "templates"))
    return {path.stem: path for path in sorted(folder.glob("*.txt"))}


def load_template(name_or_path: str, needs: Sequence[str]) -> Template:
    """Load a template by name or path.

    Parameters
    ----------
    name_or_path : str
        A packaged template, or a text file.
    needs : sequence of str
        The slots that it must have, each once, and no other.

    Returns
    -------
    Template
        As the file has it.

    Raises
    ------
    ConfigError
        If there is no such template, it is not UTF-8, or its slots are others.
    """
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
