"""Titles for the oracle items that a generative recommender imagines, checked against the nearest items of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from reverie.llm.generate import greedy_decode
from reverie.llm.interpreter.matcher import Matcher
from reverie.llm.states import to_device
from reverie.llm.tree import TitleTree

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.llm.interpreter.session import Session
    from reverie.llm.windows import Windows

NEAREST = 5
"""Catalogue items that an imagined vector is compared with."""


@torch.no_grad()
def name_vectors(session: Session, vectors: Tensor, constrained: bool) -> list[str]:
    """Return what the language model calls vectors in the space of item vectors; vectors [B, D]."""
    prompts, soft = session.prompts.render("item", [session.prompts.item_slot(vectors)])
    tree = TitleTree(session.backbone, session.titles, 1)
    tokens = greedy_decode(session.backbone, prompts, soft, tree.longest, tree.allowed if constrained else None)
    return [session.backbone.text(line).strip().partition("\n")[0] for line in tokens]


@torch.no_grad()
def describe_imagined(session: Session, windows: Windows) -> list[dict[str, Any]]:
    """Draw one vector per history and put it into words."""
    model = session.model
    vectors = model.imagine(to_device(model, windows.batch()), 1)[:, 0].float().cpu()  # type: ignore[attr-defined]  # it imagines
    free, named = name_vectors(session, vectors, False), name_vectors(session, vectors, True)
    cosines = F.normalize(vectors, dim=-1) @ F.normalize(session.table, dim=-1).T
    near = (cosines.topk(min(NEAREST, len(session.table)), dim=-1).indices + 1).numpy()
    kinds = _categories(session)
    matcher, described = Matcher(session.titles), []
    for row, (title, catalogue) in enumerate(zip(free, named, strict=True)):
        mentions = matcher.mentions(catalogue)
        code = mentions[0].code if mentions else 0
        described.append(
            {
                "title": title,
                "in_catalogue": catalogue,
                "nearest": [session.titles.text(int(item)) for item in near[row]],
                "category_agreement": _agreement(kinds, code, near[row]),
                "shuffled_agreement": _agreement(kinds, code, near[(row + 1) % len(near)]),
            }
        )
    return described


def _categories(session: Session) -> dict[int, set[str]]:
    """Return the categories of items by code; empty where the catalogue has none."""
    catalog = session.dataset.catalog
    if "categories" not in catalog.columns:
        return {}
    codes = session.split.vocabulary.item_codes(catalog["item"].to_list())
    return {
        int(code): set(str(text).split("|"))
        for code, text in zip(codes, catalog["categories"].to_list(), strict=True)
        if code and text
    }


def _agreement(kinds: dict[int, set[str]], code: int, near: np.ndarray) -> float | None:
    own = kinds.get(code)
    if not own:
        return None
    others = [kinds[int(item)] for item in near if int(item) in kinds and int(item) != code]
    return float(np.mean([len(own & other) / len(own | other) for other in others])) if others else None
