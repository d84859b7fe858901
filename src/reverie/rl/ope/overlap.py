"""How much of a log speaks of a policy: effective sample size, largest weights, missing support; and when no number is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.errors import DataError
from reverie.rl.ope.log import LoggedRounds
from reverie.rl.ope.policy import PolicyOnLog
from reverie.rl.ope.sequential import padded
from reverie.rl.ope.terms import Array

MOST_MISSING = 0.05
"""Share of a policy's probability on items that the log never shows, above which no number is given."""
MOST_GUESSED = 0.5
"""Share of a policy's probability on items that are never shown in the same state, above which a model alone gives no number."""
LEAST_ESS = 50.0
"""Effective number of rounds or sessions below which an estimate from weights is not given."""


@dataclass(frozen=True)
class Overlap:
    """What the weights of a policy on a log look like.

    Parameters
    ----------
    n : int
        Rounds, or sessions.
    ess : float
        Effective number of them.
    mean : float
        Mean weight; its expectation is 1 where the logging policy can show all that the policy shows.
    largest : float
        Largest weight.
    top_share : float
        Share of the hundredth part with the largest weights in the sum of all.
    """

    n: int
    ess: float
    mean: float
    largest: float
    top_share: float


def effective_sample_size(weights: Array) -> float:
    """Return ``(Σ w)² / Σ w²`` (Kish 1965; Kong 1992), 0 where all are 0, 1 where one is beyond all numbers; weights [n]."""
    largest = float(weights.max(initial=0.0))
    if not np.isfinite(largest):
        return 1.0
    scaled = weights / largest if largest > 0 else weights
    squares = float((scaled**2).sum())
    return float(scaled.sum()) ** 2 / squares if squares > 0 else 0.0


def overlap(weights: Array) -> Overlap:
    """Describe weights; weights [n]."""
    total, top = float(weights.sum()), max(1, len(weights) // 100)
    share = float(np.partition(weights, -top)[-top:].sum()) / total if total > 0 else 0.0
    return Overlap(len(weights), effective_sample_size(weights), float(weights.mean()), float(weights.max()), share)


def round_weights(policy: PolicyOnLog) -> Array:
    """Return the weight of each round, ``π(a | h) / μ(a | h)``, or refuse a policy that shows nothing that was shown → [n]."""
    weights = policy.chosen / policy.log.known_propensities()
    if not weights.any():
        raise DataError(
            f"the policy ({policy.said}) gives probability 0 to all that {policy.log.name} shows, so the log says nothing of it; "
            "take a policy with more of what was shown, such as --act softmax with a higher --temperature"
        )
    return np.asarray(weights)


def session_overlap(weights: Array, offsets: NDArray[np.int64], gamma: float) -> Overlap:
    """Describe the products of weights of sessions, step by step, as far as they count.

    Effective size and mean are means over steps, each with weight ``γ^t`` times the share of sessions that reach it; ended sessions
    keep their last product.
    """
    table = np.cumprod(padded(weights, offsets, 1.0), axis=1, dtype=np.float64)
    lengths = np.diff(offsets)
    reached = (lengths[:, None] > np.arange(table.shape[1])).mean(axis=0)
    counts: Array = float(gamma) ** np.arange(table.shape[1]) * reached
    counts /= counts.sum()
    sizes = np.array([effective_sample_size(column) for column in table.T])
    last = overlap(table[:, -1])
    return Overlap(len(table), float(sizes @ counts), float(table.mean(axis=0) @ counts), float(table.max()), last.top_share)


def missing_support(policy: PolicyOnLog) -> str | None:
    """Return why nothing can be estimated of a policy that shows what the log never shows, or None."""
    if policy.missing <= MOST_MISSING:
        return None
    listed = ", ".join(policy.never)
    return (
        f"not given: {policy.missing:.0%} of the policy's probability is on items that the log never shows ({listed} …), more than "
        f"{MOST_MISSING:.0%}"
    )


def too_large(policy: PolicyOnLog) -> str | None:
    """Return why no model can be asked what the policy does, or None."""
    if policy.table is not None:
        return None
    size = f"{len(policy.log):,} rounds × {policy.log.n_items:,} items"
    return f"not given: {size} are too many probabilities to hold; cut the log to fewer rounds"


def nothing_to_fit(log: LoggedRounds) -> str | None:
    """Return why there is no model, which is fitted on other sessions than those that it judges, or None."""
    if log.n_sessions > 1:
        return None
    return "not given: a model is fitted on other rounds or sessions than those it judges, and there is one"


def mostly_guessed(extrapolated: float) -> str | None:
    """Return why a model alone gives no number, or None."""
    if extrapolated <= MOST_GUESSED:
        return None
    share = f"{extrapolated:.0%} of the policy's probability"
    return f"not given: {share} is on items never shown in the same state, more than {MOST_GUESSED:.0%}"


def too_few(found: Overlap, unit: str, least: float) -> str | None:
    """Return why an estimate from these weights is not given, or None."""
    if found.ess >= least:
        return None
    return f"not given: the weights are worth {found.ess:.1f} {unit} of {found.n:,}, fewer than {least:g}"
