"""One person in words, and imagined vectors in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from reverie.errors import DataError
from reverie.llm.generate import TitleTree, greedy_decode
from reverie.llm.interpreter.answers import AnswerGenerator, RowName
from reverie.llm.interpreter.measure import Matcher, nearest
from reverie.llm.windows import Windows, to_device
from reverie.protocols import Imagines

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.llm.interpreter.session import Session


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


CONTROLS: tuple[RowName, ...] = ("shuffled", "text-only")


def explain_user(session: Session, user: str) -> dict[str, Any]:
    """Explain the state of one user."""
    code = int(session.split.vocabulary.user_codes([user])[0])
    if code < 0:
        known = session.split.vocabulary.users[0]
        raise DataError(f"user '{user}' is not in the dataset of {session.folder}; ids look like {known}")
    window = _window(session, code)
    other = session.windows("test")
    other = other.take(np.flatnonzero(other.users != code)[:1])
    both = Windows(*(np.concatenate(pair) for pair in zip(vars(window).values(), vars(other).values(), strict=True)))
    generator = AnswerGenerator(session, session.histories(both))
    canonical = session.titles.canonical
    true = list(dict.fromkeys(canonical[np.array(window.row(0))].tolist()))
    mentions = generator.answers("recovery", "model", "free").mentions[0]
    own = _recall([m.code for m in mentions], true)
    controls = {name: _recall([m.code for m in generator.answers("recovery", name, "free").mentions[0]], true) for name in CONTROLS}
    states = session.histories(window).states[0, : window.lengths[0]]
    explanation: dict[str, Any] = {
        "user": user,
        "part": _part(session, code),
        "history": [session.titles.text(code) for code in window.row(0)],
        "held_out": [session.titles.text(code) for code in true if code in set(canonical[session.held_out].tolist())],
        "said": [{"title": m.text, "kind": "invented" if not m.code else "true" if m.code in true else "real"} for m in mentions],
        "recall": own,
        "controls": controls,
        "faithfulness": own - max(controls.values()),
        "nearest": [session.titles.text(int(code)) for code in nearest(states, session.table, cosine=False)],
        "recommended": _recommended(session, window),
    }
    if isinstance(session.model, Imagines) and "item" in session.recipe.tasks:
        explanation["imagined"] = describe_imagined(session, both)[0]
    return explanation


def _window(session: Session, user: int) -> Windows:
    sequences = session.dataset.sequences
    row = sequences.row(int(np.flatnonzero(sequences.users == user)[0])).astype(np.int64)
    sizes = session.recipe.windows
    if len(row) < sizes.shortest:
        raise DataError(f"user '{session.split.vocabulary.users[user]}' has {len(row)} events, and {sizes.shortest} are needed")
    items = np.zeros((1, sizes.length), dtype=np.int64)
    items[0, : min(len(row), sizes.length)] = row[-sizes.length :]
    return Windows(items, np.array([min(len(row), sizes.length)]), np.array([user]))


def _part(session: Session, user: int) -> str:
    if user in session.split.train.users:
        return "train"
    return "test" if user in session.split.test.users else "valid"


def _recall(named: list[int], true: list[int]) -> float:
    return len(set(named) & set(true)) / len(true)


@torch.no_grad()
def _recommended(session: Session, window: Windows, k: int = 3) -> list[str]:
    scores = session.model.scores(to_device(session.model, window.batch()))[0].cpu()
    scores[torch.tensor(window.row(0)) - 1] = float("-inf")
    return [session.titles.text(int(at) + 1) for at in scores.topk(min(k, len(scores))).indices]
