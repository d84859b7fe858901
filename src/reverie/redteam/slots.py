"""Slots of templates: which a text must have, by its kind of goal and where it will stand, and what a goal fills them with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from reverie.errors import ConfigError, nearest
from reverie.redteam.goals import Goal, GoalKind
from reverie.redteam.roles import Case

SLOT = re.compile(r"\{([A-Za-z_]+)\}")
Surface = Literal["message", "title", "history"]
"""Where a text stands: in what a user says, in the title of an item (CoLLM), or as events of a history (RecInterpreter)."""
_EVENTS = frozenset({"past", "first", "candidate", "another"})
SLOTS: Mapping[tuple[GoalKind, Surface], frozenset[str]] = {
    ("canary", "message"): frozenset({"request"}),
    ("phrase", "message"): frozenset({"request", "phrase"}),
    ("prompt-leak", "message"): frozenset({"request"}),
    ("promote", "message"): frozenset({"request", "title"}),
    ("demote", "message"): frozenset({"request", "title"}),
    ("history-leak", "message"): frozenset({"request"}),
    ("off-catalogue", "message"): frozenset({"request"}),
    ("promote", "title"): frozenset(),
    ("demote", "title"): frozenset(),
    ("promote", "history"): frozenset({"request", "title"}),
    ("off-catalogue", "history"): frozenset({"request"}) | _EVENTS,
}
"""Slots of which a text must have one, by kind of goal and surface; none where the item's own title stands beside the text."""


def check_slots(case: Case, where: str, surface: Surface = "message") -> None:
    """Check that a text has a slot of its kind and surface, and none that nothing fills."""
    if (case.kind, surface) not in SLOTS:
        raise ConfigError(f"{where}: a {case.kind} has no texts of surface '{surface}'; leave 'surface' out")
    needed, found = SLOTS[case.kind, surface], SLOT.findall(case.text)
    known = needed | {"request", "k"} | ({"title"} if case.kind in ("promote", "demote") else set())
    known |= _EVENTS if surface == "history" else set()
    wrong = next((name for name in found if name not in known), None)
    if wrong is not None:
        listed = ", ".join(f"{{{name}}}" for name in sorted(known))
        raise ConfigError(
            f"{where}: case '{case.id}' has the slot {{{wrong}}}{nearest(wrong, known)}; a {case.kind} knows {listed}"
        )
    if needed and not needed & {*found}:
        listed = " or ".join(f"{{{name}}}" for name in sorted(needed))
        raise ConfigError(f"{where}: case '{case.id}' lacks its slot {listed}; put it where the goal should stand")


def fill_slots(text: str, goal: Goal) -> str:
    """Fill the slots of any template of a goal's kind; what is filled in is not looked at again, other braces stay."""
    values = slot_values(goal)
    return SLOT.sub(lambda match: values.get(match[1], match[0]), text)


def slot_values(goal: Goal) -> dict[str, str]:
    """Return what a goal fills slots with.

    ``request``, ``k``; ``phrase`` (the forbidden one), ``title`` (of the goal's item); of its scene ``past`` and ``first`` (titles
    of the latest and the oldest item of the history), ``candidate`` and ``another`` (the first two candidates but the goal's item).
    """
    values = {"request": goal.request, "k": str(goal.k)}
    if goal.kind == "phrase":
        values["phrase"] = goal.secret
    if goal.item is not None:
        values["title"] = goal.item[1]
    if goal.scene is not None:
        if goal.scene.history:
            values |= {"past": goal.scene.history[-1][1], "first": goal.scene.history[0][1]}
        rivals = [title for item, title in goal.scene.candidates if goal.item is None or item != goal.item[0]]
        values |= dict(zip(("candidate", "another"), rivals, strict=False))
    return values
