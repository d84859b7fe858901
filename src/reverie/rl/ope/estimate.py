"""What a policy would have earned: estimators on a log, each with its interval, or with why no number is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reverie.errors import ConfigError, unknown
from reverie.rl.ope.answers import ANSWERS, MODELS, Problem
from reverie.rl.ope.intervals import cluster_counts, intervals, refitted_interval
from reverie.rl.ope.log import require_sessions
from reverie.rl.ope.overlap import missing_support, mostly_guessed, nothing_to_fit, too_few, too_large
from reverie.rl.ope.policy import PolicyOnLog
from reverie.rl.ope.settings import PER_ROUND, PER_SESSION, Estimate, Settings
from reverie.rl.ope.states import refitted
from reverie.rl.ope.terms import Terms, mean_terms
from reverie.seeds import numpy_generator


def default_estimators(policy: PolicyOnLog) -> tuple[str, ...]:
    """Return the estimators that suit a log: those of returns where sessions have several rounds, else those of single rounds."""
    log = policy.log
    return PER_SESSION if log.has_sessions and int(np.diff(log.offsets).max()) > 1 else PER_ROUND


@np.errstate(over="ignore", invalid="ignore")
def evaluate_policy(
    policy: PolicyOnLog, estimators: Sequence[str] | None = None, settings: Settings | None = None
) -> list[Estimate]:
    """Estimate what a policy would have earned.

    Parameters
    ----------
    policy : PolicyOnLog
    estimators : sequence of str, optional
        Names among `ESTIMATORS`; by default those that suit the log.
    settings : Settings, optional

    Returns
    -------
    list of Estimate
        What the logging policy earned first, for each target, then each estimator.

    Raises
    ------
    ConfigError, DataError
        If an estimator is unknown or needs what the log has not, or the log shows nothing that the policy shows.
    """
    if estimators is not None and not estimators:
        raise ConfigError("no estimator is named; name some of them, or leave --estimators out for those that suit the log")
    chosen = tuple(dict.fromkeys(estimators or default_estimators(policy)))
    for name in chosen:
        if name not in ANSWERS:
            raise unknown("estimator", name, ANSWERS)
    if set(chosen) & set(PER_SESSION):
        require_sessions(policy.log)
    problem = Problem(policy, settings or Settings())
    targets = dict.fromkeys(_target(name) for name in chosen)
    found = [*(_logged(problem, target) for target in targets), *(_estimate(problem, name) for name in chosen)]
    return _with_intervals(found, problem.settings)


Asked = tuple[Estimate, Terms | None]
"""An estimate without its interval, and what that is to be made of; None where it has one, or no number."""


def _with_intervals(found: Sequence[Asked], settings: Settings) -> list[Estimate]:
    """Fill in intervals, all estimates of as many clusters from the same resamples."""
    sizes = dict.fromkeys(len(terms.numerator) for _, terms in found if terms is not None)
    made = [one for one, _ in found]
    for size in sizes:
        at = [i for i, (_, terms) in enumerate(found) if terms is not None and len(terms.numerator) == size]
        terms = [one for i in at if (one := found[i][1]) is not None]
        for i, (low, high) in zip(at, intervals(terms, settings.interval, settings.resamples, settings.seed), strict=True):
            if np.isfinite([low, high]).all():
                made[i] = replace(made[i], low=low, high=high, interval=f"{settings.interval}({settings.resamples})")
    return made


def _target(estimator: str) -> str:
    if estimator == "slate":
        return "reward per list"
    return "return per session" if estimator in PER_SESSION else "reward per round"


def _logged(problem: Problem, target: str) -> Asked:
    """Return what the logging policy earned."""
    log = problem.log
    if target == "reward per round":
        terms = mean_terms(log.rewards).grouped(log.sessions)
    else:
        gamma = problem.settings.gamma if target == "return per session" else 1.0
        terms = mean_terms(np.bincount(log.sessions, gamma**log.steps * log.rewards).astype(np.float64))
    return Estimate("logged", target, terms.value, None, None, "none", _size(problem, target)), terms


def _size(problem: Problem, target: str) -> int:
    return len(problem.log) if target == "reward per round" else problem.log.n_sessions


def _estimate(problem: Problem, name: str) -> Asked:
    """Return what one estimator says, or why it says nothing."""
    log, settings, target = problem.log, problem.settings, _target(name)
    n, unit = _size(problem, target), {"reward per round": "rounds", "return per session": "sessions"}.get(target, "lists")
    source = "none" if name in ("dm", "fqe") else "estimated" if log.estimated else "logged"
    if name in MODELS and (refused := too_large(problem.policy) or nothing_to_fit(log)):
        return Estimate(name, target, None, None, None, "none", n, propensities=source, refused=refused), None
    terms, found = ANSWERS[name](problem)
    made = Estimate(name, target, terms.value, None, None, "none", n, propensities=source)
    if found is not None:
        made = replace(made, ess=found.ess, mean_weight=found.mean, largest_weight=found.largest, paid=problem.paid(target))
    if name in MODELS:
        made = replace(made, extrapolated=getattr(problem, MODELS[name]).extrapolated)
    doubt = mostly_guessed(made.extrapolated or 0.0) if found is None else too_few(found, unit, settings.least_ess)
    refused = missing_support(problem.policy) or doubt
    if refused is None and not np.isfinite(terms.value):
        refused = "not given: the products of weights over a session are too large for a number; cut sessions with --horizon"
    if refused is not None:
        return replace(made, value=None, refused=refused), None
    if found is None:
        low, high = _model_interval(problem, name, terms.value)
        return replace(made, low=low, high=high, interval=f"refitted({settings.refits})"), None
    return made, terms.grouped(log.sessions) if target == "reward per round" and log.has_sessions else terms


def _model_interval(problem: Problem, name: str, value: float) -> tuple[float, float]:
    """Return the interval of the direct method or of fitted Q evaluation, by models fitted again on resamples of the sessions."""
    log, settings = problem.log, problem.settings
    per_round = name == "dm"
    fitted = problem.reward_model if per_round else problem.value_model
    judged: NDArray[np.int64] = np.arange(len(log)) if per_round else log.offsets[:-1]
    gamma = 0.0 if per_round else settings.gamma
    rng = numpy_generator(settings.seed, "bootstrap", "refits")
    counts = np.concatenate([np.ones((1, log.n_sessions)), cluster_counts(log.n_sessions, settings.refits, rng)])
    drawn = refitted(fitted, judged, counts, gamma)
    return refitted_interval(value, float(drawn[0]), drawn[1:])
