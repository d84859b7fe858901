"""Losses of value learning: double-Q targets, conservative Q, expectiles, advantages, contrastive reward and transition models."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.objectives.pool import wide
from reverie.objectives.softmax import bpr, sampled_softmax


def bootstrapped(rewards: Tensor, done: Tensor, gamma: float, next_values: Tensor) -> Tensor:
    """Return ``r + γ (1 - done) V(s')``, without gradient; a terminal transition never reads `next_values`.

    Parameters
    ----------
    rewards, next_values : Tensor, shape [M]
        In units of reward.
    done : Tensor, shape [M], bool
        Whether the row ends with the action.
    gamma : float
        Discount γ, 0 ≤ γ < 1.

    Returns
    -------
    Tensor, shape [M]
        Targets of Q(s, a), float32 or wider.
    """
    return wide(rewards) + gamma * wide(next_values.detach()).masked_fill(done, 0.0)


def double_q_target(rewards: Tensor, done: Tensor, gamma: float, main: Tensor, target: Tensor) -> Tensor:
    """Return ``r + γ (1 - done) Q_target(s', argmax_a Q_main(s', a))`` (van Hasselt et al., arXiv 1509.06461, eq. 4).

    Parameters
    ----------
    rewards : Tensor, shape [M]
    done : Tensor, shape [M], bool
    gamma : float
    main, target : Tensor, shape [M, K]
        Values of the next state by the trained and by the target network; -inf in `main` hides an item.

    Returns
    -------
    Tensor, shape [M]
        Targets of Q(s, a).
    """
    return bootstrapped(rewards, done, gamma, target.gather(1, main.argmax(1, keepdim=True))[:, 0])


def temporal_difference(values: Tensor, targets: Tensor) -> Tensor:
    """Return ``½ (y - Q(s, a))²``.

    Parameters
    ----------
    values, targets : Tensor, shape [M]
        Q(s, a) and y; no gradient reaches y.

    Returns
    -------
    Tensor, shape [M]
        One loss per transition.
    """
    return 0.5 * (targets.detach() - wide(values)).square()


def sampled_log_sum_exp(values: Tensor, log_expected: Tensor) -> Tensor:
    """Return the estimate ``log Σ_j e^{Q_j} / (n q_j)`` of ``log Σ_a e^{Q(s, a)}`` over all items from n draws of distribution q.

    Parameters
    ----------
    values : Tensor, shape [M, n]
        Q of drawn items; -inf masks one.
    log_expected : Tensor, shape [M, n], [n] or [1]
        log(n q_j); for uniform draws log(n / N), so that log(N / n) is added.

    Returns
    -------
    Tensor, shape [M]
        One estimate per state; the sum inside is unbiased.
    """
    return torch.logsumexp(wide(values) - log_expected, 1)


def sampled_conservative(taken: Tensor, drawn: Tensor, log_expected: Tensor) -> Tensor:
    """Return ``log Σ_a e^{Q(s, a)} - Q(s, a_t)``, the term of the logged action exact and the others estimated from draws.

    CQL(H) of Kumar et al. (arXiv 2006.04779, eq. 4) with uniform μ, sampled. Draws that hit the logged action must be masked;
    then the sum over the others is unbiased, and the loss is never negative.

    Parameters
    ----------
    taken : Tensor, shape [M]
        Q of logged actions.
    drawn : Tensor, shape [M, n]
        Q of drawn items, -inf where one is the logged action.
    log_expected : Tensor, shape [M, n], [n] or [1]
        log(n q_j).

    Returns
    -------
    Tensor, shape [M]
        One loss per state.
    """
    return sampled_softmax(taken, drawn, (-log_expected).expand(drawn.shape))


def expectile_loss(difference: Tensor, expectile: float) -> Tensor:
    """Return ``|τ - 1(u < 0)| u²`` (Kostrikov et al., arXiv 2110.06169, eq. 5).

    Parameters
    ----------
    difference : Tensor, shape [M]
        u = Q - V.
    expectile : float
        τ, between 0 and 1.

    Returns
    -------
    Tensor, shape [M]
        One loss per state.
    """
    u = wide(difference)
    return torch.where(u < 0, 1 - expectile, expectile) * u.square()


def clipped_advantage(taken: Tensor, others: Tensor, low: float = 0.0, high: float = 10.0) -> Tensor:
    """Return Q(s, a) minus the mean over a and other items, clipped, without gradient (Xin et al., arXiv 2111.03474).

    Parameters
    ----------
    taken : Tensor, shape [M]
        Q of logged actions.
    others : Tensor, shape [M, K]
        Q of other items.
    low, high : float
        Bounds.

    Returns
    -------
    Tensor, shape [M]
        Advantages.
    """
    mean = (taken + others.sum(1)) / (1 + others.shape[1])
    return wide((taken - mean).detach()).clamp(low, high)


def reward_contrast(observed: Tensor, drawn: Tensor, rewards: Tensor, temperature: float = 1.0) -> Tensor:
    """Return InfoNCE of the observed pair (s, a) against pairs (s, a⁻), times the reward (our reading of MCRL's reward model).

    Parameters
    ----------
    observed : Tensor, shape [M]
        R(s, a).
    drawn : Tensor, shape [M, K]
        R(s, a⁻); -inf masks a draw of the observed item.
    rewards : Tensor, shape [M]
        A negative one counts as 0: what was not liked is no positive.
    temperature : float
        τ.

    Returns
    -------
    Tensor, shape [M]
        One loss per transition.
    """
    return rewards.clamp(min=0) * sampled_softmax(observed, drawn, temperature=temperature)


def reward_regression(observed: Tensor, drawn: Tensor, rewards: Tensor) -> Tensor:
    """Return ``½ (R(s, a) - r)²`` plus the pairwise ranking loss of a above drawn items (our reading, the other form).

    Parameters
    ----------
    observed : Tensor, shape [M]
        R(s, a).
    drawn : Tensor, shape [M, K]
        R(s, a⁻); -inf masks a draw of the observed item.
    rewards : Tensor, shape [M]

    Returns
    -------
    Tensor, shape [M]
        One loss per transition.
    """
    return 0.5 * (wide(observed) - rewards).square() + bpr(observed, drawn)


def transition_contrast(own: Tensor, other_actions: Tensor, other_states: Tensor, temperature: float = 1.0) -> Tensor:
    """Return InfoNCE of ``<z(s, a), s'>`` against ``<z(s, a⁻), s'>`` and ``<z(s, a), s'_other>`` (our reading of MCRL).

    Parameters
    ----------
    own : Tensor, shape [M]
    other_actions : Tensor, shape [M, K]
        Products with what other actions would have led to; -inf masks a draw of the taken action.
    other_states : Tensor, shape [M, J]
        Products with next states of other transitions; -inf masks the transition itself.
    temperature : float
        τ.

    Returns
    -------
    Tensor, shape [M]
        One loss per transition.
    """
    return sampled_softmax(own, torch.cat([other_actions, other_states], 1), temperature=temperature)
