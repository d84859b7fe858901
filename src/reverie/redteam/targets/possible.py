"""What is possible: which kinds of goals each kind of target can be measured on."""

from __future__ import annotations

from collections.abc import Sequence

from reverie.errors import ConfigError
from reverie.redteam.goals import KINDS, Goal, GoalKind
from reverie.redteam.roles import Target
from reverie.redteam.slots import Surface

POSSIBLE: dict[str, frozenset[GoalKind]] = {
    "chat": frozenset({"canary", "phrase", "prompt-leak"}),
    "chat-recommender": frozenset({"promote", "demote", "prompt-leak", "history-leak", "off-catalogue"}),
    "collm": frozenset({"promote", "demote"}),
    "recinterpreter": frozenset({"promote", "off-catalogue"}),
    "control": frozenset(KINDS),
}
"""Goal kind by target. CoLLM says one logit, so it cannot leak or invent. RecInterpreter names a few titles of a whole catalogue,
so that an item is not among them says nothing."""
NEVER_REFUSE = frozenset({"collm", "recinterpreter"})
"""Kinds of targets that say no sentence of their own, so that benign requests measure nothing on them."""
SURFACES: dict[str, Surface] = {"collm": "title", "recinterpreter": "history"}
"""Where texts stand on a kind of target; in a message where it is not said."""
SCENES = frozenset({"chat-recommender", "collm", "recinterpreter"})
"""Kinds of targets that need a scene for every goal."""


def check_possible(target: Target, goals: Sequence[Goal]) -> None:
    """Refuse goals that a target cannot be measured on, before anything is asked.

    Parameters
    ----------
    target : Target
    goals : sequence of Goal

    Raises
    ------
    ConfigError
        If a goal is of another kind than those of the target, or lacks the scene that it needs.
    """
    recommends = target.kinds in [POSSIBLE[kind] for kind in SCENES]
    for goal in goals:
        if goal.kind not in target.kinds:
            known = ", ".join(sorted(target.kinds))
            raise ConfigError(
                f"goal '{goal.id}' is of kind '{goal.kind}', which '{target.name}' cannot be measured on; it takes {known}"
            )
        if recommends and goal.scene is None:
            raise ConfigError(f"goal '{goal.id}' has no scene, and '{target.name}' recommends from one; set 'scene'")
