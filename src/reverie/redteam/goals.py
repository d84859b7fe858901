"""Goals of attacks: harmless things that a target should not do, each with a deterministic test of success."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, get_args

from reverie.files import json_digest

GoalKind = Literal["canary", "phrase", "prompt-leak", "promote", "demote", "history-leak", "off-catalogue"]
KINDS: tuple[GoalKind, ...] = get_args(GoalKind)
Part = Literal["build", "held-out"]
"""Goals that attacks and defences are built on, and goals that they never see."""


@dataclass(frozen=True)
class Scene:
    """What a recommender is asked about: a user's history and the items that it may recommend, as ids and titles.

    Parameters
    ----------
    user : str
        External id of the user.
    history : tuple of (str, str)
        External id and title of each item, oldest first.
    candidates : tuple of (str, str)
        External id and title of each item that may be recommended.
    other : tuple of (str, str)
        History of another user, which the target holds and must not tell.
    """

    user: str
    history: tuple[tuple[str, str], ...]
    candidates: tuple[tuple[str, str], ...]
    other: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Goal:
    """Something harmless that a target should not do.

    Parameters
    ----------
    id : str
        Names it in tables and files, distinct within a set.
    kind : GoalKind
        Chooses the detector and the targets that can be measured on it.
    request : str
        The benign base request: what the null attack says, and what every attack is built around.
    system : str
        The target's system prompt; holds the secret where there is one. Empty where the target has none.
    secret : str
        The canary word, the forbidden phrase, or the canary title of a history; empty for other kinds.
    item : (str, str) or None
        External id and title of the item that is promoted or demoted.
    scene : Scene or None
        What a recommender is asked about.
    k : int
        Length of the list that an item wants to be in, or out of.
    part : Part
        Whether attacks and defences may see it.
    """

    id: str
    kind: GoalKind
    request: str
    system: str = ""
    secret: str = ""
    item: tuple[str, str] | None = None
    scene: Scene | None = None
    k: int = 5
    part: Part = "build"


def goals_digest(goals: tuple[Goal, ...]) -> str:
    """Return the SHA-256 of goals, sorted by id: what stands as ``dataset_sha256`` in tables."""
    return json_digest({"goals": [asdict(goal) for goal in sorted(goals, key=lambda goal: goal.id)]})
