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
    """One detector, measured.

    Parameters
    ----------
    detector : str
        Registered name; for ``one-number`` with the number behind a colon.
    figures : Figures
        Over users whose label the detectors were not given.
    low, high : dict
        Ends of the 95 % bootstrap interval over users, by the names of `Figures.values`.
    seconds : float
        Time of the detector.
    """

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
    """Run detectors and measure all of them on the same users.

    Parameters
    ----------
    evidence : Evidence
        What they see; its labels are ignored.
    fake : ndarray, shape [U], bool
        The truth; no detector sees more of it than the known share.
    detectors : mapping, optional
        What to call a row: registered name and options. By default `every_detector`.
    known : float
        Share of users whose labels supervised detectors are given; nobody is measured on them.
    assumed : float
        Wrong share of fakes that users are flagged by.
    seed : int
        Seed of the known users, the detectors and the bootstrap.
    resamples : int
        Draws of the bootstrap.

    Returns
    -------
    list of DetectorRow
        In the order given.

    Raises
    ------
    ConfigError
        If a name or an option is not valid, or a supervised detector finds no fake to learn from.
    """
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
    """Return all registered detectors with their defaults, and ``one-number`` with each of `BASELINES`.

    Returns
    -------
    dict
        For `detector_table`.
    """
    found: dict[str, tuple[str, Mapping[str, Any]]] = {f"one-number:{n}": ("one-number", {"number": n}) for n in BASELINES}
    return found | {name: (name, {}) for name in DETECTORS if name != "one-number"}


def bootstrap(
    suspicion: NDArray[np.float64], fake: NDArray[np.bool_], assumed: float, resamples: int, seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return 95 % percentile intervals of all figures over users.

    Parameters
    ----------
    suspicion : ndarray, shape [M]
        Of the measured users.
    fake : ndarray, shape [M], bool
        The truth.
    assumed : float
        See `figures`.
    resamples : int
        Draws of M users with replacement; all detectors get the same draws.
    seed : int
        Seed of the draws.

    Returns
    -------
    low, high : dict
        By the names of `Figures.values`; NaN where no draw defines a figure.
    """
    generator, names = numpy_generator(seed, "detection bootstrap"), list(figures(suspicion, fake, assumed).values())
    drawn = np.full((resamples, len(names)), np.nan)
    for r in range(resamples):
        pick = generator.integers(len(fake), size=len(fake))
        drawn[r] = list(figures(suspicion[pick], fake[pick], assumed).values().values())
    low, high = percentiles(drawn)
    return dict(zip(names, map(float, low), strict=True)), dict(zip(names, map(float, high), strict=True))
