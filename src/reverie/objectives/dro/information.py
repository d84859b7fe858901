"""Generalised (φ-)mutual information of tables and samples, by its variational bound (Wu et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.objectives.checks import wide

if TYPE_CHECKING:
    from reverie.objectives.dro.divergences import Divergence


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
