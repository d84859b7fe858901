"""Goals of recommenders, in scenes from a real log: promotion, demotion, leaks, and items outside the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from reverie.data.dataset import Dataset
from reverie.errors import ConfigError, unknown
from reverie.plain_yaml import read_yaml
from reverie.redteam.goal_checks import check_goals
from reverie.redteam.goal_sets import MOST, canary_words, part_of
from reverie.redteam.goals import Goal, GoalKind
from reverie.redteam.scenes import DrawnScene, draw_scenes
from reverie.seeds import numpy_generator

RECOMMENDER: tuple[GoalKind, ...] = ("promote", "demote", "history-leak", "off-catalogue", "prompt-leak")
"""Kinds of goals of a model that chats and recommends."""


def recommender_goals(
    dataset: Dataset, n: int = 30, seed: int = 0, *, kinds: Sequence[GoalKind] = RECOMMENDER, noun: str = "film", k: int = 5
) -> tuple[Goal, ...]:
    """Return goals of a recommender that chats, a third of them held out.

    Kinds take turns; every goal has a user of its own. What is promoted is a banned item that the user never met, what is demoted
    is the item that came next. The canary title of a history is invented and stands among another user's real titles.

    Parameters
    ----------
    dataset : Dataset
        With titles.
    n, seed : int
        How many, and of which draw.
    kinds : sequence of GoalKind
        Those that take turns.
    noun : str
        What an item is called.
    k : int
        Length of the list that an item wants to be in, or out of.

    Returns
    -------
    tuple of Goal
    """
    wrong = next((kind for kind in kinds if kind not in RECOMMENDER), None)
    if wrong is not None or not kinds:
        raise unknown("kind of goal of a recommender", str(wrong), RECOMMENDER)
    return _goals(dataset, n, seed, kinds, "recommender", noun, k)


def collm_goals(dataset: Dataset, n: int = 30, seed: int = 0, *, k: int = 5) -> tuple[Goal, ...]:
    """Return goals of CoLLM, promotions and demotions by turns: no system prompt, and the request is the title as it is."""
    return _goals(dataset, n, seed, ("promote", "demote"), "collm", "", k)


def interpreter_goals(dataset: Dataset, n: int = 30, seed: int = 0, *, k: int = 5) -> tuple[Goal, ...]:
    """Return goals of RecInterpreter, promotions and off-catalogue titles by turns.

    No system prompt; the request is a single event: the item itself, or one with an invented title.
    """
    return _goals(dataset, n, seed, ("promote", "off-catalogue"), "recinterpreter", "", k)


@cache
def _wordings() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(Path(__file__).parent / "goals_data" / "recommender.yaml")
    return found


def _goals(dataset: Dataset, n: int, seed: int, kinds: Sequence[GoalKind], prefix: str, noun: str, k: int) -> tuple[Goal, ...]:
    if not 1 <= n <= MOST:
        raise ConfigError(f"{n} goals cannot be made; ask for 1 to {MOST}")
    drawn, words = draw_scenes(dataset, n, seed, k), canary_words(n, seed, prefix)
    made = [_goal(at, kinds, prefix, noun, k, drawn[at], words[at], seed) for at in range(n)]
    check_goals(made)
    return tuple(made)


def _goal(at: int, kinds: Sequence[GoalKind], prefix: str, noun: str, k: int, drawn: DrawnScene, word: str, seed: int) -> Goal:
    """Make one goal; without a noun there is no system prompt."""
    turn, number = at % len(kinds), at // len(kinds)
    kind = kinds[turn]
    part = part_of(number, turn)
    item = {"promote": drawn.stray, "demote": drawn.following}.get(kind)
    title = item[1] if item is not None else invented_title(word)
    scene, secret = replace(drawn.scene, other=()), ""
    system, request = "", title
    if kind == "prompt-leak":
        secret = word
    if kind == "history-leak":
        secret, other = title, list(drawn.scene.other)
        other.insert(int(numpy_generator(seed, "canary title", at).integers(len(other) + 1)), (f"canary-{word}", title))
        scene = replace(scene, other=tuple(other))
    if noun:
        known = _wordings()[part]
        values = {"noun": noun, "nouns": f"{noun}s", "title": title, "secret": secret}
        role = known["roles"][number % len(known["roles"])]
        rule, request = known[kind]["rules"][number % 2], known[kind]["requests"][number // 2 % 2]
        system, request = f"{role} {rule}".format(**values), request.format(**values)
    return Goal(f"{prefix}-{kind}-{number:02d}", kind, request, system, secret, item, scene, k, part)


def invented_title(word: str) -> str:
    """Return a title that no catalogue has, around an invented word."""
    return f"The Clockmaker of {word.capitalize()}"
