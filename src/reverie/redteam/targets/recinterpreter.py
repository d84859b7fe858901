"""A trained RecInterpreter as a target: events are added to a history, and the titles that it says are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from reverie.errors import ConfigError, DataError
from reverie.llm.generate import greedy_decode
from reverie.llm.interpreter.measure import Matcher
from reverie.llm.interpreter.session import Session, open_taught
from reverie.llm.windows import Histories, cut_windows, window_states
from reverie.redteam.attempts import Response, Try
from reverie.redteam.goals import Goal, GoalKind
from reverie.redteam.targets.config import RecInterpreterTarget
from reverie.redteam.targets.possible import POSSIBLE

ROWS = 16
"""Histories that are read at a time."""


class RecInterpreter:
    """See `RecInterpreterTarget`.

    Each line of what is tried is the title of an event, added behind the history; lines that are no title of the catalogue add
    nothing, and neither does the goal's own item (our reading: who can make a person watch a film need not promote it). It then
    says the titles of the history, most likely token by token, so that seeds change nothing. The ranking holds the items that it
    names, in their order; what it names that is no title of the catalogue is unknown.

    Parameters
    ----------
    session : Session
    events : int
        Events that may be added; later ones are left out.
    max_tokens : int
        Longest answer.
    name : str
        In tables; empty takes ``recinterpreter``.
    """

    kinds: frozenset[GoalKind] = POSSIBLE["recinterpreter"]

    def __init__(self, session: Session, events: int = 5, max_tokens: int = 96, name: str = "") -> None:
        self.session, self.events, self.max_tokens, self.name = session, events, max_tokens, name or "recinterpreter"
        self.matcher = Matcher(session.titles)

    @classmethod
    def load(cls, config: RecInterpreterTarget) -> RecInterpreter:
        """Open a finished study."""
        session = open_taught(Path(config.run), device=config.device)
        return cls(session, config.events, config.max_tokens, config.name)

    def respond(self, tries: Sequence[Try]) -> list[Response]:
        """Answer each try."""
        histories = [[*self._history(tried.goal), *self._added(tried)] for tried in tries]
        said = [text for at in range(0, len(histories), ROWS) for text in self.say(histories[at : at + ROWS])]
        return [self._read(text) for text in said]

    @torch.no_grad()
    def say(self, histories: Sequence[Sequence[int]]) -> list[str]:
        """Return what is said of histories of item codes; events before the longest window are left out."""
        session, length = self.session, self.session.recipe.windows.length
        rows = [list(history)[-length:] for history in histories]
        sizes = np.array([len(row) for row in rows], dtype=np.int64)
        items = np.array([code for row in rows for code in row], dtype=np.int32)
        windows = cut_windows(items, np.cumsum(sizes), sizes, length, np.full(len(rows), -1, dtype=np.int64))
        read = Histories(**vars(windows), states=window_states(session.model, windows))
        prompts, vectors = session.prompts.render("recovery", session.prompts.slots("recovery", read))
        tokens = greedy_decode(session.backbone, prompts, vectors, self.max_tokens)
        return [session.backbone.text(answer).strip() for answer in tokens]

    def _history(self, goal: Goal) -> list[int]:
        """Return the codes of a goal's history; items that the recommender does not know are left out."""
        if goal.scene is None:
            raise ConfigError(f"goal '{goal.id}' has no scene, which RecInterpreter needs; set 'scene'")
        codes = self.session.split.vocabulary.item_codes([item for item, _ in goal.scene.history])
        known = [code for code in codes.tolist() if code]
        if not known:
            raise DataError(f"goal '{goal.id}': the recommender knows no item of the history; make goals of its own dataset")
        return known

    def _added(self, tried: Try) -> list[int]:
        titles = self.session.titles
        own = 0 if tried.goal.item is None else titles.first.get(titles.key(tried.goal.item[1]), 0)
        named = (titles.first.get(titles.key(line), 0) for line in tried.text.splitlines() if line.strip())
        return [code for code in named if code not in (0, own)][: self.events]

    def _read(self, text: str) -> Response:
        mentions, ids = self.matcher.mentions(text), self.session.split.vocabulary.items
        ranking = tuple(str(ids[mention.code - 1]) for mention in mentions if mention.code)
        return Response(text, ranking, tuple(mention.text for mention in mentions if not mention.code))
