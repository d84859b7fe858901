"""Lambert's W function."""

from __future__ import annotations

import math

import torch
from torch import Tensor


@torch.no_grad()
def lambert_w(z: Tensor) -> Tensor:
    """Return the principal branch of Lambert's W: the w ≥ -1 with ``w e^w = z``.

    Halley's method, from a series around the branch point -1/e or from logarithms (Corless et al., Adv. Comput. Math. 1996,
    eq. 4.22 and 5.9). Eight steps are more than any float64 needs.

    Parameters
    ----------
    z : Tensor
        Numbers of at least -1/e; below it (where W has no real value) they count as -1/e.

    Returns
    -------
    Tensor
        The same shape and type, without gradient.

    Raises
    ------
    ValueError
        If `z` is not floating.
    """
    if not z.is_floating_point():
        raise ValueError(f"z must be floating, got {z.dtype} {list(z.shape)}")
    branch = (2 * (math.e * z + 1)).clamp(min=0.0).sqrt()
    log = z.clamp(min=math.e).log()
    w = torch.where(z < 1, -1 + branch - branch.square() / 3 + 11 / 72 * branch**3, log - log.log())
    w = torch.where((z >= 1) & (z < math.e), 0.8, w)
    at_branch = branch < 2e-2 * torch.finfo(z.dtype).eps ** 0.25
    for _ in range(8):
        excess = w - z * torch.exp(-w)
        slope = w + 1
        step = excess / (slope - (w + 2) * excess / (2 * slope))
        w = w - torch.where(at_branch, 0.0, step)
    return w
