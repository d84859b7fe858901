"""Scores in groups of rows, as robust losses take them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objectives.checks import wide


@dataclass(frozen=True)
class Groups:
    """Which rows belong together; index [M]."""

    index: Tensor
    size: int

    def mean(self, x: Tensor) -> Tensor:
        """Return each group's mean over its rows; x [M] → [G]."""
        return x.new_zeros(self.size).index_add(0, self.index, x) / torch.bincount(self.index, minlength=self.size)


def group_rows(codes: Tensor) -> tuple[Tensor, Groups]:
    """Group rows of equal code; codes [M] → [G]."""
    kept, index = torch.unique(codes, return_inverse=True)
    return kept, Groups(index, len(kept))


@dataclass(frozen=True)
class MaskedScores:
    """Checked scores. Made by `MaskedScores.of`; values [..., N], mask [..., N], count [...], top [...]."""

    values: Tensor
    mask: Tensor
    count: Tensor
    top: Tensor

    @classmethod
    def of(cls, f: Tensor, mask: Tensor | None = None, name: str = "f") -> MaskedScores:
        """Check scores and take the masked ones out; f [..., N]."""
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
        """Return the mean over unmasked entries; x [..., N] → [...]."""
        return x.masked_fill(~self.mask, 0.0).sum(-1) / self.count

    def variance(self) -> Tensor:
        """Return the variance of the scores under the uniform law (divided by the count, not by one less) → [...]."""
        return self.mean((self.values - self.mean(self.values)[..., None]).square())

    def ties(self) -> tuple[Tensor, Tensor]:
        """Return the uniform law over each row's highest scores, what tilting tends to as τ → 0, and its radius.

        → [..., N], [...].
        """
        highest = self.mask & (self.values == self.top[..., None])
        number = highest.sum(-1)
        return highest / number[..., None].to(self.values.dtype), (self.count.to(self.values.dtype) / number).log()


def checked_rows(value: float | Tensor, rows: Tensor, name: str) -> Tensor:
    """Return a positive number per row; rows [...] → [...]."""
    number = torch.as_tensor(value, dtype=rows.dtype, device=rows.device)
    if not bool((number > 0).all() & number.isfinite().all()):
        raise ValueError(f"{name} must be positive and finite, got {value if number.dim() == 0 else f'shape {list(number.shape)}'}")
    try:
        return number.expand_as(rows)
    except RuntimeError:
        raise ValueError(f"{name} must broadcast to {list(rows.shape)}, one per row of f, got {list(number.shape)}") from None
