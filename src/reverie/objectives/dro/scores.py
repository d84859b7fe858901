"""Scores of negatives as an empirical distribution: the uniform law over the unmasked entries of the last axis."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objectives.checks import wide


@dataclass(frozen=True)
class MaskedScores:
    """Checked scores. Made by `MaskedScores.of`.

    Parameters
    ----------
    values : Tensor, shape [..., N]
        Scores, float32 or wider; masked ones are replaced by their row's highest, so that nothing infinite is left.
    mask : Tensor, shape [..., N], bool
        Which entries count.
    count : Tensor, shape [...]
        How many of a row count, at least 1.
    top : Tensor, shape [...]
        Each row's highest score.
    """

    values: Tensor
    mask: Tensor
    count: Tensor
    top: Tensor

    @classmethod
    def of(cls, f: Tensor, mask: Tensor | None = None, name: str = "f") -> MaskedScores:
        """Check scores and take the masked ones out.

        Parameters
        ----------
        f : Tensor, shape [..., N]
            Scores; -inf masks one.
        mask : Tensor or None, bool, broadcasts to f
            True where an entry counts.
        name : str
            What to call `f` in a message.

        Returns
        -------
        MaskedScores
            The distribution.

        Raises
        ------
        ValueError
            If `f` has no last axis, is not floating, holds NaN or +inf, or a row has no entry left; if `mask` does not fit.
        """
        if f.dim() == 0 or f.shape[-1] == 0 or not f.is_floating_point():
            raise ValueError(f"{name} must be floating with shape [..., N] and N ≥ 1, got {f.dtype} {list(f.shape)}")
        keep = f != -torch.inf
        if mask is not None:
            if mask.dtype != torch.bool:
                raise ValueError(f"mask must be bool, got {mask.dtype} {list(mask.shape)}")
            try:
                keep = keep & mask.expand_as(f)
            except RuntimeError:
                raise ValueError(f"mask must broadcast to {name} {list(f.shape)}, got {list(mask.shape)}") from None
        count = keep.sum(-1)
        if not bool(count.all()):
            raise ValueError(f"{name} {list(f.shape)} has a row without an unmasked score")
        values = wide(f).masked_fill(~keep, -torch.inf)
        top = values.amax(-1)
        if not bool(top.isfinite().all()):
            raise ValueError(f"{name} {list(f.shape)} holds NaN or +inf")
        return cls(torch.where(keep, values, top[..., None]), keep, count, top)

    def mean(self, x: Tensor) -> Tensor:
        """Return the mean over unmasked entries.

        Parameters
        ----------
        x : Tensor, shape [..., N]
            Finite values.

        Returns
        -------
        Tensor, shape [...]
            Means.
        """
        return x.masked_fill(~self.mask, 0.0).sum(-1) / self.count

    def variance(self) -> Tensor:
        """Return the variance of the scores under the uniform law (divided by the count, not by one less).

        Returns
        -------
        Tensor, shape [...]
            Variances.
        """
        return self.mean((self.values - self.mean(self.values)[..., None]).square())

    def ties(self) -> tuple[Tensor, Tensor]:
        """Return the uniform law over each row's highest scores, what tilting tends to as τ → 0, and its radius.

        Returns
        -------
        weights : Tensor, shape [..., N]
            Sums to one.
        cap : Tensor, shape [...]
            log(N / number of highest).
        """
        highest = self.mask & (self.values == self.top[..., None])
        number = highest.sum(-1)
        return highest / number[..., None].to(self.values.dtype), (self.count.to(self.values.dtype) / number).log()


def checked_rows(value: float | Tensor, rows: Tensor, name: str) -> Tensor:
    """Return a positive number per row.

    Parameters
    ----------
    value : float or Tensor, broadcasts to [...]
        The number or numbers.
    rows : Tensor, shape [...]
        Gives shape, type and device.
    name : str
        What to call it in a message.

    Returns
    -------
    Tensor, shape [...]
        The value, expanded.

    Raises
    ------
    ValueError
        If one is not positive and finite, or the shape does not broadcast.
    """
    number = torch.as_tensor(value, dtype=rows.dtype, device=rows.device)
    if not bool((number > 0).all() & number.isfinite().all()):
        raise ValueError(f"{name} must be positive and finite, got {value if number.dim() == 0 else f'shape {list(number.shape)}'}")
    try:
        return number.expand_as(rows)
    except RuntimeError:
        raise ValueError(f"{name} must broadcast to {list(rows.shape)}, one per row of f, got {list(number.shape)}") from None
