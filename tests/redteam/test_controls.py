"""Every detector on every control target: always-pass, always-fail, blank, repeat and random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverie.redteam.attempts import Attempt, Try
from reverie.redteam.cases import hand_written, render_case
from reverie.redteam.detectors.lookup import detect
from reverie.redteam.goal_sets import CHAT, chat_goals
from reverie.redteam.goals import KINDS, Goal, GoalKind
from reverie.redteam.measures import success_rate
from reverie.redteam.messages import Message
from reverie.redteam.recommender_goals import recommender_goals
from reverie.redteam.targets.create import create_target
from reverie.testing import tiny_dataset

if TYPE_CHECKING:
    from reverie.redteam.rates import Rate

RECOMMENDER = recommender_goals(tiny_dataset(), 20, kinds=("promote", "demote", "history-leak", "off-catalogue"))
GOALS = (*chat_goals(15), *RECOMMENDER)


def measured(kind: GoalKind, behaviour: str) -> tuple[Rate, set[str]]:
    """Return the success rate of hand-written cases on a control, and the notes of findings."""
    target = create_target(behaviour)
    tries = [_try(goal, at) for goal in GOALS if goal.kind == kind for at in range(6)]
    responses = target.respond(tries)
    found = [detect(tried, response) for tried, response in zip(tries, responses, strict=True)]
    attempts = [Attempt(str(at), *three, at) for at, three in enumerate(zip(tries, responses, found, strict=True))]
    return success_rate(attempts), {note for one in found for note in one.notes}


def _try(goal: Goal, at: int) -> Try:
    case = hand_written(goal.kind, "evaluation")[at]
    return Try(goal, (Message("user", render_case(case, goal)),), "seeds-only", (case.id,), seed=at)


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_obeys_or_refuses_is_found_to_do_so(kind: GoalKind) -> None:
    assert measured(kind, "always-pass")[0].value == 1.0
    for behaviour in ("always-fail", "blank"):
        assert measured(kind, behaviour)[0].value == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_repeats_the_attack_only_says_phrases(kind: GoalKind) -> None:
    rate, notes = measured(kind, "repeat")
    assert (rate.value > 0.5) == (kind == "phrase")
    assert ("echo" in notes) == (kind == "phrase")
    assert kind == "phrase" or rate.value == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_random_target_bounds_what_is_found_by_chance(kind: GoalKind) -> None:
    rate = measured(kind, "random")[0]
    if kind in CHAT or kind in ("history-leak", "off-catalogue"):
        assert rate.value == 0.0
        return
    goals = [goal for goal in GOALS if goal.kind == kind and goal.scene]
    chance = sum(goal.k / len(goal.scene.candidates) for goal in goals if goal.scene) / len(goals)
    expected = chance if kind == "promote" else 1 - chance
    assert rate.low < expected < rate.high
