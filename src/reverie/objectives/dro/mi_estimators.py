"""Estimators of mutual information from a critic's scores on all pairs of a batch (Poole et al., ICML 2019, arXiv 1905.06922).

Each takes scores [B, B], entry (i, j) of x_i with y_j, so that the diagonal is drawn from the joint law and the rest from the
product of its margins; it returns an estimate in nats whose gradient teaches the critic: minimise its negative.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.objectives.checks import wide
from reverie.objectives.dro.divergences import Divergence, KullbackLeibler
from reverie.objectives.dro.information import sampled_mi


def mi_info_nce(scores: Tensor) -> Tensor:
    """Return ``log B + mean_i [s_ii - log Σ_j e^{s_ij}]``, InfoNCE (arXiv 1807.03748): never above log B.

    Parameters
    ----------
    scores : Tensor, shape [B, B]
        Critic on all pairs.

    Returns
    -------
    Tensor, shape []
        Estimate of the mutual information in nats.

    Raises
    ------
    ValueError
        If `scores` is not square with B ≥ 2.
    """
    _pairs(scores)
    scores = wide(scores)
    return math.log(len(scores)) + (scores.diagonal() - scores.logsumexp(1)).mean()


def mi_nwj(scores: Tensor) -> Tensor:
    """Return ``E_P s - E_Q e^{s-1}`` (Nguyen, Wainwright and Jordan, IEEE Trans. Inf. Theory 2010), best at s = 1 + log r.

    Parameters
    ----------
    scores : Tensor, shape [B, B]
        Critic on all pairs.

    Returns
    -------
    Tensor, shape []
        Estimate of the mutual information in nats.

    Raises
    ------
    ValueError
        If `scores` is not square with B ≥ 2.
    """
    joint, product = _pairs(scores)
    return joint.mean() - (product - 1).exp().mean()


def mi_dv(scores: Tensor) -> Tensor:
    """Return ``E_P s - log E_Q e^s`` (Donsker and Varadhan 1983), best at s = log r + constant: `mi_phi` for KL.

    Parameters
    ----------
    scores : Tensor, shape [B, B]
        Critic on all pairs.

    Returns
    -------
    Tensor, shape []
        Estimate of the mutual information in nats; not a bound, as the logarithm is of a sample's mean.

    Raises
    ------
    ValueError
        If `scores` is not square with B ≥ 2.
    """
    return mi_phi(scores, KullbackLeibler())


def mi_js(scores: Tensor) -> Tensor:
    """Return the value of `mi_nwj` at 1 + s, with the gradient of ``-E_P softplus(-s) - E_Q softplus(s)``, best at s = log r.

    The critic is taught by the Jensen-Shannon bound, whose gradients stay bounded, and read by the other (arXiv 1905.06922).

    Parameters
    ----------
    scores : Tensor, shape [B, B]
        Critic on all pairs.

    Returns
    -------
    Tensor, shape []
        Estimate of the mutual information in nats.

    Raises
    ------
    ValueError
        If `scores` is not square with B ≥ 2.
    """
    _pairs(scores)
    return _read_as(scores, mi_nwj(scores.detach() + 1))


def mi_smile(scores: Tensor, clip: float = 5.0) -> Tensor:
    """Return ``E_P s - log E_Q e^{clamp(s, -clip, clip)}``, taught as in `mi_js` (Song and Ermon, ICLR 2020, arXiv 1910.06222).

    Parameters
    ----------
    scores : Tensor, shape [B, B]
        Critic on all pairs.
    clip : float
        Bound of the scores in the second term; infinity for the value of `mi_dv`.

    Returns
    -------
    Tensor, shape []
        Estimate of the mutual information in nats; not a bound.

    Raises
    ------
    ValueError
        If `scores` is not square with B ≥ 2, or `clip` is not positive.
    """
    if not clip > 0:
        raise ValueError(f"clip must be positive, got {clip}")
    joint, product = _pairs(scores.detach())
    value = joint.mean() + math.log(len(product)) - product.clamp(-clip, clip).logsumexp(0)
    return _read_as(scores, value)


def mi_phi(scores: Tensor, phi: Divergence) -> Tensor:
    """Return ``E_P s - min_l { l + E_Q φ*(s-l) }``, the φ-mutual information of `generalised_mi`.

    For χ² this estimates ``e^{2I} - 1`` on correlated normals, I being the mutual information.

    Parameters
    ----------
    scores : Tensor, shape [B, B]
        Critic on all pairs.
    phi : Divergence
        Such as `KullbackLeibler` or `ChiSquare`.

    Returns
    -------
    Tensor, shape []
        Estimate of the divergence.

    Raises
    ------
    ValueError
        If `scores` is not square with B ≥ 2.
    """
    return sampled_mi(*_pairs(scores), phi)


def _pairs(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scores of joint draws, [B], and of product draws, [B (B-1)], float32 or wider."""
    if scores.dim() != 2 or scores.shape[0] != scores.shape[1] or len(scores) < 2:
        raise ValueError(f"scores must have shape [B, B] with B ≥ 2, got {list(scores.shape)}")
    scores = wide(scores)
    others = ~torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    return scores.diagonal(), scores[others]


def _read_as(scores: Tensor, value: Tensor) -> Tensor:
    """Return a value with the gradient of the Jensen-Shannon bound."""
    joint, product = _pairs(scores)
    lesson = -F.softplus(-joint).mean() - F.softplus(product).mean()
    return lesson + (value - lesson).detach()
