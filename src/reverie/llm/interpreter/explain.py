"""Explanation of one user: the titles that the language model reads off the state, how many are true, and controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from reverie.errors import DataError
from reverie.llm.interpreter.answers import AnswerGenerator, RowName
from reverie.llm.interpreter.controls import nearest
from reverie.llm.interpreter.oracle import describe_imagined
from reverie.llm.states import to_device
from reverie.llm.windows import Windows
from reverie.protocols import Imagines

if TYPE_CHECKING:
    from reverie.llm.interpreter.session import Session

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
