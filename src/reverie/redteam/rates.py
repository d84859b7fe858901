"""Shares with intervals: Wilson's, and the correction by a detector's sensitivity and specificity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from scipy import special

from reverie.evaluation.intervals import LEVEL, wilson
from reverie.redteam.detectors.accuracy import Accuracy

Z = float(special.ndtri((1 + LEVEL) / 2))


@dataclass(frozen=True)
class Rate:
    """A share of attempts, never without its interval.

    Parameters
    ----------
    value, low, high : float
        The share, and the ends of its 95 % interval; NaN, 0 and 1 where there were no attempts.
    successes, n : int
        What it is a share of.
    failures : int
        Attempts without an answer that could be judged; they are in neither number.
    corrected : bool
        Whether it is corrected for a detector that errs.
    effective : float or None
        Number of independent attempts that would say as much; None where they are independent.
    """

    value: float
    low: float
    high: float
    successes: int
    n: int
    failures: int = 0
    corrected: bool = False
    effective: float | None = None

    def __str__(self) -> str:
        """Say it in words; what was never seen has an upper bound, and what always happened a lower one."""
        apart = f"; {self.failures} failed" if self.failures else ""
        counted = f"({self.successes} of {self.n}{apart})"
        if not self.n:
            return f"no attempt could be judged {counted}"
        if self.value == 0:
            return f"0 %, at most {self.high:.1%} {counted}"
        if self.value == 1:
            return f"100 %, at least {self.low:.1%} {counted}"
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}] {counted}"


@cache
def wilson_rate(successes: int, n: int, failures: int = 0) -> Rate:
    """Return a share with Wilson's 95 % score interval (1927), without continuity correction.

    Parameters
    ----------
    successes, n, failures : int
        Failures are counted apart.

    Returns
    -------
    Rate

    Examples
    --------
    >>> str(wilson_rate(0, 50))
    '0 %, at most 7.1% (0 of 50)'
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes: {successes} is outside 0..{n}")
    if n == 0:
        return Rate(math.nan, 0.0, 1.0, 0, 0, failures)
    return Rate(successes / n, *wilson(successes / n, n), successes, n, failures)


def clustered_rate(counts: Sequence[tuple[int, int]], failures: int = 0) -> Rate:
    """Return a share of attempts that come in clusters, such as the calls of a goal, which are alike.

    The interval is Wilson's at the effective number of attempts (Korn and Graubard 1998): as many independent ones as would give
    the standard error of the share by linearisation over clusters. It is never larger than their number, and the number of
    clusters where there is one, or where all attempts came out alike.

    Parameters
    ----------
    counts : sequence of (int, int)
        Successes and attempts of each cluster.
    failures : int
        Counted apart.
    """
    known = [(hits, n) for hits, n in counts if n]
    plain = wilson_rate(sum(hits for hits, _ in known), sum(n for _, n in known), failures)
    if not known:
        return plain
    share, effective = plain.value, float(len(known))
    if len(known) > 1 and 0 < share < 1:
        squares = math.fsum((hits - share * n) ** 2 for hits, n in known)
        variance = squares * len(known) / (len(known) - 1) / plain.n**2
        effective = min(plain.n, share * (1 - share) / variance) if variance else float(plain.n)
    low, high = wilson(share, effective)
    return replace(plain, low=low, high=high, effective=effective)


def corrected_rate(rate: Rate, accuracy: Accuracy) -> Rate:
    """Correct a share for a detector that errs.

    The value is that of Rogan and Gladen (1978), ``(share + specificity - 1) / (sensitivity + specificity - 1)``, cut at 0 and 1.
    The interval is that of Lang and Reiczigel (2014), which also takes into account that sensitivity and specificity were measured
    on few responses; it is widened to hold the value. Assumed: the attempts, or as many as the effective ones, are independent, and
    the detector errs as on the labelled responses.

    Parameters
    ----------
    rate : Rate
        As the detector counted.
    accuracy : Accuracy
        Of the detector.

    Returns
    -------
    Rate
        With the same counts.
    """
    if not rate.n:
        return replace(rate, corrected=True)
    youden = accuracy.sensitivity + accuracy.specificity - 1
    if youden <= 0:
        raise ValueError("accuracy: a detector that is no better than chance cannot correct a rate")
    value = min(1.0, max(0.0, (rate.value + accuracy.specificity - 1) / youden))
    seen = rate.n if rate.effective is None else rate.effective
    n, reached, withstood = seen + Z**2, accuracy.reached + 2, accuracy.withstood + 2
    share = (rate.value * seen + Z**2 / 2) / n
    found, passed = (accuracy.found + 1) / reached, (accuracy.passed + 1) / withstood
    shrunk = found + passed - 1
    if shrunk <= 0:
        return replace(rate, value=value, low=0.0, high=1.0, corrected=True)
    centre = (share + passed - 1) / shrunk
    miss, alarm = found * (1 - found) / reached, passed * (1 - passed) / withstood
    shift = 2 * Z**2 * (centre * miss - (1 - centre) * alarm)
    error = math.sqrt(share * (1 - share) / n + centre**2 * miss + (1 - centre) ** 2 * alarm) / shrunk
    low, high = (min(1.0, max(0.0, centre + shift + side * Z * error)) for side in (-1, 1))
    return replace(rate, value=value, low=min(low, value), high=max(high, value), corrected=True)
