"""Contrastive losses of vectors with in-batch, gathered or given negatives: InfoNCE, NT-Xent (SimCLR), and any loss of scores."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from reverie.errors import NotFinite
from reverie.objectives.contrastive import products
from reverie.objectives.contrastive.bank import gather_rows
from reverie.objectives.pool import LogWeight, Pool, Scores, Temperature, check_temperature, wide
from reverie.objectives.softmax import sampled_softmax

FEW = 2**20
"""Scores up to which all are held, where nothing but InfoNCE is asked for."""
SHORTEST = 1e-12
"""Vectors shorter than this are divided by it, and stay short."""

Loss = Callable[..., Tensor]
"""A loss of scores: ``(positive [M], negative: Pool, temperature=τ) -> [M]``, such as `sampled_softmax`, or `functools.partial`
of `adnce`, `hcl` and the others with their options; or without the last argument, such as `ScoreLoss`."""


def info_nce(
    query: Tensor,
    positive_key: Tensor,
    negative_keys: Tensor | None = None,
    temperature: Temperature = 0.1,
    reduction: products.Reduction = "mean",
    negative_mode: products.NegativeMode = "unpaired",
    *,
    log_weight: LogWeight | None = None,
    symmetric: bool = False,
    labels: Tensor | None = None,
    negative_labels: Tensor | None = None,
    mask: Tensor | None = None,
    chunk: int | None = None,
    gather: bool = False,
) -> Tensor:
    """Return InfoNCE, ``-log( e^{f+/τ} / (e^{f+/τ} + Σ_j w_j e^{f_j/τ}) )``, of cosines f (arXiv 1807.03748, eq. 4).

    `log_weight` gives log w of each negative from its cosine; without it w = 1. All other options are those of `contrast`.

    Parameters
    ----------
    query, positive_key, negative_keys, temperature, reduction, negative_mode
        See `contrast`.
    log_weight : Tensor, callable, Density or None
        See `LogWeight`; only a `Density`, such as `gaussian`, can be computed in chunks.
    symmetric, labels, negative_labels, mask, chunk, gather
        See `contrast`.

    Returns
    -------
    Tensor, shape [], or [M] for reduction "none"
        The loss, float32 or wider, never negative.

    Raises
    ------
    ValueError
        See `contrast`.

    Examples
    --------
    >>> import torch
    >>> query, key = torch.eye(3), torch.eye(3)
    >>> round(float(info_nce(query, key, temperature=0.5)), 4)  # log(1 + 2 e^-2)
    0.2395
    """
    if temperature is None:
        raise ValueError("temperature must be a number or a tensor, got None")
    loss = sampled_softmax if log_weight is None else partial(sampled_softmax, log_weight=log_weight)
    left_out: dict[str, Any] = {"labels": labels, "negative_labels": negative_labels, "mask": mask}
    how: dict[str, Any] = {"symmetric": symmetric, "chunk": chunk, "gather": gather}
    return contrast(loss, query, positive_key, negative_keys, temperature, reduction, negative_mode, **left_out, **how)


def contrast(
    loss: Loss,
    query: Tensor,
    positive_key: Tensor,
    negative_keys: Tensor | None = None,
    temperature: Temperature | None = 0.1,
    reduction: products.Reduction = "mean",
    negative_mode: products.NegativeMode = "unpaired",
    *,
    symmetric: bool = False,
    labels: Tensor | None = None,
    negative_labels: Tensor | None = None,
    mask: Tensor | None = None,
    chunk: int | None = None,
    gather: bool = False,
) -> Tensor:
    """Return a loss of the cosines of anchors with their positives and negatives.

    Vectors are divided by their length, and cosines are computed in float32 or wider even under autocast: rounded to bfloat16
    they would move a logit by 0.4 at τ = 0.01. An empty `negative_keys` (a memory bank before its first entry) gives loss 0 and no
    gradient; so does, on other devices than the CPU, an anchor whose negatives are all left out.

    Parameters
    ----------
    loss : callable
        Loss of scores, see `Loss`.
    query : Tensor, shape [M, D]
    positive_key : Tensor, shape [M, D]
        The positive of each anchor.
    negative_keys : Tensor or None, shape [K, D], or [M, K, D] if paired
        Negatives of all anchors, or of each; None for the other anchors' positives.
    temperature : float, None or Tensor, shape [], [M] or [M, 1]
        τ, positive; gradients reach it. None: the loss has its own.
    reduction : {"mean", "sum", "none"}
    negative_mode : {"unpaired", "paired"}
        What `negative_keys` is; not read without it.
    symmetric : bool
        Mean of this loss and the one with queries and positive keys exchanged (CLIP, arXiv 2103.00020); needs
        ``negative_keys=None``.
    labels : Tensor or None, shape [M]
        Keys with the anchor's label are no negatives: false negatives, or classes.
    negative_labels : Tensor or None, shape [K], or [M, K] if paired
        Labels of `negative_keys`, given with `labels`.
    mask : Tensor or None, shape [M, K], bool
        True where a key is no negative; without `negative_keys`, K counts all keys and an anchor's own never is one.
    chunk : int or None
        Columns of scores held at a time, which are computed again on the way back. None: about 2 million scores, or all where
        the loss needs them (weights that are no `Density`, paired negatives).
    gather : bool
        Take the positives of all processes of `torch.distributed` as keys, this process's own first, with their labels.
        With losses averaged over anchors and gradients over processes, as data-parallel training does, gradients are those
        of one process with the whole batch, if shares are equal. Needs ``negative_keys=None``.

    Returns
    -------
    Tensor, shape [], or [M] for reduction "none"
        The loss, float32 or wider.

    Raises
    ------
    ValueError
        If shapes do not fit, `temperature` or `chunk` is not positive, or `reduction` or `negative_mode` is unknown; on the CPU
        also if a value is NaN or infinite or all negatives of an anchor are left out; if there is one anchor and no other key.
    """
    products.check_vectors(query, positive_key, negative_keys, reduction, negative_mode, chunk)
    if temperature is not None:
        check_temperature(temperature)
    if mask is not None and symmetric and gather:
        raise ValueError("mask cannot be given with symmetric and gather together: it holds no row for keys of other processes")
    if negative_keys is not None and (symmetric or gather):
        name = "symmetric" if symmetric else "gather"
        raise ValueError(f"{name} needs negative_keys=None, got negative_keys of shape {list(negative_keys.shape)}")
    with torch.autocast(query.device.type, enabled=False):
        query, positive_key = _normalise(query, "query"), _normalise(positive_key, "positive_key")
        if negative_keys is not None:
            paired = negative_mode == "paired"
            left_out = products.checked(
                products.LeftOut(False, labels, negative_labels, mask), len(query), negative_keys.shape[-2], paired
            )
            if negative_keys.shape[-2] == 0:
                return _reduce((query * positive_key).sum(-1) * 0, reduction)
            keys = _normalise(negative_keys, "negative_keys")
            pool = _score_pairs(query, keys, left_out, chunk) if paired else products.Products(query, keys, left_out, chunk)
            _check_negatives(pool, left_out, query.device)
            return _reduce(_compute_loss(loss, query, positive_key, pool, temperature), reduction)
        if negative_labels is not None:
            raise ValueError(f"negative_labels needs negative_keys, got negative_labels of shape {list(negative_labels.shape)}")
        key_labels = gather_rows(labels) if gather and labels is not None else labels
        directions = [(query, positive_key, mask)]
        if symmetric:
            directions.append((positive_key, query, _transpose(mask)))
        losses = []
        for anchors, keys, masked in directions:
            every = gather_rows(keys) if gather else keys
            if len(every) == 1:
                raise ValueError(f"query must have at least 2 rows where negative_keys is None, got shape {list(query.shape)}")
            left_out = products.checked(products.LeftOut(True, labels, key_labels, masked), len(anchors), len(every), False)
            pool = products.Products(anchors, every, left_out, chunk)
            _check_negatives(pool, left_out, query.device)
            if loss is sampled_softmax and temperature is not None and chunk is None and len(anchors) * len(every) <= FEW:
                losses.append(products.in_batch_softmax(anchors, every, left_out.hide, temperature))
            else:
                losses.append(_compute_loss(loss, anchors, keys, pool, temperature))
        return _reduce(torch.stack(losses).mean(0) if symmetric else losses[0], reduction)


def _score_pairs(query: Tensor, keys: Tensor, left_out: products.LeftOut, chunk: int | None) -> Scores:
    if chunk is not None:
        raise ValueError(f"chunk must be None where negative_mode is 'paired', got {chunk}: no anchor shares another's negatives")
    scores = torch.bmm(keys, query[:, :, None])[:, :, 0]
    hidden = left_out.hidden(len(scores), 0, scores.shape[1], scores.device)
    return Scores(scores if hidden is None else scores.masked_fill(hidden, float("-inf")))


def _normalise(vectors: Tensor, name: str) -> Tensor:
    """Return vectors of length 1, float32 or wider; lengths are looked at on the CPU only, where that costs no waiting."""
    vectors = wide(vectors)
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    if length.device.type == "cpu" and not math.isfinite(float(length.detach().sum())):
        products.check_finite(**{name: vectors})
        raise NotFinite(f"{name} must have lengths that {vectors.dtype} can hold, got vectors that are longer")
    return vectors / length.clamp(min=SHORTEST)


def _compute_loss(loss: Loss, anchors: Tensor, positives: Tensor, pool: Pool, temperature: Temperature | None) -> Tensor:
    positive = (anchors * positives).sum(-1)
    return loss(positive, pool) if temperature is None else loss(positive, pool, temperature=temperature)


def _check_negatives(pool: Pool, left_out: products.LeftOut, device: torch.device) -> None:
    """Refuse anchors of which labels and mask leave no negative, on the CPU only, where the look costs no waiting."""
    if device.type == "cpu" and not (left_out.labels is None and left_out.mask is None):
        alone = pool.count() == 0
        if bool(alone.any()):
            name = "mask" if left_out.labels is None else "labels" if left_out.mask is None else "labels and mask"
            rows = f"{int(alone.sum())} of {len(alone)} anchors, the first in row {int(alone.int().argmax())}"
            raise ValueError(f"{name} must leave each anchor a negative, but leave none to {rows}")


def _transpose(mask: Tensor | None) -> Tensor | None:
    if mask is None:
        return None
    if mask.dim() != 2 or mask.shape[0] != mask.shape[1]:
        raise ValueError(f"mask must be square where symmetric is asked for, got shape {list(mask.shape)}")
    return mask.T


def _reduce(loss: Tensor, reduction: products.Reduction) -> Tensor:
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def nt_xent(
    first: Tensor,
    second: Tensor,
    temperature: Temperature | None = 0.1,
    reduction: products.Reduction = "mean",
    *,
    loss: Loss = sampled_softmax,
    labels: Tensor | None = None,
    chunk: int | None = None,
) -> Tensor:
    """Return a loss of 2B anchors, each with 2B - 2 negatives from both views (NT-Xent of SimCLR, arXiv 2002.05709, eq. 1).

    Parameters
    ----------
    first, second : Tensor, shape [B, D]
        Views; row i of both is the same example.
    temperature : float, None or Tensor, shape [], [2B] or [2B, 1]
        τ, positive; None: the loss has its own.
    reduction : {"mean", "sum", "none"}
        Over the 2B anchors, those of `first` before those of `second`.
    loss : callable
        Loss of scores, see `Loss`; InfoNCE by default.
    labels : Tensor or None, shape [B]
        Examples of the same label are no negatives.
    chunk : int or None
        See `contrast`.

    Returns
    -------
    Tensor, shape [], or [2B] for reduction "none"
        The loss, float32 or wider.

    Raises
    ------
    ValueError
        See `contrast`.
    """
    if first.dim() != 2 or first.shape != second.shape:
        raise ValueError(f"second must have the shape [B, D] of first, got {list(first.shape)} and {list(second.shape)}")
    if labels is not None and labels.shape != first.shape[:1]:
        raise ValueError(f"labels must have shape [{len(first)}], got {list(labels.shape)}")
    if len(first) == 1:
        raise ValueError(f"first must have at least 2 rows, got shape {list(first.shape)}")
    own = torch.arange(len(first), device=first.device) if labels is None else labels
    query, key = torch.cat([first, second]), torch.cat([second, first])
    return contrast(loss, query, key, None, temperature, reduction, labels=own.repeat(2), chunk=chunk)
