"""All detectors on one set of users whose truth is known, with intervals over users."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.evaluation.intervals import percentiles
from reverie.options import checked
from reverie.robustness.detection import Figures, figures, labelled
from reverie.robustness.detectors.shelf import DETECTORS
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reverie.robustness.detectors.detector import Detector, Evidence

BASELINES = ("random", "profile-length", "mean-rating", "item-popularity", "has-maximum")
"""Numbers of `one-number` that stand in every table."""


@dataclass(frozen=True)
class DetectorRow:
    """One detector, measured."""

    detector: str
    figures: Figures
    low: dict[str, float]
    high: dict[str, float]
    seconds: float


def detector_table(
    evidence: Evidence,
    fake: NDArray[np.bool_],
    detectors: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
    *,
    known: float = 0.2,
    assumed: float = 0.05,
    seed: int = 0,
    resamples: int = 200,
) -> list[DetectorRow]:
    """Run detectors and measure all of them on the same users; fake [U]."""
    labels = labelled(fake, known, seed)
    taught = replace(evidence, labels=labels)
    untaught, measured = replace(evidence, labels=None), labels < 0
    rows = []
    for title, (name, options) in (detectors or every_detector()).items():
        detector: Detector = DETECTORS.build(name)(checked(DETECTORS.config(name), options, f"detector '{name}'"))
        start = time.perf_counter()
        suspicion = detector.suspicion(taught if detector.supervised else untaught, seed)
        seconds = time.perf_counter() - start
        low, high = bootstrap(suspicion[measured], fake[measured], assumed, resamples, seed)
        rows.append(DetectorRow(title, figures(suspicion, fake, assumed, measured), low, high, seconds))
    return rows


def every_detector() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return all registered detectors with their defaults, and ``one-number`` with each of `BASELINES`."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {f"one-number:{n}": ("one-number", {"number": n}) for n in BASELINES}
    return found | {name: (name, {}) for name in DETECTORS if name != "one-number"}


def bootstrap(
    suspicion: NDArray[np.float64], fake: NDArray[np.bool_], assumed: float, resamples: int, seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return 95 % percentile intervals of all figures over users; suspicion [M], fake [M]."""
    generator, names = numpy_generator(seed, "detection bootstrap"), list(figures(suspicion, fake, assumed).values())
    drawn = np.full((resamples, len(names)), np.nan)
    for r in range(resamples):
        pick = generator.integers(len(fake), size=len(fake))
        drawn[r] = list(figures(suspicion[pick], fake[pick], assumed).values().values())
    low, high = percentiles(drawn)
    return dict(zip(names, map(float, low), strict=True)), dict(zip(names, map(float, high), strict=True))
