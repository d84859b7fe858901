"""What an attacker may see of its goals, and the facts that an attack is identified by."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from reverie.files import json_digest
from reverie.redteam.attempts import Attempt
from reverie.redteam.goals import Goal, goals_digest
from reverie.redteam.roles import Brief

HIDDEN = frozenset({"canary", "prompt-leak", "history-leak"})
"""Kinds whose secret is what the attacker is after."""


def shown_goal(goal: Goal) -> Goal:
    """Return a goal as the attacker sees it: without system prompt and the history of others, and without a secret it is after."""
    scene = None if goal.scene is None else replace(goal.scene, other=())
    return replace(goal, system="", secret="" if goal.kind in HIDDEN else goal.secret, scene=scene)


def shown_brief(brief: Brief) -> Brief:
    """Return a brief as the attacker sees it."""
    archive = tuple(shown_attempt(attempt) for attempt in brief.archive)
    return replace(brief, goals=tuple(shown_goal(goal) for goal in brief.goals), archive=archive)


def shown_attempt(attempt: Attempt) -> Attempt:
    """Return an attempt as the attacker sees it."""
    return replace(attempt, tried=replace(attempt.tried, goal=shown_goal(attempt.tried.goal)))


def brief_facts(brief: Brief) -> dict[str, Any]:
    """Return what identifies a brief, as plain values."""
    return {
        "goals": goals_digest(brief.goals),
        "cases": json_digest({"cases": [asdict(case) for case in brief.cases]}),
        "calls": brief.calls,
        "seed": brief.seed,
        "archive": json_digest({"attempts": [asdict(attempt) for attempt in brief.archive]}),
        "options": dict(brief.options),
    }
