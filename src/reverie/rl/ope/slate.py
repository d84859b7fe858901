"""The pseudo-inverse estimator for lists of several positions (Swaminathan et al., NIPS 2017, section 3).

It supposes that the reward of a list is a sum of what each item adds at its position, unknown and not observed singly. A list s is
then the vector ``1_s`` of its items by position, and with ``Γ = E_μ[1_s 1_sᵀ]`` under the logging policy and ``q = E_π[1_s]`` under
the policy the estimate is ``(1/n) Σ_i r_i 1_{s_i}ᵀ Γ⁺ q``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.rl.ope.terms import Array, Terms, mean_terms


def pseudo_inverse(weights: Array, rewards: Array) -> Terms:
    """Return the estimate of the reward per list, ``(1/n) Σ_i W_i r_i``; weights and rewards of whole lists, shape [n]."""
    return mean_terms(weights * rewards)


def pseudo_inverse_weights(lists: NDArray[np.int64], pairs: Array, marginals: Array) -> Array:
    """Return ``1_sᵀ Γ⁺ q`` of each list, for any logging policy that is known in full.

    Parameters
    ----------
    lists : ndarray, shape [n, K]
        Items by position, from 0.
    pairs : ndarray, shape [K, A, K, A]
        ``Γ``: how likely the logging policy shows item a at position j together with item b at position k.
    marginals : ndarray, shape [K, A]
        ``q``: how likely the policy shows item a at position j.

    Returns
    -------
    ndarray, shape [n]
    """
    k, n_items = marginals.shape
    size = k * n_items
    solved = np.linalg.pinv(pairs.reshape(size, size), hermitian=True) @ marginals.reshape(size)
    return np.asarray(solved[lists + n_items * np.arange(k)].sum(axis=1))


def independent_weights(ratios: Array, lists: NDArray[np.int64]) -> Array:
    """Return ``1_sᵀ Γ⁺ q`` where the logging policy draws each position on its own: ``1 + Σ_k (π(a_k) / μ(a_k) - 1)``.

    Parameters
    ----------
    ratios : ndarray, shape [n]
        ``π(a | k) / μ(a | k)`` of each shown item.
    lists : ndarray, shape [n]
        Number of the list that each stands in, from 0 without gaps.

    Returns
    -------
    ndarray, shape [n_lists]
    """
    return np.asarray(1.0 + np.bincount(lists, ratios - 1.0))
