"""Each estimator by name on a policy and a log, with what several of them need computed once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np

from reverie.errors import ConfigError, DataError
from reverie.rl.ope import bandit, sequential
from reverie.rl.ope.overlap import Overlap, effective_sample_size, overlap, round_weights, session_overlap
from reverie.rl.ope.policy import PolicyOnLog
from reverie.rl.ope.settings import Settings
from reverie.rl.ope.slate import independent_weights, pseudo_inverse
from reverie.rl.ope.states import Fitted, fit_on_log
from reverie.rl.ope.terms import Array, Terms


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


ANSWERS: dict[str, Callable[[Problem], Answer]] = {
    "ips": _ips, "clipped-ips": _clipped, "snips": _snips, "dm": _dm, "dr": _dr, "switch": _switch,
    "pdis": _pdis, "wpdis": _wpdis, "sequential-dr": _sequential_dr, "fqe": _fqe, "slate": _slate,
}  # fmt: skip


"""The terms of each estimator, and what its weights look like."""
MODELS = {
    "dm": "reward_model",
    "dr": "reward_model",
    "switch": "reward_model",
    "sequential-dr": "value_model",
    "fqe": "value_model",
}
"""The model of each estimator that has one."""
