"""The arithmetic of the race: targets, times to them, choices of settings, order of runs."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One measurement of one run.

    Parameters
    ----------
    epoch : float
        Epochs done.
    wall, cpu : float
        Seconds of training so far, by the wall clock and by the processor.
    peak : float
        Largest resident memory of training so far, in MB.
    value : float
        NDCG@10 on validation.
    """

    epoch: float
    wall: float
    cpu: float
    peak: float
    value: float


@dataclass(frozen=True)
class Spread:
    """Median and range over seeds; None where not every seed has a value.

    Parameters
    ----------
    low, middle, high : float
        In any unit.
    """

    low: float
    middle: float
    high: float


def common_target(best: Sequence[float], share: float = 0.95) -> float:
    """Return the value that all systems race to.

    Parameters
    ----------
    best : sequence of float
        Best value of each run of each system.
    share : float
        Part of the best of them.

    Returns
    -------
    float
        The target.
    """
    if not best:
        raise ValueError("best is empty: no run has finished")
    return share * max(best)


def first_reaching(points: Sequence[Point], target: float) -> Point | None:
    """Return the first measurement at or above the target; nothing is interpolated.

    Parameters
    ----------
    points : sequence of Point
        In the order of measuring.
    target : float
        NDCG@10.

    Returns
    -------
    Point or None
        None where the run never got there.
    """
    return next((point for point in points if point.value >= target), None)


def spread(values: Sequence[float | None]) -> Spread | None:
    """Return median and range of values, if there are any and none is missing.

    Parameters
    ----------
    values : sequence of float or None
        One per seed.

    Returns
    -------
    Spread or None
        None if a value is missing.
    """
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return Spread(min(known), statistics.median(known), max(known))


def best_setting(values: Mapping[str, float]) -> str:
    """Return the setting with the best validation value; the earlier one of equals.

    Parameters
    ----------
    values : mapping of str to float
        Best value by setting.

    Returns
    -------
    str
        Its name.
    """
    if not values:
        raise ValueError("values is empty: no setting has been tried")
    return max(values, key=lambda name: values[name])


def interleaved(rounds: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return pairs of system and run so that systems take turns (A1, B1, C1, A2, B2, and so on).

    Parameters
    ----------
    rounds : mapping of str to sequence of str
        Runs by system.

    Returns
    -------
    list of (str, str)
        In the order of running.
    """
    columns = ([(system, run) for run in runs] for system, runs in rounds.items())
    return [pair for row in itertools.zip_longest(*columns) for pair in row if pair is not None]


def epoch_seconds(points: Sequence[Point]) -> float:
    """Return wall seconds per epoch over a whole run.

    Parameters
    ----------
    points : sequence of Point
        At least one.

    Returns
    -------
    float
        Extrapolated where less than one epoch was done.
    """
    return points[-1].wall / points[-1].epoch
