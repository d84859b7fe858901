"""Shape checks of vectors, labels and masks of contrastive losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from reverie.errors import NotFinite

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.objectives.contrastive.left_out import LeftOut

Reduction = Literal["mean", "sum", "none"]
NegativeMode = Literal["unpaired", "paired"]


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
