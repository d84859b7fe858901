"""Prompts of user and item: titles of what was liked, the item that is asked about, and places for what is known of both."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import ConfigError
from reverie.llm.prompts import Template, load_template
from reverie.llm.titles import TitleOptions, catalogue_titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.data.vocabulary import Vocabulary
    from reverie.llm.backbone import Backbone
    from reverie.llm.collm.config import CoLLMConfig
    from reverie.llm.titles import Titles

NOTHING = "none so far"
"""Stands for an empty history."""


@dataclass(frozen=True)
class Prompting:
    """How prompts are written."""

    template: Template
    titles: Titles
    backbone: Backbone

    def tokens(self, history: Sequence[int], item: int, ids: tuple[str | int, str | int] | None) -> list[int]:
        """Return one prompt; where it is longer than the context, the oldest titles are left out, never anything else."""
        more = {} if ids is None else {"user": ids[0], "item": ids[1]}
        for first in range(len(history) + 1):
            named = ", ".join(f'"{self.titles.text(code)}"' for code in history[first:]) or NOTHING
            found = self.template.fill(self.backbone, {"history": named, "title": self.titles.text(item), **more})
            if len(found) <= self.backbone.context:
                return found
        raise ConfigError(
            f"the template {self.template.name} alone is longer ({len(found)} tokens) than the context of {self.backbone.name} "
            f"({self.backbone.context}); shorten it"
        )

    def answer(self, word: str) -> int:
        """Return the token of an answer."""
        spaced = self.backbone.tokens(f" {word}")
        bare = self.backbone.tokens(word)
        return spaced[0] if len(spaced) == 1 else bare[0]


def create_prompting(config: CoLLMConfig, backbone: Backbone, vocabulary: Vocabulary) -> Prompting:
    """Load the template and the titles."""
    titles = catalogue_titles(vocabulary, TitleOptions(year=config.year, duplicates="share"))
    return Prompting(open_template(config), titles, backbone)


def open_template(config: CoLLMConfig) -> Template:
    """Load the template of a step."""
    with_ids = config.ids != "none"
    if not with_ids and config.text_template is not None:
        return load_template(config.text_template, ("history", "title"))
    folder = Path(str(resources.files("reverie.llm.collm") / "templates"))
    own = {None: "ids" if with_ids else "text", "question": "question-ids" if with_ids else "question-text"}
    own["brief"] = "brief-ids" if with_ids else "brief-text"
    path = folder / f"{own[config.template]}.txt" if config.template in own else Path(str(config.template))
    needs = ("history", "title", "user", "item") if with_ids else ("history", "title")
    return load_template(str(path), needs)
