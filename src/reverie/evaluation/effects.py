"""What a measurement or comparison yields (value, interval, p-value, smallest detectable difference), and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNIFICANT = 0.05
"""Corrected p-values below it are called a difference."""
DETECTABLE = 1.959964 + 0.841621
"""Standard errors that make a difference detectable: two-sided 5 %, power 80 %."""
NO_TEST = NO_INTERVAL = "none"

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Effect:
    """A mean, or a mean difference, with how far it can be believed.

    Parameters
    ----------
    value : float
        The mean or the mean difference.
    low, high : float or None
        Ends of the 95 % interval; None where it is undefined.
    p : float or None
        Two-sided p-value of the hypothesis that the value is 0; None where it is undefined or nothing was tested.
    n : int
        What was resampled: clusters (users or sessions), or seeds where the seeds alone are the sample.
    seeds : int
        Training seeds; of a difference, those of the side with fewer.
    interval : str
        How the interval was made: ``cluster_bootstrap(1000)``, ``seeds_x_clusters(3,1000)``, ``t(4)`` or ``none``.
    test : str
        How p was computed: ``sign_flip(10000)``, ``bootstrap(1000)``, ``normal``, ``paired_t`` or ``none``.
    detectable : float or None
        Smallest true difference that the uncorrected test at 5 % finds with power 80 %.
    p_holm : float or None
        p corrected for the other comparisons of its family (Holm 1979); None before the correction.
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    n: int
    seeds: int
    interval: str
    test: str = NO_TEST
    detectable: float | None = None
    p_holm: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the interval as numbers, NaN where it is undefined."""
        return math.nan if self.low is None else self.low, math.nan if self.high is None else self.high

    @property
    def shown(self) -> bool:
        """Whether the corrected p-value is below 5 %."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


def finite(value: float) -> float | None:
    """Return a number, or None in the place of one that is not finite."""
    return float(value) if math.isfinite(value) else None


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected for multiple comparisons (Holm 1979).

    Parameters
    ----------
    p : ndarray, shape [M]
        p-values; NaN where nothing was tested.

    Returns
    -------
    ndarray, shape [M]
        In the same order, at most 1; a NaN stays and does not count as a comparison.
    """
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return corrected


def holm_corrected(effects: Mapping[Key, Effect]) -> dict[Key, Effect]:
    """Return the effects of one family with `p_holm`; those without a p-value do not count and stay without."""
    tested = {key: effect.p for key, effect in effects.items() if effect.p is not None}
    corrected = dict(zip(tested, holm(np.array(list(tested.values()), dtype=np.float64)).tolist(), strict=True))
    return {key: replace(effect, p_holm=corrected.get(key)) for key, effect in effects.items()}
