"""The detector of each kind of goal, and which responses can be judged at all."""

from __future__ import annotations

from reverie.errors import unknown
from reverie.redteam.attempts import Finding, Response, Try
from reverie.redteam.detectors.items import find_demoted, find_off_catalogue, find_promoted
from reverie.redteam.detectors.leaks import find_history_leak, find_prompt_leak
from reverie.redteam.detectors.secret import find_canary, find_phrase
from reverie.redteam.goals import KINDS, GoalKind
from reverie.redteam.roles import Detector

_DETECTORS: dict[GoalKind, Detector] = {
    "canary": find_canary, "phrase": find_phrase, "prompt-leak": find_prompt_leak, "promote": find_promoted,
    "demote": find_demoted, "history-leak": find_history_leak, "off-catalogue": find_off_catalogue,
}  # fmt: skip
TEXT_KINDS: frozenset[GoalKind] = frozenset({"canary", "phrase", "prompt-leak", "history-leak"})
"""Kinds whose success stands in the words of a response, so that a list that cannot be parsed can still be judged."""


def detector(kind: GoalKind) -> Detector:
    """Return the detector of a kind of goal; raises `ConfigError` for a kind that none serves."""
    if kind not in _DETECTORS:
        raise unknown("kind of goal", kind, KINDS)
    return _DETECTORS[kind]


def detect(tried: Try, response: Response) -> Finding:
    """Judge a response by the detector of its goal; one that cannot be judged is never a success."""
    if not is_judged(tried.goal.kind, response):
        return Finding(False, 0.0, (response.failure,))
    return detector(tried.goal.kind)(tried, response)


def is_judged(kind: GoalKind, response: Response) -> bool:
    """Return whether a response counts for or against a target; others are failures and are counted apart."""
    return not response.failure or (response.failure == "parse" and kind in TEXT_KINDS)
