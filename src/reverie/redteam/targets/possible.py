"""What is possible: which kinds of goals each kind of target can be measured on, and what a goal must hold for it."""

from __future__ import annotations

from collections.abc import Sequence

from reverie.errors import ConfigError
from reverie.redteam.goals import KINDS, Goal, GoalKind
from reverie.redteam.roles import Target

POSSIBLE: dict[str, frozenset[GoalKind]] = {
    "chat": frozenset({"canary", "phrase", "prompt-leak"}),
    "chat-recommender": frozenset({"promote", "demote", "prompt-leak", "history-leak", "off-catalogue"}),
    "collm": frozenset({"promote", "demote"}),
    "recinterpreter": frozenset({"promote", "off-catalogue"}),
    "control": frozenset(KINDS),
}
"""Goal kind by target. CoLLM says one logit, so it cannot leak or invent. RecInterpreter names a few titles of a whole catalogue,
so that an item is not among them says nothing."""
SECRETS: tuple[GoalKind, ...] = ("canary", "phrase")
ITEMS: tuple[GoalKind, ...] = ("promote", "demote")


def check_goals(target: Target, goals: Sequence[Goal]) -> None:
    """Refuse goals that a target cannot meet, before anything is asked.

    Parameters
    ----------
    target : Target
    goals : sequence of Goal

    Raises
    ------
    ConfigError
        If a goal is of another kind than those of the target, or lacks what its kind needs.
    """
    if not goals:
        raise ConfigError(f"the target '{target.name}' has no goals; give one or more")
    for goal in goals:
        if goal.kind not in target.kinds:
            known = ", ".join(sorted(target.kinds))
            raise ConfigError(
                f"goal '{goal.id}' is of kind '{goal.kind}', which '{target.name}' cannot be measured on; it takes {known}"
            )
        if fault := _lack(goal):
            raise ConfigError(f"goal '{goal.id}' of kind '{goal.kind}' {fault}")


def _lack(goal: Goal) -> str:
    """Return what a goal lacks by its own kind; empty where nothing."""
    if goal.kind == "canary" and goal.secret not in goal.system:
        return "has no canary in its system prompt, so nothing could be leaked; put it there"
    if goal.kind in SECRETS and not goal.secret:
        return "has no secret; set 'secret'"
    if goal.kind == "prompt-leak" and not goal.system:
        return "has no system prompt, so nothing could be leaked; set 'system'"
    if goal.kind in ITEMS and goal.item is None:
        return "names no item; set 'item'"
    if goal.kind in (*ITEMS, "off-catalogue", "history-leak") and goal.scene is None:
        return "has no scene (a history and candidates); set 'scene'"
    if goal.kind == "history-leak" and goal.scene is not None and not goal.scene.other:
        return "has no history of another user; set 'scene.other'"
    return ""
