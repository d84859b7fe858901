"""Prompts of CoLLM: titles of liked items, the item in question, and the recommender's vectors as soft tokens or as bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.errors import ConfigError
from reverie.llm.collm.mapping import BinaryCodes
from reverie.llm.prompts import Template, load_template
from reverie.llm.titles import TitleOptions, catalogue_titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.data.batch import SequenceBatch
    from reverie.data.vocabulary import Vocabulary
    from reverie.llm.backbone import Backbone
    from reverie.llm.collm.collaborative import CollaborativeVectors
    from reverie.llm.collm.config import CoLLMConfig
    from reverie.llm.collm.mapping import MappingNetwork
    from reverie.llm.titles import Titles

NO_HISTORY = "none so far"
"""Stands for an empty history."""


@dataclass(frozen=True)
class Prompting:
    """Writes prompts about pairs of user and item, with their soft tokens."""

    config: CoLLMConfig
    backbone: Backbone
    template: Template
    titles: Titles
    vectors: CollaborativeVectors | None
    encoder: MappingNetwork | BinaryCodes | None

    @cached_property
    def answers(self) -> Tensor:
        """Tokens of the answers Yes and No, shape [2]."""
        pairs = [(self.backbone.tokens(f" {word}"), self.backbone.tokens(word)) for word in ("Yes", "No")]
        return torch.tensor([spaced[0] if len(spaced) == 1 else bare[0] for spaced, bare in pairs], device=self.backbone.device)

    @property
    def sides(self) -> list[str]:
        """The slots of user and item, in their order."""
        return [slot for slot in self.template.slots if slot in ("user", "item")]

    def tokens(self, history: Sequence[int], item: int, ids: tuple[str | int, str | int] | None) -> list[int]:
        """Return one prompt; where it is longer than the context, the oldest titles are left out, never anything else."""
        more = {} if ids is None else {"user": ids[0], "item": ids[1]}
        for first in range(len(history) + 1):
            named = ", ".join(f'"{self.titles.text(code)}"' for code in history[first:]) or NO_HISTORY
            prompt = self.template.fill(self.backbone, {"history": named, "title": self.titles.text(item), **more})
            if len(prompt) <= self.backbone.context:
                return prompt
        raise ConfigError(
            f"the template {self.template.name} alone is longer ({len(prompt)} tokens) than the context of {self.backbone.name} "
            f"({self.backbone.context}); shorten it"
        )

    def render(self, batch: SequenceBatch, items: Tensor) -> tuple[list[list[int]], Tensor]:
        """Return the prompts of pairs and their soft tokens; items [B, C] → B · C prompts, [S, D]."""
        histories = [row[:n][-self.config.history :] for row, n in zip(batch.items.tolist(), batch.lengths.tolist(), strict=True)]
        pairs = [(history, code) for history, codes in zip(histories, items.tolist(), strict=True) for code in codes]
        no_soft_tokens = torch.zeros(0, self.backbone.width, device=self.backbone.device)
        if self.vectors is None or self.encoder is None:
            return [self.tokens(*pair, None) for pair in pairs], no_soft_tokens
        known_users = self.vectors.known_users(batch).repeat_interleave(items.shape[1])
        parts = {
            "user": (self.vectors.user_vectors(batch, items).flatten(0, 1), known_users),
            "item": (self.vectors.item_vectors(items).flatten(0, 1), self.vectors.known_items(items).flatten()),
        }
        if isinstance(self.encoder, BinaryCodes):
            users, objects = (self.encoder.words(side, *part, self.config.ids == "dotted") for side, part in parts.items())
            ids = zip(users, objects, strict=True)
            return [self.tokens(*pair, words) for pair, words in zip(pairs, ids, strict=True)], no_soft_tokens
        soft = {side: self._soft_tokens(self.encoder, side, *part) for side, part in parts.items()}
        counts = (self.encoder.tokens, self.encoder.tokens)
        vectors = torch.cat([soft[side] for side in self.sides], dim=1).flatten(0, 1)
        return [self.tokens(*pair, counts) for pair in pairs], vectors

    def _soft_tokens(self, mapping: MappingNetwork, side: str, vectors: Tensor, known: Tensor) -> Tensor:
        """Map vectors; while training, a share drawn by chance counts as unknown; vectors [M, d], known [M] → [M, tokens, D]."""
        if mapping.training and self.config.forget and self.config.cold == "token":
            known = known & (torch.rand(known.shape, device=known.device) >= self.config.forget)
        soft: Tensor = mapping(side, vectors, known if self.config.cold == "token" else None)
        return soft


def create_prompting(
    config: CoLLMConfig,
    backbone: Backbone,
    vocabulary: Vocabulary,
    vectors: CollaborativeVectors | None,
    encoder: MappingNetwork | BinaryCodes | None,
) -> Prompting:
    """Load the template and the titles."""
    titles = catalogue_titles(vocabulary, TitleOptions(year=config.year, duplicates="share"))
    return Prompting(config, backbone, open_template(config), titles, vectors, encoder)


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
