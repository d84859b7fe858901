"""Products of vectors: shapes, cosines of a batch, what is left out of its negatives, and InfoNCE with a hand-written gradient."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from reverie.errors import NotFinite
from reverie.objectives.full import Hide, linear_log_sums
from reverie.objectives.pool import NOTHING, Density, LogWeight, Scores, Temperature, column, inverse_temperature

Reduction = Literal["mean", "sum", "none"]
NegativeMode = Literal["unpaired", "paired"]


@dataclass(frozen=True)
class LeftOut:
    """Pairs of anchors and keys that are no negatives, computed for a chunk of columns at a time.

    labels [M], key_labels [K] or [M, K], mask [M, K].
    """

    diagonal: bool = False
    labels: Tensor | None = None
    key_labels: Tensor | None = None
    mask: Tensor | None = None

    def hidden(self, rows: int, first: int, size: int, device: torch.device) -> Tensor | None:
        """Return which pairs of a piece are left out → [M, size]."""
        piece, parts = slice(first, first + size), []
        if self.diagonal:
            parts.append(torch.arange(rows, device=device)[:, None] == torch.arange(first, first + size, device=device))
        if self.labels is not None and self.key_labels is not None:
            parts.append(self.labels[:, None] == self.key_labels[..., piece])
        if self.mask is not None:
            parts.append(self.mask[:, piece])
        return reduce(torch.logical_or, parts) if parts else None

    def hide(self, scores: Tensor, first: int) -> None:
        """Set, in place, the scores of a piece that do not count to -inf; scores [M, size]."""
        if self.diagonal and self.labels is None and self.mask is None:
            scores[first:].diagonal().fill_(float("-inf"))
            return
        hidden = self.hidden(len(scores), first, scores.shape[1], scores.device)
        if hidden is not None:
            scores.masked_fill_(hidden, float("-inf"))


def check_vectors(
    query: Tensor, positive_key: Tensor, negative_keys: Tensor | None, reduction: str, negative_mode: str, chunk: int | None
) -> None:
    """Check what `contrast` is given, except labels and mask."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    if negative_mode not in ("unpaired", "paired"):
        raise ValueError(f"negative_mode must be 'unpaired' or 'paired', got {negative_mode!r}")
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}")
    if query.dim() != 2 or 0 in query.shape:
        raise ValueError(f"query must have shape [M, D] with M ≥ 1 and D ≥ 1, got {list(query.shape)}")
    if positive_key.shape != query.shape:
        raise ValueError(f"positive_key must have the shape {list(query.shape)} of query, got {list(positive_key.shape)}")
    if negative_keys is not None:
        paired = negative_mode == "paired"
        shape = f"[{len(query)}, K, {query.shape[1]}]" if paired else f"[K, {query.shape[1]}]"
        wanted = (*query.shape[: int(paired)], *negative_keys.shape[-2:-1], query.shape[1])
        if negative_keys.dim() != 2 + paired or tuple(negative_keys.shape) != wanted:
            got = list(negative_keys.shape)
            raise ValueError(f"negative_keys must have shape {shape} where negative_mode is {negative_mode!r}, got {got}")


def check_finite(**vectors: Tensor) -> None:
    """Check for values that are NaN or infinite, on the CPU only."""
    for name, value in vectors.items():
        if value.device.type == "cpu" and not bool(value.isfinite().all()):
            raise NotFinite(f"{name} must be finite, got NaN or infinite values in shape {list(value.shape)}")


def checked(asked: LeftOut, m: int, k: int, paired: bool) -> LeftOut:
    """Return what is left out, its shapes checked."""
    if (asked.labels is None) != (asked.key_labels is None):
        given, missing = ("labels", "negative_labels") if asked.key_labels is None else ("negative_labels", "labels")
        raise ValueError(f"{given} needs {missing} where negative_keys is given")
    if asked.labels is not None and asked.labels.shape != (m,):
        raise ValueError(f"labels must have shape [{m}], one per row of query, got {list(asked.labels.shape)}")
    shape = (m, k) if paired else (k,)
    if asked.key_labels is not None and asked.key_labels.shape != shape:
        raise ValueError(f"negative_labels must have shape {list(shape)}, one per negative key, got {list(asked.key_labels.shape)}")
    if asked.mask is not None and (asked.mask.shape != (m, k) or asked.mask.dtype != torch.bool):
        raise ValueError(f"mask must be bool of shape [{m}, {k}], got {asked.mask.dtype} of shape {list(asked.mask.shape)}")
    return asked


