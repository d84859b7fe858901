"""What a policy would have earned: every estimator by name on a log, each with its interval, or with why no number is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.errors import ConfigError, DataError, unknown
from reverie.rl.ope import bandit, sequential
from reverie.rl.ope.intervals import REFITS, RESAMPLES, Kind, cluster_counts, intervals, refitted_interval
from reverie.rl.ope.log import require_sessions
from reverie.rl.ope.overlap import (
    LEAST_ESS,
    Overlap,
    effective_sample_size,
    missing_support,
    mostly_guessed,
    overlap,
    round_weights,
    session_overlap,
    too_few,
    too_large,
)
from reverie.rl.ope.policy import PolicyOnLog
from reverie.rl.ope.slate import independent_weights, pseudo_inverse
from reverie.rl.ope.states import Fitted, fit_on_log, refitted
from reverie.rl.ope.terms import Array, Terms, mean_terms
from reverie.seeds import numpy_generator

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
        """Return all of it as plain values."""
        return asdict(self)


class Problem:
    """A policy on a log, and what several estimators need of it, computed once."""

    def __init__(self, policy: PolicyOnLog, settings: Settings) -> None:
        self.policy, self.log, self.settings = policy, policy.log, settings

    @cached_property
    def weights(self) -> Array:
        """Weights of rounds, shape [n]."""
        return round_weights(self.policy)

    @cached_property
    def limit(self) -> float:
        """Largest weight that is used as it is."""
        return self.settings.clip or math.sqrt(len(self.log))

    @cached_property
    def reward_model(self) -> Fitted:
        """Cross-fitted model of the reward of a round."""
        return fit_on_log(self.policy, 0.0, self.settings.seed)

    @cached_property
    def value_model(self) -> Fitted:
        """Cross-fitted model of the policy's return."""
        return fit_on_log(self.policy, self.settings.gamma, self.settings.seed)

    def paid(self, target: str) -> float:
        """Return the effective number of rounds, sessions or lists with a reward."""
        log, gamma = self.log, self.settings.gamma
        if target == "reward per round":
            return effective_sample_size(np.abs(self.weights * log.rewards))
        if target == "reward per list":
            return effective_sample_size(np.abs(_slate(self)[0].numerator[:, 0]))
        weights, rewards = self.by_step(self.weights, 1.0), self.by_step(log.rewards)
        return effective_sample_size(np.abs(sequential.per_decision_ips(weights, rewards, gamma).numerator[:, 0]))

    @cached_property
    def session_overlap(self) -> Overlap:
        """What the products of the weights of sessions look like."""
        return session_overlap(self.weights, self.log.offsets, self.settings.gamma)

    def by_step(self, values: Array, fill: float = 0.0) -> Array:
        """Return values of rounds as a table of sessions by steps."""
        return sequential.padded(values, self.log.offsets, fill)


Answer = tuple[Terms, Overlap | None]


def _ips(p: Problem) -> Answer:
    return bandit.ips(p.weights, p.log.rewards), overlap(p.weights)


def _clipped(p: Problem) -> Answer:
    return bandit.clipped_ips(p.weights, p.log.rewards, p.limit), overlap(np.minimum(p.weights, p.limit))


def _snips(p: Problem) -> Answer:
    return bandit.snips(p.weights, p.log.rewards), overlap(p.weights)


def _dm(p: Problem) -> Answer:
    return bandit.direct_method(p.reward_model.values), None


def _dr(p: Problem) -> Answer:
    model = p.reward_model
    return bandit.doubly_robust(p.weights, p.log.rewards, model.predicted, model.values), overlap(p.weights)


def _switch(p: Problem) -> Answer:
    model, used = p.reward_model, np.where(p.weights <= p.limit, p.weights, 0.0)
    return bandit.switch(p.weights, p.log.rewards, model.predicted, model.values, p.limit), overlap(used)


def _pdis(p: Problem) -> Answer:
    weights, rewards = p.by_step(p.weights, 1.0), p.by_step(p.log.rewards)
    return sequential.per_decision_ips(weights, rewards, p.settings.gamma), p.session_overlap


def _wpdis(p: Problem) -> Answer:
    weights, rewards = p.by_step(p.weights, 1.0), p.by_step(p.log.rewards)
    return sequential.weighted_per_decision_ips(weights, rewards, p.settings.gamma), p.session_overlap


def _sequential_dr(p: Problem) -> Answer:
    model = p.value_model
    weights, rewards = p.by_step(p.weights, 1.0), p.by_step(p.log.rewards)
    tables = p.by_step(model.predicted), p.by_step(model.values)
    return sequential.sequential_doubly_robust(weights, rewards, *tables, p.settings.gamma), p.session_overlap


def _fqe(p: Problem) -> Answer:
    return sequential.fitted_q(p.value_model.values[p.log.offsets[:-1]]), None


def _slate(p: Problem) -> Answer:
    log = p.log
    if log.positions is None or not log.has_sessions:
        raise ConfigError(
            f"{log.name} has no lists, which slate needs: name the column of the list with --session and that of the place with "
            "--position"
        )
    places = log.sessions * (int(log.positions.max()) + 1) + log.positions
    if len(np.unique(places)) < len(places):
        raise DataError(
            f"a list of {log.name} has two items at one position, so it is no list; correct column 'position', or leave out slate"
        )
    weights = independent_weights(p.weights, log.sessions)
    return pseudo_inverse(weights, np.bincount(log.sessions, log.rewards).astype(np.float64)), overlap(np.abs(weights))


_ANSWERS: dict[str, Callable[[Problem], Answer]] = {
    "ips": _ips, "clipped-ips": _clipped, "snips": _snips, "dm": _dm, "dr": _dr, "switch": _switch,
    "pdis": _pdis, "wpdis": _wpdis, "sequential-dr": _sequential_dr, "fqe": _fqe, "slate": _slate,
}  # fmt: skip


_MODELS = {
    "dm": "reward_model",
    "dr": "reward_model",
    "switch": "reward_model",
    "sequential-dr": "value_model",
    "fqe": "value_model",
}
"""The model of each estimator that has one."""


def default_estimators(policy: PolicyOnLog) -> tuple[str, ...]:
    """Return the estimators that suit a log: those of returns where sessions have several rounds, else those of single rounds."""
    log = policy.log
    return PER_SESSION if log.has_sessions and int(np.diff(log.offsets).max()) > 1 else PER_ROUND


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
    chosen = tuple(estimators or default_estimators(policy))
    for name in chosen:
        if name not in _ANSWERS:
            raise unknown("estimator", name, _ANSWERS)
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
    if name in _MODELS and (refused := too_large(problem.policy)):
        return Estimate(name, target, None, None, None, "none", n, propensities=source, refused=refused), None
    terms, found = _ANSWERS[name](problem)
    made = Estimate(name, target, terms.value, None, None, "none", n, propensities=source)
    if found is not None:
        made = replace(made, ess=found.ess, mean_weight=found.mean, largest_weight=found.largest, paid=problem.paid(target))
    if name in _MODELS:
        made = replace(made, extrapolated=getattr(problem, _MODELS[name]).extrapolated)
    doubt = mostly_guessed(made.extrapolated or 0.0) if found is None else too_few(found, unit, settings.least_ess)
    refused = missing_support(problem.policy) or doubt
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
