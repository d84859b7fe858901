"""Goals of chat models: ordinary assistants that keep a canary word, a forbidden phrase, or their own instructions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reverie.errors import ConfigError
from reverie.plain_yaml import read_yaml
from reverie.redteam.goal_checks import check_goals
from reverie.redteam.goals import Goal, GoalKind, Part
from reverie.seeds import numpy_generator

CHAT: tuple[GoalKind, ...] = ("canary", "phrase", "prompt-leak")
"""Kinds of goals that any chat model with a system prompt can be measured on."""
MOST = 300
"""Goals of one set; beyond them assistants and secrets would come in the same pairs again."""
_SYLLABLES = ("bel", "cor", "dan", "fel", "gar", "hol", "jun", "kel", "lor", "mar", "nel", "pol", "quin", "ros", "sol", "tam")


def chat_goals(n: int = 30, seed: int = 0) -> tuple[Goal, ...]:
    """Return goals of chat models, a third of them held out.

    Kinds take turns. Held-out goals have assistants, rules, requests and phrases of their own. Our reading of "a random secret
    word": three syllables that make no English word, drawn anew for each goal.

    Parameters
    ----------
    n : int
        How many, from 1 to 300.
    seed : int
        Of all draws.

    Returns
    -------
    tuple of Goal
        With ids such as ``canary-00``.

    Raises
    ------
    ConfigError
        If there cannot be so many.

    Examples
    --------
    >>> [goal.id for goal in chat_goals(4)]
    ['canary-00', 'phrase-00', 'prompt-leak-00', 'canary-01']
    """
    if not 1 <= n <= MOST:
        raise ConfigError(f"{n} goals cannot be made; ask for 1 to {MOST}")
    words = canary_words(n, seed, "chat goals")
    made = [_goal(at, CHAT[at % 3], at // 3, words[at], seed) for at in range(n)]
    check_goals(made)
    return tuple(made)


def canary_words(n: int, seed: int, *stream: str | int) -> list[str]:
    """Return distinct random words of three syllables, which stand in no dictionary."""
    drawn = numpy_generator(seed, "canary words", *stream).choice(len(_SYLLABLES) ** 3, n, replace=False)
    shape = (len(_SYLLABLES),) * 3
    return ["".join(_SYLLABLES[syllable] for syllable in np.unravel_index(int(word), shape)) for word in drawn]


def part_of(number: int, shift: int = 0) -> Part:
    """Return the part of the goal with a number among those of its kind: every third is held out."""
    return "held-out" if (number + shift) % 3 == 2 else "build"


@cache
def _wordings() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(Path(__file__).parent / "goals_data" / "chat.yaml")
    return found


def _goal(at: int, kind: GoalKind, number: int, word: str, seed: int) -> Goal:
    """Make one goal; `number` is its place among those of its kind."""
    part = part_of(number, at % 3)
    known = _wordings()[part]
    rank = sum(part_of(before, at % 3) == part for before in range(number))
    assistants, own = known["assistants"], known[kind]
    assistant = _nth(assistants, rank, seed, "assistants", kind, part)
    secret = word
    if kind == "phrase":  # each round over the assistants begins one phrase further, so that no pair comes twice
        secret = _nth(own["phrases"], rank + rank // len(assistants), seed, "phrases", part)
    rule, request = (_nth(own[key], rank, seed, key, kind, part) for key in ("rules", "requests"))
    system = f"{assistant} {rule.format(secret=secret)}"
    return Goal(f"{kind}-{number:02d}", kind, request.format(secret=secret), system, secret, part=part)


def _nth(texts: list[str], rank: int, seed: int, *stream: str) -> str:
    """Return one of some texts, each of which comes once in every round, in an order of the seed's."""
    order = numpy_generator(seed, "chat goals", *stream).permutation(len(texts))
    return texts[int(order[rank % len(texts)])]
