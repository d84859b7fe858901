"""Names of estimators, how estimates are made, and what one of them says."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from reverie.errors import ConfigError, unknown
from reverie.evaluation.effects import finite
from reverie.rl.ope.intervals import REFITS, RESAMPLES, Kind
from reverie.rl.ope.overlap import LEAST_ESS

PER_ROUND = ("ips", "clipped-ips", "snips", "dm", "dr", "switch")
PER_SESSION = ("pdis", "wpdis", "sequential-dr", "fqe")
ESTIMATORS = (*PER_ROUND, *PER_SESSION, "slate")
"""Names of all estimators."""


@dataclass(frozen=True)
class Settings:
    """How estimates are made.

    Parameters
    ----------
    gamma : float
        Discount of returns per session, 0 <= gamma < 1.
    clip : float or None
        Largest weight of ``clipped-ips``, and the weight above which ``switch`` trusts its model alone; by default the square
        root of the number of rounds (Ionides 2008).
    interval : {"bootstrap-t", "percentile"}
        See `reverie.rl.ope.intervals.intervals`.
    resamples, refits : int
        Resamples of estimates that are sums, and of models that are fitted again.
    least_ess : float
        Effective number of rounds or sessions below which no number is given.
    seed : int
        Of folds and resamples.
    """

    gamma: float = 0.9
    clip: float | None = None
    interval: Kind = "bootstrap-t"
    resamples: int = RESAMPLES
    refits: int = REFITS
    least_ess: float = LEAST_ESS
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.gamma < 1:
            raise ConfigError(f"--gamma {self.gamma:g} is no discount; give a number from 0 up to, not including, 1")
        if self.clip is not None and not (self.clip > 0 and math.isfinite(self.clip)):
            raise ConfigError(f"--clip {self.clip:g} is no limit of weights; give a positive number")
        if self.interval not in ("bootstrap-t", "percentile"):
            raise unknown("interval", self.interval, ("bootstrap-t", "percentile"))


@dataclass(frozen=True)
class Estimate:
    """What one estimator says.

    Parameters
    ----------
    estimator : str
        One of `ESTIMATORS`, or ``logged``: what the logging policy earned, for comparison.
    target : str
        What is estimated: ``reward per round``, ``return per session`` or ``reward per list``.
    value, low, high : float or None
        The estimate and its 95 % interval; None where no number is given.
    interval : str
        How the interval was made.
    n : int
        Rounds, sessions or lists.
    ess, mean_weight, largest_weight : float or None
        See `Overlap`; None where no weights are used.
    propensities : {"logged", "estimated", "none"}
        Where those of the weights come from.
    paid : float or None
        Effective number of rounds, sessions or lists with a reward, from weights times rewards: where it is small, few lucky rounds
        make the number, and an interval cannot know how lucky they were.
    extrapolated : float or None
        Of models: share of the policy's probability on items that the log never shows in the same state.
    refused : str or None
        Why no number is given.
    """

    estimator: str
    target: str
    value: float | None
    low: float | None
    high: float | None
    interval: str
    n: int
    ess: float | None = None
    mean_weight: float | None = None
    largest_weight: float | None = None
    propensities: str = "none"
    paid: float | None = None
    extrapolated: float | None = None
    refused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values, None in the place of numbers that are not finite."""
        return {name: finite(one) if isinstance(one, float) else one for name, one in asdict(self).items()}
