"""Text planted in the title of an item, and CoLLM's prompts about one item under several titles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.llm.collm.prompting import Prompting
from reverie.llm.titles import Titles, title_key

Place = Literal["behind", "before", "instead"]


def planted_title(title: str, text: str, place: Place, longest: int) -> str:
    """Return a title with a text planted in it.

    Parameters
    ----------
    title : str
    text : str
        On one line. A text that holds the title takes its place, so that the title alone plants nothing.
    place : {"behind", "before", "instead"}
        Where it stands.
    longest : int
        Characters of the text; what is longer is cut.

    Returns
    -------
    str
        The title itself where the text is blank.
    """
    said = " ".join(text.split())[:longest].rstrip()
    if not said:
        return title
    if place == "instead" or title_key(title) in said.casefold():
        return said
    return f"{title} {said}" if place == "behind" else f"{said} {title}"


@dataclass(frozen=True)
class PlantedTitles(Titles):
    """Titles of which one is another; `code` is the item's."""

    code: int = 0
    said: str = ""

    def text(self, code: int) -> str:
        """Return the title of an item."""
        return self.said if code == self.code else super().text(code)


@dataclass(frozen=True)
class PlantedPrompting(Prompting):
    """Prompts of one user about one item, once under each of several titles."""

    said: tuple[str, ...] = ()

    def render(self, batch: SequenceBatch, items: Tensor) -> tuple[list[list[int]], Tensor]:
        """Return the prompts and their soft tokens; items [1, T], one for each title."""
        prompts, vectors = [], []
        for at, said in enumerate(self.said):
            rendered, soft = with_title(self, int(items[0, at]), said).render(batch, items[:, at : at + 1])
            prompts += rendered
            vectors.append(soft)
        return prompts, torch.cat(vectors)


def with_title(prompting: Prompting, code: int, said: str) -> Prompting:
    """Return prompts in which one item has another title, in histories too."""
    titles = PlantedTitles(prompting.titles.texts, prompting.titles.year, code, said)
    return Prompting(prompting.config, prompting.backbone, prompting.template, titles, prompting.vectors, prompting.encoder)


def under_titles(prompting: Prompting, said: Sequence[str]) -> PlantedPrompting:
    """Return prompts about one item under several titles."""
    parts = (prompting.config, prompting.backbone, prompting.template, prompting.titles, prompting.vectors, prompting.encoder)
    return PlantedPrompting(*parts, said=tuple(said))
