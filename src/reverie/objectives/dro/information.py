"""Mutual information: of Gaussians, its generalisations, and estimators."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.objectives.dro.divergences import Divergence, KullbackLeibler
from reverie.objectives.pool import check_at_least_one, check_positive, wide


@dataclass(frozen=True)
class GaussianMI:
    """How far the joint law of correlated normal pairs lies from the product of its margins.

    Parameters
    ----------
    kl : float
        Mutual information in nats, ``-d/2 log(1-ρ²)``.
    chi2 : float
        χ² divergence, ``(1-ρ²)^-d - 1 = e^{2 kl} - 1``; infinite where a float cannot hold it.
    bhattacharyya : float
        Coefficient ``∫ sqrt(pq) = [(1-ρ²)^{1/4} / (1-ρ²/4)^{1/2}]^d``.
    hellinger : float
        ``∫ (sqrt p - sqrt q)² = 2 - 2 bhattacharyya``.
    """

    kl: float
    chi2: float
    bhattacharyya: float
    hellinger: float


def gaussian_mi(rho: float, d: int) -> GaussianMI:
    """Return the divergences between d independent pairs of standard normals of correlation ρ and independent ones.

    Parameters
    ----------
    rho : float
        Correlation, between -1 and 1.
    d : int
        Number of pairs, at least 1.

    Returns
    -------
    GaussianMI
        In closed form.

    Raises
    ------
    ValueError
        If `rho` or `d` lies outside its range.
    """
    if not -1 < rho < 1:
        raise ValueError(f"rho must lie between -1 and 1, got {rho}")
    check_at_least_one(d=d)
    kl = -d / 2 * math.log1p(-rho * rho)
    overlap = math.exp(-kl / 2 - d / 2 * math.log1p(-rho * rho / 4))
    chi2 = math.expm1(2 * kl) if kl < 354 else math.inf  # e^709 is the end of float64
    return GaussianMI(kl, chi2, overlap, 2 - 2 * overlap)


def gaussian_rho(mi: float, d: int) -> float:
    """Return the correlation at which d pairs have a mutual information: ``sqrt(1 - e^{-2 mi/d})``.

    Parameters
    ----------
    mi : float
        Nats, not negative.
    d : int
        Number of pairs, at least 1.

    Returns
    -------
    float
        ρ, from 0 to 1.

    Raises
    ------
    ValueError
        If `mi` or `d` lies outside its range.
    """
    if not mi >= 0:
        raise ValueError(f"mi must not be negative, got {mi}")
    check_at_least_one(d=d)
    return math.sqrt(-math.expm1(-2 * mi / d))


def generalised_mi(p: Tensor, q: Tensor, phi: Divergence, f: Tensor | None = None) -> Tensor:
    """Return ``D_φ(P ‖ Q) = max_f E_P f - min_l { l + E_Q φ*(f-l) }``, or the right side at one f.

    With P a joint law and Q the product of its margins it is a mutual information (arXiv 2310.11048; as Theorem 4.2 in its
    tight form, our reading). For KL the right side is Donsker and Varadhan's ``E_P f - log E_Q e^f``, best at f = log(P/Q);
    for χ² it is ``E_P f - E_Q f - Var_Q f / 4`` where ``f ≥ E_Q f - 2``, best at f = 2(P/Q - 1).

    Parameters
    ----------
    p, q : Tensor, the same shape
        Probability tables, each summing to one; P is 0 where Q is.
    phi : Divergence
        Such as `KullbackLeibler` or `ChiSquare`.
    f : Tensor or None, the same shape
        A critic; None for the divergence itself.

    Returns
    -------
    Tensor, shape []
        The divergence, or a lower bound of it.

    Raises
    ------
    ValueError
        If shapes differ or a table is not a law, or P has weight where Q has none.
    """
    for name, table in (("p", p), ("q", q)):
        if table.shape != q.shape or bool((table < 0).any()) or not torch.allclose(table.sum(), torch.ones_like(table.sum())):
            raise ValueError(f"{name} must be a table of shape {list(q.shape)} that sums to one, got {list(table.shape)}")
    possible = q > 0
    if bool((p[~possible] > 0).any()):
        raise ValueError(f"p {list(p.shape)} must be 0 where q is")
    p, q = p[possible], q[possible]
    if f is None:
        return (q * phi.phi(p / q)).sum()
    if f.shape != possible.shape:
        raise ValueError(f"f must have shape {list(possible.shape)}, got {list(f.shape)}")
    f = f[possible]
    return (p * f).sum() - _cost(f, q, phi)


def sampled_mi(joint: Tensor, product: Tensor, phi: Divergence) -> Tensor:
    """Return the bound of `generalised_mi` from a critic's values on samples.

    Parameters
    ----------
    joint : Tensor, shape [..., N]
        Critic on draws of P.
    product : Tensor, shape [..., M]
        Critic on draws of Q.
    phi : Divergence
        Such as `KullbackLeibler` or `ChiSquare`.

    Returns
    -------
    Tensor, shape [...]
        Estimates, float32 or wider. They lean upwards for small M: the minimum over l is of a mean that is itself drawn.

    Raises
    ------
    ValueError
        If a last axis is empty or leading axes differ.
    """
    if joint.dim() == 0 or joint.shape[:-1] != product.shape[:-1] or 0 in (joint.shape[-1], product.shape[-1]):
        raise ValueError(f"joint and product must have shapes [..., N], [..., M], got {list(joint.shape)}, {list(product.shape)}")
    product = wide(product)
    weight = product.new_full(product.shape[-1:], 1 / product.shape[-1])
    return wide(joint).mean(-1) - _cost(product, weight, phi)


def _cost(f: Tensor, weight: Tensor, phi: Divergence) -> Tensor:
    """Return ``min_l l + E φ*(f-l)``; l needs no gradient, being optimal."""
    level = phi.level(f.detach(), weight)
    return level + (weight * phi.conjugate(f - level[..., None])).sum(-1)


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
    check_positive(clip=clip)
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
