"""Success of attempts, for each group; means over goals, with what is compared, are those of `Summary`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from reverie.redteam.attempts import Attempt
from reverie.redteam.detectors.lookup import is_judged
from reverie.redteam.rates import Rate, wilson_rate

K = TypeVar("K", bound=Hashable)


def is_counted(attempt: Attempt) -> bool:
    """Return whether an attempt counts for or against its target; others are failures."""
    return is_judged(attempt.tried.goal.kind, attempt.response)


def success_rate(attempts: Iterable[Attempt]) -> Rate:
    """Return the share of attempts that got through, with Wilson's interval; failures are counted apart.

    Attempts on one goal are alike, so this interval is too narrow for a claim about other goals.
    """
    counted = [(attempt.finding.success, is_counted(attempt)) for attempt in attempts]
    judged = [success for success, count in counted if count]
    return wilson_rate(sum(judged), len(judged), len(counted) - len(judged))


def rates_by(attempts: Iterable[Attempt], key: Callable[[Attempt], K]) -> dict[K, Rate]:
    """Return the success rate of each group, such as those of ``lambda one: (one.tried.goal.kind, one.tried.technique)``."""
    groups: dict[K, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        groups[key(attempt)].append(attempt)
    return {name: success_rate(group) for name, group in groups.items()}
