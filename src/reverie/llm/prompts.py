"""Prompt templates with slots for text and soft tokens, and batches of filled prompts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from reverie.errors import ConfigError, nearest
from reverie.llm.backbone import Backbone

SOFT = -1
"""Stands for a soft token among token numbers."""
_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?:\|([^{}]*))?\}")
TokenRows = Sequence[Sequence[int]]
"""Prompts, or parts of them, as tokens."""
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
        tokens, text, pieces = list(backbone.begin), "", _SLOT.split(self.text)
        for at in range(0, len(pieces) - 1, 3):
            name, between = pieces[at + 1], pieces[at + 2] or ""
            text += pieces[at]
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
        return tokens + backbone.tokens(text + pieces[-1])


def template_files() -> dict[str, Path]:
    """Return the templates inside the package by name."""
    folder = Path(str(resources.files("reverie.llm") / "templates"))
    return {path.stem: path for path in sorted(folder.glob("*.txt"))}


def load_template(name_or_path: str, needs: Sequence[str]) -> Template:
    """Load a template by name or path."""
    known = template_files()
    path = known.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        near = nearest(name_or_path, known)
        raise ConfigError(f"no template '{name_or_path}'{near}; known: {', '.join(known)}, or give a text file")
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


NO_LABEL = -100
"""Label of a place that is not learned."""


@dataclass(frozen=True)
class MixedBatch:
    """Rows of text and soft tokens; ids [B, T], soft [B, T], mask [B, T], positions [B, T], labels [B, T]."""

    ids: Tensor
    soft: Tensor
    mask: Tensor
    positions: Tensor
    labels: Tensor

    def embeds(self, backbone: Backbone, vectors: Tensor) -> Tensor:
        """Return the vectors that the language model reads; vectors [S, D] → [B, T, D]."""
        if vectors.dim() != 2 or vectors.shape[1] != backbone.width:
            raise ConfigError(
                f"the adapter makes vectors of width {vectors.shape[-1]} and the language model {backbone.name} reads "
                f"{backbone.width}; train an adapter for this model"
            )
        wanted = int(self.soft.sum())
        if len(vectors) != wanted:
            raise ConfigError(f"{len(vectors)} soft tokens were given for {wanted} places; the template and the adapter disagree")
        text = backbone.embed(self.ids)
        return text.masked_scatter(self.soft[..., None].to(text.device), vectors.to(text))


def collate(
    backbone: Backbone, prompts: TokenRows, targets: TokenRows | None = None, side: Literal["left", "right"] = "left", room: int = 0
) -> MixedBatch:
    """Lay rows side by side; nothing is cut."""
    ends = targets if targets is not None else [()] * len(prompts)
    rows = [np.fromiter([*prompt, *end], dtype=np.int64) for prompt, end in zip(prompts, ends, strict=True)]
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    longest = int(lengths.max(initial=0))
    if longest + room > backbone.context:
        parts = f"{len(prompts[int(lengths.argmax())])} tokens of prompt and {len(ends[int(lengths.argmax())]) + room} of answer"
        raise ConfigError(
            f"a prompt is too long for the language model {backbone.name}: {parts}, and its context is {backbone.context}; "
            f"use shorter histories"
        )
    prompt_lengths = np.array([len(prompt) for prompt in prompts], dtype=np.int64)
    shift = longest - lengths if side == "left" else np.zeros_like(lengths)
    column = np.arange(longest) - shift[:, None]
    inside = (column >= 0) & (column < lengths[:, None])
    ids = np.full((len(rows), longest), int(backbone.tokenizer.pad_token_id), dtype=np.int64)
    ids[inside] = np.concatenate(rows) if rows else []
    soft = inside & (ids == SOFT)
    ids[soft] = int(backbone.tokenizer.pad_token_id)
    labels = np.where(inside & (column >= prompt_lengths[:, None]), ids, NO_LABEL)
    positions = np.where(inside, column, 0)
    arrays = (ids, soft, inside.astype(np.int64), positions, labels)
    return MixedBatch(*(torch.from_numpy(array).to(backbone.device) for array in arrays))
