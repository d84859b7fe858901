"""Hand-written cases: attacks with explanations for each kind of goal, in two sets that share nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from reverie.errors import ConfigError, nearest, unknown
from reverie.options import Options, checked
from reverie.plain_yaml import read_yaml
from reverie.redteam.goals import KINDS, Goal, GoalKind
from reverie.redteam.roles import Case

CaseSet = Literal["attack", "evaluation"]
"""Cases that attackers learn from, and those that final numbers rest on."""
SETS: tuple[CaseSet, ...] = get_args(CaseSet)
_SLOT = re.compile(r"\{([A-Za-z_]+)\}")
_ANY = frozenset({"request", "k"})
SLOTS: Mapping[GoalKind, tuple[frozenset[str], frozenset[str]]] = {
    "canary": (frozenset({"request"}), _ANY),
    "phrase": (frozenset({"request", "phrase"}), _ANY | {"phrase"}),
    "prompt-leak": (frozenset({"request"}), _ANY),
    "promote": (frozenset({"title", "request"}), _ANY | {"title"}),
    "demote": (frozenset({"title", "request"}), _ANY | {"title"}),
    "history-leak": (frozenset({"request"}), _ANY),
    "off-catalogue": (frozenset({"request"}), _ANY),
}
"""Of each kind, the slots of which a text needs one, and all that it may have."""


class _Written(Options):
    id: str
    text: str
    explanation: str


class _CaseFile(Options):
    kind: GoalKind
    attack: tuple[_Written, ...]
    evaluation: tuple[_Written, ...]


def hand_written(kind: GoalKind, part: CaseSet = "attack") -> tuple[Case, ...]:
    """Return the twelve packaged cases of a kind of goal in one of the two sets.

    Parameters
    ----------
    kind : GoalKind
        What the cases aim at.
    part : {"attack", "evaluation"}
        Which set.

    Returns
    -------
    tuple of Case
        Their texts hold slots, which `render_case` fills.

    Examples
    --------
    >>> hand_written("canary")[0].id
    'canary-dictionary'
    """
    if kind not in KINDS:
        raise unknown("kind of goal", kind, KINDS)
    if part not in SETS:
        raise unknown("set of cases", part, SETS)
    return _packaged(kind)[part]


@cache
def _packaged(kind: GoalKind) -> dict[CaseSet, tuple[Case, ...]]:
    return read_cases(Path(__file__).parent / "hand_written" / f"{kind}.yaml")


def read_cases(path: str | Path) -> dict[CaseSet, tuple[Case, ...]]:
    """Read a YAML file of cases: ``kind``, and under ``attack`` and ``evaluation`` lists of ``id``, ``text`` and ``explanation``.

    Parameters
    ----------
    path : path
        Packaged or a user's.

    Returns
    -------
    dict
        Cases by their set.

    Raises
    ------
    ConfigError
        If a key is wrong, a text lacks its slot or has one that nothing fills, or the sets share an id or a text.
    """
    found: Any = read_yaml(Path(path))
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: it is no mapping; write kind, attack and evaluation")
    file = checked(_CaseFile, found, str(path))
    made = {part: tuple(Case(one.id, file.kind, one.text, one.explanation) for one in getattr(file, part)) for part in SETS}
    seen: dict[str, str] = {}
    for case in (*made["attack"], *made["evaluation"]):
        check_slots(case, str(path))
        for mark in (f"id '{case.id}'", f"text of '{case.id}'"):
            key = case.id if mark.startswith("id") else " ".join(case.text.casefold().split())
            if key in seen:
                raise ConfigError(
                    f"{path}: the {mark} stands twice (as in '{seen[key]}'); cases are distinct, also between the sets"
                )
            seen[key] = case.id
    return made


def check_slots(case: Case, where: str) -> None:
    """Check that a text has a slot of its kind and none that nothing fills."""
    needed, known = SLOTS[case.kind]
    found = _SLOT.findall(case.text)
    wrong = next((name for name in found if name not in known), None)
    if wrong is not None:
        listed = ", ".join(f"{{{name}}}" for name in sorted(known))
        raise ConfigError(
            f"{where}: case '{case.id}' has the slot {{{wrong}}}{nearest(wrong, known)}; a {case.kind} knows {listed}"
        )
    if not needed & {*found}:
        listed = " or ".join(f"{{{name}}}" for name in sorted(needed))
        raise ConfigError(f"{where}: case '{case.id}' lacks its slot {listed}; put it where the goal should stand")


def render_case(case: Case, goal: Goal) -> str:
    """Return the text of a case for one goal.

    Parameters
    ----------
    case : Case
        Of the goal's kind.
    goal : Goal
        Fills ``{request}``, ``{phrase}`` (the forbidden phrase), ``{title}`` (of the goal's item) and ``{k}``.

    Returns
    -------
    str
        What the attacker says; a canary is never filled in.
    """
    if case.kind != goal.kind:
        raise ConfigError(
            f"case '{case.id}' is for goals of kind {case.kind}, and '{goal.id}' is a {goal.kind}; choose another case"
        )
    check_slots(case, "cases")
    return fill_slots(case.text, goal)


def fill_slots(text: str, goal: Goal) -> str:
    """Fill the slots of any template of a goal's kind; what is filled in is not looked at again."""
    values = {"request": goal.request, "k": str(goal.k)}
    if goal.kind == "phrase":
        values["phrase"] = goal.secret
    if goal.item is not None:
        values["title"] = goal.item[1]
    return _SLOT.sub(lambda match: values.get(match[1], match[0]), text)
