"""AdvInfoNCE: negatives weighted by learned adversarial probabilities (Zhang et al. 2023)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.objectives.checks import NOTHING, Temperature, wide
from reverie.objectives.softmax import sampled_softmax

if TYPE_CHECKING:
    from reverie.objectives.pool import Pool


@dataclass(frozen=True)
class Adversarial:
    """The log-weights ``log(n p_j)``, ``p = softmax(logits)`` over the n negatives of a row; gradients reach the logits.

    Parameters
    ----------
    logits : Tensor, shape [M, K]
        Whatever the adversary says of each negative, such as an inner product of vectors of its own.

    Raises
    ------
    ValueError
        If `logits` is not a matrix.
    """

    logits: Tensor

    def __post_init__(self) -> None:
        if self.logits.dim() != 2 or self.logits.shape[1] == 0:
            raise ValueError(f"logits must have shape [M, K] with K ≥ 1, got {list(self.logits.shape)}")

    def __call__(self, scores: Tensor) -> Tensor:
        """Return the log-weights; scores [M, K] → [M, K]."""
        if self.logits.shape != scores.shape:
            raise ValueError(f"logits must have the shape {list(scores.shape)} of negative, got {list(self.logits.shape)}")
        masked = scores == float("-inf")
        return self._log_p(masked) + (~masked).sum(1, keepdim=True).clamp(min=1).log()

    def eta(self, mask: Tensor | None = None) -> Tensor:
        """Return the radius ``η = KL(p ‖ uniform) = log n - H(p)`` that the adversary has reached.

        Parameters
        ----------
        mask : Tensor or None, shape [M, K], bool
            True where a negative is masked.

        Returns
        -------
        Tensor, shape [M]
            In nats, 0 to log n.
        """
        log_p = self._log_p(mask)
        n = log_p.new_tensor(math.log(log_p.shape[1])) if mask is None else (~mask).sum(1).clamp(min=1).log()
        return (log_p.exp() * log_p.clamp(min=NOTHING)).sum(1) + n

    def _log_p(self, mask: Tensor | None) -> Tensor:
        logits = wide(self.logits)
        return torch.log_softmax(logits if mask is None else logits.masked_fill(mask, NOTHING), 1)


def adv_info_nce(positive: Tensor, negative: Tensor | Pool, temperature: Temperature = 0.1, *, adversary: Adversarial) -> Tensor:
    """Return ``-log( e^{f+/τ} / (e^{f+/τ} + n Σ_j p_j e^{f_j/τ}) )`` (AdvInfoNCE, arXiv 2310.18700).

    The encoder descends it; every few epochs the adversary ascends it, until ``adversary.eta().mean()`` reaches its radius.

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores f+ of the positives.
    negative : Tensor, shape [M, K], or Pool
        Scores f_j of the negatives; -inf masks one. A row with all masked has loss 0 and no gradient.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive.
    adversary : Adversarial
        p of each negative.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider, never negative.

    Raises
    ------
    ValueError
        If shapes do not fit, scores are NaN, or `temperature` is not positive.
    """
    return sampled_softmax(positive, negative, adversary, temperature)
