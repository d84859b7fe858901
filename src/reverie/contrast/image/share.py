"""A share of examples with its interval."""

from __future__ import annotations

from statistics import NormalDist

from reverie.contrast.task import Measure
from reverie.evaluation.intervals import LEVEL


def share(correct: int, n: int) -> Measure:
    """Return correct / n with Wilson's score interval at 95 % (Wilson 1927, JASA 22, 209-212).

    With p = correct / n and z = 1.96: centre ``(p + z²/2n) / (1 + z²/n)``, half width
    ``z √(p (1 - p)/n + z²/4n²) / (1 + z²/n)``. It describes the draw of test examples, not of seeds.
    """
    if not 0 <= correct <= n or n == 0:
        raise ValueError(f"correct must lie in 0..n and n be positive, got {correct} and {n}")
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    p, grown = correct / n, 1 + z * z / n
    centre, half = (p + z * z / (2 * n)) / grown, z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / grown
    return Measure(p, n, max(centre - half, 0.0), min(centre + half, 1.0), "wilson")
