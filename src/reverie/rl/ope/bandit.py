"""Estimators of the reward per round of a policy, from rounds that another policy logged.

In all of them ``w_i = π(a_i | x_i) / μ(a_i | x_i)`` is the weight of round i, the policy's probability of the shown item over the
propensity with which it was shown; ``q(x, a)`` is a model of the expected reward and ``v(x) = Σ_a π(a | x) q(x, a)`` its mean
under the policy. All arrays are float64 of shape [n], one value a round.
"""

from __future__ import annotations

import numpy as np

from reverie.rl.ope.terms import Array, Terms, mean_terms, ratio_terms


def ips(weights: Array, rewards: Array) -> Terms:
    """Weigh rewards by inverse propensity scoring, ``(1/n) Σ_i w_i r_i`` (Horvitz and Thompson 1952; Strehl et al. 2010).

    Unbiased where the logging policy can show all that the policy shows.
    """
    return mean_terms(weights * rewards)


def clipped_ips(weights: Array, rewards: Array, limit: float) -> Terms:
    """Use IPS with weights of at most `limit`, ``(1/n) Σ_i min(w_i, limit) r_i`` (Ionides 2008, equation 3).

    Of less variance, and too low where rewards are positive and weights are cut.
    """
    return mean_terms(np.minimum(weights, limit) * rewards)


def snips(weights: Array, rewards: Array) -> Terms:
    """Normalise IPS by its weights, ``Σ_i w_i r_i / Σ_i w_i`` (Swaminathan and Joachims, NIPS 2015, equation 7).

    Consistent; it moves with a shift of all rewards, which IPS does not.
    """
    return ratio_terms(weights * rewards, weights)


def direct_method(values: Array) -> Terms:
    """Take the mean of the reward model under the policy, ``(1/n) Σ_i v(x_i)`` (Dudík et al., ICML 2011, section 2).

    It needs no propensities, and is as wrong as its model is.
    """
    return mean_terms(values)


def doubly_robust(weights: Array, rewards: Array, predicted: Array, values: Array) -> Terms:
    """Correct the direct method by weighted errors, ``(1/n) Σ_i v(x_i) + w_i (r_i - q(x_i, a_i))`` (Dudík et al. 2011, equation 1).

    Consistent where either the propensities or the model are right. `predicted` holds ``q(x_i, a_i)`` and must come from a model
    that has not seen round i.
    """
    return mean_terms(values + weights * (rewards - predicted))


def switch(weights: Array, rewards: Array, predicted: Array, values: Array, limit: float) -> Terms:
    """Leave out the correction of rounds whose weight is above `limit`.

    ``(1/n) Σ_i v(x_i) + w_i 1[w_i ≤ limit] (r_i - q(x_i, a_i))``: SWITCH-DR of Wang, Agarwal and Dudík, ICML 2017, section 4, which
    asks for the weight of the shown item only.
    """
    return mean_terms(values + np.where(weights <= limit, weights, 0.0) * (rewards - predicted))
