"""How often intervals hold the truth: estimates on many logs of a world in which it is known what a policy earns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reverie.errors import unknown
from reverie.evaluation.intervals import wilson
from reverie.rl.ope.estimate import evaluate_policy
from reverie.rl.ope.policy import from_table
from reverie.rl.ope.settings import PER_ROUND, PER_SESSION, Estimate, Settings
from reverie.rl.ope.terms import Array
from reverie.rl.ope.worlds import BanditWorld, KnownSessions, KnownWorld, ListWorld, blended, leaning

FEW_RESAMPLES = Settings(resamples=400, refits=100)
"""Enough for intervals that are only counted."""


def coverage(
    world: KnownWorld,
    policy: Array,
    estimators: str | Sequence[str],
    n_rounds: int,
    repetitions: int = 200,
    seed: int = 0,
    settings: Settings = FEW_RESAMPLES,
) -> list[dict[str, Any]]:
    """Estimate one policy on many logs of a world, and compare with the truth.

    Parameters
    ----------
    world : KnownWorld
        See `reverie.rl.ope.worlds`.
    policy : ndarray, shape [X, A]
        Probabilities of the items by context of the world.
    estimators : str or sequence of str
        Names among `reverie.rl.ope.estimate.ESTIMATORS`.
    n_rounds : int
        Rounds of each log; sessions or lists where the world has those.
    repetitions : int
        Number of logs, parts of one long log.
    seed : int
        Of the logs.
    settings : Settings
        `gamma` is the discount of returns.

    Returns
    -------
    list of dict
        For each estimator the metrics ``coverage`` (share of 95 % intervals that hold the truth, of those given, with its own 95 %
        interval by Wilson 1927), ``bias``, ``rmse``, ``width`` (mean length of the intervals) and ``given`` (share of logs on which
        a number was given), each a row with the columns estimator, world, n_rounds, metric, value, low, high, interval, n, truth.
    """
    names = [estimators] if isinstance(estimators, str) else list(estimators)
    log = world.rounds(n_rounds * repetitions, seed)
    found: dict[str, list[Estimate]] = {name: [] for name in names}
    for at in range(repetitions):
        part = log.some_sessions(at * n_rounds, (at + 1) * n_rounds)
        if part.contexts is None:
            raise ValueError("world: its rounds need contexts, the rows of a policy's table")
        acting = from_table(part, policy, part.contexts, "a table")
        for one in evaluate_policy(acting, names, replace(settings, seed=settings.seed + at)):
            if one.estimator in found:
                found[one.estimator].append(one)
    rows: list[dict[str, Any]] = []
    for name, estimates in found.items():
        truth = world.truth(policy, estimates[0].target, settings.gamma)
        if truth is None:
            raise ValueError(f"world: '{world.name}' has no {estimates[0].target}, which {name} estimates")
        common = {"estimator": name, "world": world.name, "n_rounds": n_rounds, "truth": truth}
        rows += [common | row for row in _rows(estimates, truth)]
    return rows


def usual_case(name: str, share: float = 0.25) -> tuple[KnownWorld, Array, tuple[str, ...], Settings]:
    """Return a world, a policy, the estimators of its targets and settings, as `coverage` takes them.

    Parameters
    ----------
    name : {"bandit", "lists", "session"}
        Single rounds, lists, or the session world with its own discount.
    share : float
        How often the policy shows the best item (in sessions, draws by ``exp(Q* / 0.1)``) and does not act as the log does.
    """
    if name == "session":
        sessions = KnownSessions()
        policy = leaning(sessions.behaviour, sessions.world.q_star(), share, 0.1)
        return sessions, policy, PER_SESSION, replace(FEW_RESAMPLES, gamma=sessions.world.gamma)
    if name not in ("bandit", "lists"):
        raise unknown("world", name, ("bandit", "lists", "session"))
    world: BanditWorld | ListWorld = BanditWorld() if name == "bandit" else ListWorld()
    policy = blended(world.behaviour, world.rewards.argmax(axis=1), share)
    return world, policy, PER_ROUND if name == "bandit" else ("slate",), FEW_RESAMPLES


def _rows(estimates: Sequence[Estimate], truth: float) -> list[dict[str, Any]]:
    """Return the metrics of the estimates of one estimator."""
    given = [one for one in estimates if one.value is not None and one.low is not None and one.high is not None]
    rows = [_row("given", len(given) / len(estimates), len(estimates))]
    if not given:
        return rows
    values, lows, highs = (np.array([getattr(one, name) for one in given]) for name in ("value", "low", "high"))
    n, errors = len(given), values - truth
    share = float(((lows <= truth) & (truth <= highs)).mean())
    spread = float(errors.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    bias = _row("bias", float(errors.mean()), n, float(errors.mean()) - 1.96 * spread, float(errors.mean()) + 1.96 * spread)
    covered = _row("coverage", share, n, *wilson(share, n))
    return [
        covered,
        bias,
        _row("rmse", float(np.sqrt((errors**2).mean())), n),
        _row("width", float((highs - lows).mean()), n),
        *rows,
    ]


def _row(metric: str, value: float, n: int, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    kind = {"coverage": "wilson", "bias": "normal"}.get(metric, "none")
    return {"metric": metric, "value": value, "low": low, "high": high, "interval": kind, "n": n}
