"""Hand-written cases: attacks with explanations for each kind of goal, in two sets that share nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from reverie.errors import ConfigError, unknown
from reverie.options import Options, checked
from reverie.plain_yaml import read_yaml
from reverie.redteam.goals import KINDS, Goal, GoalKind, Part
from reverie.redteam.roles import Case
from reverie.redteam.slots import SLOT, SLOTS, Surface, check_slots, slot_values
from reverie.redteam.slots import fill_slots as fill_slots

CaseSet = Literal["attack", "evaluation"]
"""Cases that attackers learn from, and those that final numbers rest on."""
SETS: tuple[CaseSet, ...] = get_args(CaseSet)
PARTS: dict[CaseSet, Part] = {"attack": "build", "evaluation": "held-out"}
"""Part of the goals that each set is for: goals of either part are attacked apart, so that nothing of a held-out goal or case finds
its way into what a defence learns from."""


class _Written(Options):
    id: str
    text: str
    explanation: str


class _CaseFile(Options):
    kind: GoalKind
    surface: Surface = "message"
    attack: tuple[_Written, ...]
    evaluation: tuple[_Written, ...]


def hand_written(kind: GoalKind, part: CaseSet = "attack", surface: Surface = "message") -> tuple[Case, ...]:
    """Return the twelve packaged cases of a kind of goal in one of the two sets.

    Parameters
    ----------
    kind : GoalKind
        What the cases aim at.
    part : {"attack", "evaluation"}
        Which set.
    surface : {"message", "title", "history"}
        Where the texts will stand; titles are for promote and demote, histories for promote and off-catalogue.

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
    if (kind, surface) not in SLOTS:
        raise unknown(f"surface of {kind}", surface, [one for known, one in SLOTS if known == kind])
    return _packaged(kind, surface)[part]


@cache
def _packaged(kind: GoalKind, surface: Surface) -> dict[CaseSet, tuple[Case, ...]]:
    name = kind if surface == "message" else f"{kind}-{surface}"
    return read_cases(Path(__file__).parent / "hand_written" / f"{name}.yaml")


def read_cases(path: str | Path) -> dict[CaseSet, tuple[Case, ...]]:
    """Read a YAML file of cases.

    It holds ``kind``, ``surface`` where it is not message, and under ``attack`` and ``evaluation`` lists of mappings with ``id``,
    ``text`` and ``explanation``.

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
    made = {
        name: tuple(Case(one.id, file.kind, one.text, one.explanation, PARTS[name]) for one in getattr(file, name)) for name in SETS
    }
    seen: dict[str, str] = {}
    for case in (*made["attack"], *made["evaluation"]):
        check_slots(case, str(path), file.surface)
        for mark in (f"id '{case.id}'", f"text of '{case.id}'"):
            key = case.id if mark.startswith("id") else " ".join(case.text.casefold().split())
            if key in seen:
                raise ConfigError(
                    f"{path}: the {mark} stands twice (as in '{seen[key]}'); cases are distinct, also between the sets"
                )
            seen[key] = case.id
    return made


def render_case(case: Case, goal: Goal) -> str:
    """Return the text of a case for one goal; see `fill_slots`.

    Parameters
    ----------
    case : Case
        Of the goal's kind.
    goal : Goal
        Fills the slots.

    Returns
    -------
    str
        What the attacker says; a canary is never filled in.

    Raises
    ------
    ConfigError
        If the case is of another kind, or the goal has nothing for one of its slots.
    """
    if case.kind != goal.kind:
        raise ConfigError(
            f"case '{case.id}' is for goals of kind {case.kind}, and '{goal.id}' is a {goal.kind}; choose another case"
        )
    lacking = {*SLOT.findall(case.text)} - slot_values(goal).keys()
    if lacking:
        raise ConfigError(f"case '{case.id}' has the slot {{{min(lacking)}}}, for which goal '{goal.id}' has nothing; take it out")
    return fill_slots(case.text, goal)
