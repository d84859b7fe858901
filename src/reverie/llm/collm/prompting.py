"""Prompts of CoLLM with soft tokens or bits, and the logits of their answers: shared beginnings read once, short ends packed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.errors import ConfigError
from reverie.llm.backbone import Backbone
from reverie.llm.collm.collaborative import BinaryCodes, CollaborativeVectors, MappingNetwork
from reverie.llm.collm.config import CoLLMConfig
from reverie.llm.generate import Prefix, answer_logits, cache_name, common_length, encode_prefix
from reverie.llm.prompts import SOFT, Template, TokenRows, collate, load_template
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


def open_template(config: CoLLMConfig) -> Template:
    """Load the template of a step."""
    with_ids = config.ids != "none"
    if not with_ids and config.text_template is not None:
        return load_template(config.text_template, ("history", "title"))
    kind, needs = ("ids", ("history", "title", "user", "item")) if with_ids else ("text", ("history", "title"))
    own = {None: kind, "question": f"question-{kind}", "brief": f"brief-{kind}"}
    if config.template not in own:
        return load_template(str(config.template), needs)
    return load_template(str(resources.files("reverie.llm.collm") / "templates" / f"{own[config.template]}.txt"), needs)


TOKENS = 256
"""Tokens of a packed row: enough for the matrix products, and few beside the square that attention costs."""
MASKED = ("sdpa", "eager")
"""Attention that takes a mask of its own for each pair of places."""


def packed_answer_logits(backbone: Backbone, ends: TokenRows, vectors: Tensor, words: Tensor, prefix: Prefix, rows: int) -> Tensor:
    """Return the logits of some words after many continuations of one prefix; what `answer_logits` gives, up to rounding.

    vectors [M, s, D], words [W] → [M, W].
    """
    parts = []
    length = int(prefix.lengths[0])
    if not _takes_packed_rows(backbone, length + max(map(len, ends), default=0)):
        for at in range(0, len(ends), rows):
            some, soft = ends[at : at + rows], vectors[at : at + rows].flatten(0, 1)
            parts.append(answer_logits(backbone, some, soft, words, prefix.repeated(len(some))))
        return torch.cat(parts)
    for first, stop in _cuts(ends, min(TOKENS, backbone.context - length)):
        parts.append(_row(backbone, ends[first:stop], vectors[first:stop].flatten(0, 1), words, prefix, length))
    return torch.cat(parts)


def _takes_packed_rows(backbone: Backbone, longest: int) -> bool:
    """Return whether a mask and positions of our own say all: no window hides tokens, and no bias counts columns (ALiBi)."""
    config = backbone.base_model.config
    masked = getattr(config, "_attn_implementation", "") in MASKED and not getattr(config, "alibi", False)
    placed = "position_ids" in inspect.signature(backbone.base_model.forward).parameters
    return masked and placed and (backbone.window is None or longest <= backbone.window)


def _row(backbone: Backbone, ends: TokenRows, vectors: Tensor, words: Tensor, prefix: Prefix, length: int) -> Tensor:
    from transformers import DynamicCache

    sizes = torch.tensor([len(end) for end in ends])
    batch = collate(backbone, [[token for end in ends for token in end]])
    which = torch.repeat_interleave(torch.arange(len(ends)), sizes)
    place = torch.arange(len(which)) - (sizes.cumsum(0) - sizes)[which]
    own = (which[:, None] == which) & (place[:, None] >= place)
    seen = torch.cat([torch.ones(len(which), length, dtype=torch.bool), own], dim=1)
    embeds = batch.embeds(backbone, vectors)
    mask = torch.zeros(seen.shape, dtype=embeds.dtype).masked_fill(~seen, torch.finfo(embeds.dtype).min)
    out = backbone.model(
        inputs_embeds=embeds, attention_mask=mask[None, None].to(embeds.device),
        position_ids=(place + length)[None].to(embeds.device), use_cache=True,
        logits_to_keep=(sizes.cumsum(0) - 1).to(embeds.device), **{cache_name(backbone): DynamicCache(prefix.layers)},
    )  # fmt: skip
    logits: Tensor = out.logits[0].float()
    return logits.index_select(1, words)


def _cuts(ends: TokenRows, room: int) -> Iterator[tuple[int, int]]:
    """Yield consecutive pieces of at most `room` tokens, one end at least."""
    first = held = 0
    for at, end in enumerate(ends):
        if at > first and held + len(end) > room:
            yield first, at
            first, held = at, 0
        held += len(end)
    if ends:
        yield first, len(ends)


SIDE_BY_SIDE = 4
"""Prompts of about one length that a processor reads side by side; an accelerator reads all."""


def pair_logits(prompting: Prompting, batch: SequenceBatch, items: Tensor, frozen_prefix: bool = False) -> Tensor:
    """Return the logits of Yes and No about pairs; with `frozen_prefix`, no gradient passes before the first soft token.

    items [B, C] → [B · C, 2].
    """
    prompts, vectors = prompting.render(batch, items)
    soft = vectors.view(len(prompts), -1, vectors.shape[-1])
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    size = SIDE_BY_SIDE if prompting.backbone.device.type == "cpu" else len(prompts)
    logits = []
    for rows in (order[at : at + size] for at in range(0, len(order), size)):
        some = [prompts[row] for row in rows]
        starts = [prompt.index(SOFT) if SOFT in prompt else 0 for prompt in some]
        prefix = None
        if frozen_prefix and min(starts) > 0 and torch.is_grad_enabled():
            with torch.no_grad():
                prefix = encode_prefix(prompting.backbone, [p[:n] for p, n in zip(some, starts, strict=True)], vectors[:0].detach())
            some = [p[n:] for p, n in zip(some, starts, strict=True)]
        logits.append(answer_logits(prompting.backbone, some, soft[rows].flatten(0, 1), prompting.answers, prefix))
    return torch.cat(logits)[torch.tensor(order, device=items.device).argsort()]


def candidate_logits(prompting: Prompting, batch: SequenceBatch, items: Tensor) -> Tensor:
    """Return the logits of Yes and No about many candidates of one user; items [C] → [C, 2]."""
    rows = prompting.config.rows
    prompts, vectors = prompting.render(batch, items[None])
    shared = _shared_length(prompting, prompts) if len(prompts) > 1 else 0
    if shared == 0:
        return torch.cat([pair_logits(prompting, batch, some[None]) for some in torch.split(items, rows)])
    inside = prompts[0][:shared].count(SOFT)
    soft = vectors.view(len(prompts), prompts[0].count(SOFT), prompting.backbone.width)
    prefix = encode_prefix(prompting.backbone, [prompts[0][:shared]], soft[0, :inside])
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))  # where ends are padded, equal lengths lie together
    ends = [prompts[row][shared:] for row in order]
    at = torch.tensor(order, device=soft.device)
    logits = torch.zeros(len(prompts), 2, device=soft.device)
    logits[at] = packed_answer_logits(prompting.backbone, ends, soft[at, inside:], prompting.answers, prefix, rows)
    return logits


def _shared_length(prompting: Prompting, prompts: list[list[int]]) -> int:
    """Return how many tokens the prompts of one user have in common; soft tokens look alike, but those of an item are its own."""
    aware = prompting.vectors is not None and prompting.vectors.target_aware
    shared = common_length(prompts, stop_at_soft=aware)
    if aware or not isinstance(prompting.encoder, MappingNetwork):
        return shared
    places = [at for at, token in enumerate(prompts[0]) if token == SOFT]
    return min(shared, places[prompting.sides.index("item") * prompting.encoder.tokens])