PIECE = 2**21
"""Scores of one piece, where the number of columns is left to us: 8 MB in float32."""


@dataclass(frozen=True)
class Products:
    """Negatives of M anchors among K shared vectors; a `Pool`; query [M, D], keys [K, D]."""

    query: Tensor
    keys: Tensor
    left_out: LeftOut
    chunk: int | None = None

    def count(self) -> Tensor:
        """Return how many negatives each anchor has → [M]."""
        m, n, step = len(self.query), len(self.keys), self._columns()
        kept = self.query.new_full((m,), n)
        for first in range(0, n, step):
            hidden = self.left_out.hidden(m, first, min(step, n - first), self.query.device)
            if hidden is not None:
                kept -= hidden.sum(1)
        return kept

    def matrix(self) -> Scores:
        """Return all scores at once."""
        if self.chunk is not None:
            raise ValueError(
                f"chunk must be None, got {self.chunk}: this loss needs all scores at once (its weights are no Density)"
            )
        scores = self.query @ self.keys.T
        hidden = self.left_out.hidden(len(scores), 0, scores.shape[1], scores.device)
        return Scores(scores if hidden is None else scores.masked_fill(hidden, float("-inf")))

    def log_sums(self, inverse: float | Tensor, weight: LogWeight | None = None) -> tuple[Tensor, Tensor]:
        """Return the log of the weighted sum of exponentials, and of the sum of weights; inverse [] or [M] → [M], [M]."""
        if not (weight is None or isinstance(weight, Density)):
            return self.matrix().log_sums(inverse, weight)
        scale = column(inverse)
        constant = scale.detach() if isinstance(scale, Tensor) else scale
        density: Callable[[Tensor], Tensor] | None = None
        if weight is not None:
            log = weight.log

            def density(scaled: Tensor) -> Tensor:
                return log(scaled / constant)

        return linear_log_sums(self.query * scale, self.keys, self._columns(), self.left_out.hide, density)

    def _columns(self) -> int:
        return self.chunk or max(PIECE // len(self.query), 64)


def in_batch_softmax(query: Tensor, keys: Tensor, hide: Hide, temperature: Temperature) -> Tensor:
    """Return ``softplus( log Σ_{j kept} e^{s_ij/τ} - s_ii/τ )`` for ``s = query @ keys.T``, key i the positive of anchor i.

    query [M, D], keys [K, D], temperature [], [M] or [M, 1] → [M].
    """
    inverse = column(inverse_temperature(temperature, len(query)))
    loss: Tensor = _InBatch.apply(query * inverse, keys, hide)  # type: ignore[no-untyped-call] # torch's own
    return loss


class _InBatch(torch.autograd.Function):
    """Keeps the exponentials [M, K], and of each row their sum and how far negatives stand above the positive."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor, hide: Hide) -> Tensor:
        scores = query @ keys.T
        own = scores.diagonal().clone()
        hide(scores, 0)
        top = scores.amax(1, keepdim=True).clamp_(min=NOTHING)
        share = scores.sub_(top).exp_()
        total = share.sum(1).clamp_(min=torch.finfo(share.dtype).tiny)
        margin = total.log() + (top[:, 0] - own)
        ctx.save_for_backward(query, keys, share, total, margin)
        return F.softplus(margin)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        query, keys, share, total, margin = ctx.saved_tensors
        pull = gradient * margin.sigmoid()
        of_scores = share * (pull / total)[:, None]
        of_scores.diagonal().copy_(-pull)
        with torch.autocast(query.device.type, enabled=False):
            return of_scores @ keys, of_scores.T @ query, None
