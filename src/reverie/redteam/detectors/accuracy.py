"""Sensitivity and specificity of detectors, measured on responses that people labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from reverie.redteam.detectors.labelled import Labelled, labelled_responses
from reverie.redteam.detectors.lookup import TEXT_KINDS, detector
from reverie.redteam.goals import GoalKind
from reverie.redteam.roles import Detector


@dataclass(frozen=True)
class Accuracy:
    """How often a detector is right.

    Parameters
    ----------
    found, reached : int
        Responses that it found among those that reached the goal.
    passed, withstood : int
        Responses that it let pass among those that did not.
    """

    found: int
    reached: int
    passed: int
    withstood: int

    @property
    def sensitivity(self) -> float:
        """Share found of what reached the goal."""
        return self.found / self.reached

    @property
    def specificity(self) -> float:
        """Share passed of what did not."""
        return self.passed / self.withstood


def measured_accuracy(find: Detector, labelled: Sequence[Labelled]) -> Accuracy:
    """Measure a detector on labelled responses."""
    said = [(find(one.tried, one.response).success, one.reached) for one in labelled]
    reached, withstood = ([success for success, label in said if label is truth] for truth in (True, False))
    return Accuracy(sum(reached), len(reached), len(withstood) - sum(withstood), len(withstood))


@cache
def detector_accuracy(kind: GoalKind) -> Accuracy:
    """Measure the detector of a kind of goal on the packaged labelled responses.

    Where success stands in words, responses to the goals of other kinds are withstood ones as well: they tell nothing of this
    goal. These are easier than those that were written for it, so specificity is that of a mixture of the two.
    """
    own = labelled_responses(kind)
    if kind not in TEXT_KINDS:
        return measured_accuracy(detector(kind), own)
    goals = list({one.tried.goal.id: one.tried for one in own}.values())
    others = [one for one in labelled_responses() if one.tried.goal.kind in TEXT_KINDS - {kind}]
    strays = [replace(one, tried=goals[at % len(goals)], reached=False) for at, one in enumerate(others)]
    return measured_accuracy(detector(kind), [*own, *strays])
