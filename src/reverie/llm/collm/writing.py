"""The prompts of CoLLM, with their soft tokens or their ids in text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.llm.collm.model import CoLLM


def written(model: CoLLM, batch: SequenceBatch, items: Tensor) -> tuple[list[list[int]], Tensor]:
    """Write prompts; items [B, C] → [S, D]."""
    histories = [row[:n] for row, n in zip(batch.items.tolist(), batch.lengths.tolist(), strict=True)]
    histories = [row[-model.config.history :] for row in histories]
    count, width = items.shape[1], model.backbone.width
    nothing = torch.zeros(0, width, device=model.centre.device)
    codes = items.tolist()
    if model.evidence is None or model.config.ids == "none":
        made = [model.prompting.tokens(h, code, None) for h, row in zip(histories, codes, strict=True) for code in row]
        return made, nothing
    users = model.evidence.user_vectors(batch, items).flatten(0, 1)
    objects = model.evidence.item_vectors(items).flatten(0, 1)
    known_users = model.evidence.known_users(batch).repeat_interleave(count)
    known_items = model.evidence.known_items(items).flatten()
    if model.mapping is not None:
        cold = model.config.cold == "token"
        if cold and model.training and model.config.forget:
            known_users, known_items = (_forgotten(known, model.config.forget) for known in (known_users, known_items))
        soft = [
            model.mapping("user", users, known_users if cold else None),
            model.mapping("item", objects, known_items if cold else None),
        ]
        order = [slot for slot in model.prompting.template.slots if slot in ("user", "item")]
        vectors = torch.cat(soft if order == ["user", "item"] else soft[::-1], dim=1).flatten(0, 1)
        n = model.config.mapping.tokens
        made = [model.prompting.tokens(h, code, (n, n)) for h, row in zip(histories, codes, strict=True) for code in row]
        return made, vectors
    if model.bits is None:
        raise ValueError("there is neither a mapping nor bits")
    dotted = model.config.ids == "dotted"
    said = zip(
        model.bits.words("user", users, known_users, dotted), model.bits.words("item", objects, known_items, dotted), strict=True
    )
    pairs = [(h, code) for h, row in zip(histories, codes, strict=True) for code in row]
    return [model.prompting.tokens(h, code, ids) for (h, code), ids in zip(pairs, said, strict=True)], nothing


def _forgotten(known: Tensor, share: float) -> Tensor:
    """Return who is still known after a share, drawn by chance, has been forgotten."""
    return known & (torch.rand(known.shape, device=known.device) >= share)
