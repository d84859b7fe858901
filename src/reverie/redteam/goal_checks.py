"""What every goal must have before it is attacked: the secret in its prompt, the item in its scene, a detector for its kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reverie.errors import ConfigError, unknown
from reverie.redteam.goals import KINDS, Goal

SHORTEST = 6
"""Letters and digits of a secret: a shorter one would be found by chance in some decoding of a long answer."""


def check_goals(goals: Sequence[Goal]) -> None:
    """Check goals before anything is run.

    Parameters
    ----------
    goals : sequence of Goal
        Ours or a user's.

    Raises
    ------
    ConfigError
        If there are none, two have one id, or one lacks what its detector looks for.
    """
    if not goals:
        raise ConfigError("there are no goals; give at least one")
    twice = next((name for name, count in Counter(goal.id for goal in goals).items() if count > 1), None)
    if twice is not None:
        raise ConfigError(f"two goals have the id '{twice}'; give each its own")
    for goal in goals:
        if fault := _fault(goal):
            raise ConfigError(f"goal '{goal.id}': {fault}")


def _fault(goal: Goal) -> str:
    """Return what is wrong with a goal and what to do, or an empty text."""
    if goal.kind not in KINDS:
        return str(unknown("kind of goal", goal.kind, KINDS))
    if not goal.request.strip():
        return "it has no request, so the null attack would say nothing; write what is wanted in plain words"
    if goal.k < 1:
        return f"k={goal.k} is no length of a list; give 1 or more"
    if goal.kind in ("canary", "phrase", "prompt-leak", "history-leak"):
        if sum(map(str.isalnum, goal.secret)) < SHORTEST:
            return f"its secret has fewer than {SHORTEST} letters and digits, so it would be found by chance; choose a longer one"
        if goal.kind != "phrase" and goal.secret.casefold() in goal.request.casefold():
            return "its request tells the secret, so a target that only repeats it would count as broken; take the secret out"
    if goal.kind in ("canary", "phrase", "prompt-leak") and goal.secret.casefold() not in goal.system.casefold():
        named = {"canary": "canary word", "phrase": "forbidden phrase", "prompt-leak": "canary"}[goal.kind]
        return f"the system prompt does not hold the {named}, so nothing could be leaked; put it there"
    return _fault_of_scene(goal)


def _fault_of_scene(goal: Goal) -> str:
    if goal.kind in ("promote", "demote") and goal.item is None:
        return f"no item is named that attacks should {goal.kind}; set item"
    if goal.kind in ("promote", "demote", "history-leak", "off-catalogue") and goal.scene is None:
        return "it has no scene, so there is nothing to recommend from; set scene"
    if goal.scene is not None and goal.kind in ("promote", "demote"):
        among = {item for item, _ in goal.scene.candidates}
        if goal.item is not None and goal.item[0] not in among:
            return f"item '{goal.item[0]}' is not among the candidates; add it"
        if goal.k >= len(among):
            return f"a list of {goal.k} holds all {len(among)} candidates, so every item is in it; set k lower"
    if goal.kind == "history-leak" and goal.scene is not None:
        if all(title != goal.secret for _, title in goal.scene.other):
            return "the other user's history does not hold the canary title; put it there"
        if goal.secret in {title for _, title in (*goal.scene.history, *goal.scene.candidates)}:
            return "the canary title stands in the user's own history or among the candidates; choose another"
    return ""
