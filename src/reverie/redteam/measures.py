"""Measures of attempts: success by attempt and by goal, yield, and coverage of an archive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Literal, TypeVar

from reverie.evaluation.effects import NO_INTERVAL, Effect
from reverie.redteam.attempts import Attempt
from reverie.redteam.detectors.lookup import is_judged
from reverie.redteam.rates import Rate, wilson_rate

if TYPE_CHECKING:
    import polars as pl

K = TypeVar("K", bound=Hashable)
How = Literal["mean", "any"]
"""Of a goal: the share of its attempts that got through, or whether any did."""


def is_counted(attempt: Attempt) -> bool:
    """Return whether an attempt counts for or against its target; others are failures."""
    return is_judged(attempt.tried.goal.kind, attempt.response)


def success_rate(attempts: Iterable[Attempt]) -> Rate:
    """Return the share of attempts that got through, with Wilson's interval; failures are counted apart.

    Attempts on one goal are alike, so this interval is too narrow for a claim about other goals: that is `mean_over_goals`.
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


def by_goal(attempts: Iterable[Attempt], how: How = "mean") -> dict[str, float]:
    """Return one value for each goal, by its id; goals with failures alone are left out."""
    found: dict[str, list[bool]] = defaultdict(list)
    for attempt in attempts:
        if is_counted(attempt):
            found[attempt.tried.goal.id].append(attempt.finding.success)
    return {goal: fmean(values) if how == "mean" else float(any(values)) for goal, values in found.items()}


def mean_over_goals(seeds: Sequence[Iterable[Attempt]], how: How = "mean", seed: int = 0) -> Effect:
    """Return the mean over goals, each of the same weight, with a bootstrap interval that draws goals, and seeds where several.

    Where no attempt got through, or all did, a bootstrap has no width: the interval then is Wilson's for the number of goals.

    Parameters
    ----------
    seeds : sequence of iterables of Attempt
        The attempts of each seed.
    how : {"mean", "any"}
        What a goal's value is.
    seed : int
        Of the resamples.

    Returns
    -------
    Effect
    """
    from reverie.evaluation.intervals import mean_over_seeds

    found = [by_goal(attempts, how) for attempts in seeds]
    if not any(found):
        raise ValueError("seeds: no attempt could be judged")
    effect = mean_over_seeds([_frame(values) for values in found if values], seed)
    if effect.value in (0.0, 1.0):
        sure = wilson_rate(round(effect.value * effect.n), effect.n)
        effect = replace(effect, low=sure.low, high=sure.high, interval="wilson", p=None, test="", detectable=None)
    return effect


def difference_over_goals(
    seeds: Sequence[Iterable[Attempt]], others: Sequence[Iterable[Attempt]], how: How = "mean", seed: int = 0
) -> Effect:
    """Return the mean difference of two sides on the same goals, paired by seed and goal, with a bootstrap interval over goals.

    No interval where all goals differ by the same: a bootstrap would have no width.
    """
    from reverie.evaluation.intervals import difference_over_seeds

    pairs = [(by_goal(first, how), by_goal(other, how)) for first, other in zip(seeds, others, strict=True)]
    if not all(first.keys() & other.keys() for first, other in pairs):
        raise ValueError("others: the two sides share no goal at some seed")
    left, right = ([_frame(pair[side]) for pair in pairs] for side in (0, 1))
    effect = difference_over_seeds(left, right, seed)
    if effect.low == effect.high:
        return Effect(effect.value, None, None, None, effect.n, effect.seeds, NO_INTERVAL)
    return effect


def _frame(values: Mapping[str, float]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame({"user": list(values), "value": list(values.values())}, schema={"user": pl.String, "value": pl.Float64})


def call_yield(attempts: Sequence[Attempt]) -> Rate:
    """Return accepted attempts per call of the target, failed calls included; times 1,000 it is the yield of tables."""
    return wilson_rate(sum(attempt.finding.success for attempt in attempts), len(attempts))


def archive_coverage(attempts: Iterable[Attempt], goals: Iterable[str], techniques: Iterable[str]) -> float:
    """Return the share of cells, goal id by technique, in which some attempt got through; as in Rainbow Teaming (2402.16822)."""
    cells = {(goal, technique) for goal in goals for technique in techniques}
    if not cells:
        raise ValueError("goals and techniques: there is no cell to cover")
    filled = {(one.tried.goal.id, one.tried.technique) for one in attempts if one.finding.success}
    return len(filled & cells) / len(cells)
