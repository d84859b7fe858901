"""Losses with weighted negatives: ADNCE (a Gaussian of the cosine), its shuffled control, and AdvInfoNCE (learned weights)."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.objectives.contrastive.vectors import Loss
from reverie.objectives.pool import NOTHING, Density, Pool, Temperature, log_mass, to_pool, wide, zero_without_negatives
from reverie.objectives.softmax import sampled_softmax

Variant = Literal["image", "sentence", "graph", "reweight_only"]


def gaussian(mu: float, sigma: float) -> Density:
    """Return the weights ``w_j = N(f_j; μ, σ) / mean_j N(f_j; μ, σ)`` of ADNCE (arXiv 2310.11048), taken as constants.

    Parameters
    ----------
    mu : float
        Mean, in units of score (cosine, before the temperature).
    sigma : float
        Standard deviation, positive.

    Returns
    -------
    Density
        To be used as a `log_weight`.

    Raises
    ------
    ValueError
        If `mu` is not finite or `sigma` not positive.
    """
    if not abs(mu) < float("inf"):
        raise ValueError(f"mu must be finite, got {mu}")
    if not 0 < sigma < float("inf"):
        raise ValueError(f"sigma must be positive, got {sigma}")
    return Density(lambda scores: scores.sub(mu).div_(sigma).square_().mul_(-0.5))


def adnce(
    positive: Tensor, negative: Tensor | Pool, temperature: Temperature = 0.1, *, variant: Variant, mu: float, sigma: float
) -> Tensor:
    """Return ADNCE (arXiv 2310.11048) in one of the four forms that its authors' code has under that name.

    With f the scores, w the weights of `gaussian` and n the number of negatives:

    - ``image``: ``-log( e^{f+/τ} / (e^{f+/τ} + Σ_j w_j e^{f_j/τ}) )``, the paper's formula;
    - ``sentence``: ``-log( e^{f+/τ} / Σ_row w e^{f/τ} )``, where the row is negatives and positive, the positive is weighted as
      they are and weights have mean 1 over the row;
    - ``graph``: ``-log( e^{f+/τ} / (1/n Σ_j w_j e^{f_j/τ}) )``, decoupled, and a mean;
    - ``reweight_only``: ``-f+/τ + 1/n Σ_j w_j f_j/τ``, without logarithm; needs all scores at once.

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores f+ of the positives.
    negative : Tensor, shape [M, K], or Pool
        Scores f_j of the negatives; -inf masks one. A row with all masked has loss 0 and no gradient.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive.
    variant : {"image", "sentence", "graph", "reweight_only"}
    mu, sigma : float
        Mean and standard deviation of the Gaussian, in units of score.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider; only ``image`` is never negative.

    Raises
    ------
    ValueError
        If shapes do not fit, scores are NaN, or an option is out of range.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant must be one of {', '.join(get_args(Variant))}, got {variant!r}")
    weight = gaussian(mu, sigma)
    positive, pool, inverse = to_pool(positive, negative, temperature)
    logit = positive * inverse
    if variant == "image":
        mass = log_mass(pool, inverse, weight)
        return zero_without_negatives(-F.logsigmoid(logit - mass), mass)
    if variant == "graph":
        mass, weights = pool.log_sums(inverse, weight)
        return zero_without_negatives(mass - weights - logit, mass)
    if variant == "sentence":
        mass, weights = pool.log_sums(inverse, weight)
        own = weight.log(positive.detach())
        row = torch.logaddexp(mass, own + logit) - torch.logaddexp(weights, own)
        return zero_without_negatives(row + (pool.count() + 1).log() - logit, mass)
    scores = pool.matrix()
    logs = scores.log_weights(weight)
    share = logs.softmax(1).masked_fill(scores.masked(), 0.0)
    mean = (share * scores.values.masked_fill(scores.masked(), 0.0)).sum(1)
    return zero_without_negatives((mean - positive) * inverse, torch.where(logs.amax(1) == float("-inf"), float("-inf"), mean))


def shuffled(loss: Loss, generator: torch.Generator | None = None) -> Loss:
    """Return a loss in which each row's weights are permuted among its negatives: whatever is left owes nothing to their scores.

    Works for weights that are looked up per negative: `adnce` (in ``sentence`` the positive keeps its own) and `sampled_softmax`
    with a `log_weight`. All scores are held.

    Parameters
    ----------
    loss : callable
        Loss of scores with weights.
    generator : torch.Generator or None
        Where permutations come from; torch's own by default.

    Returns
    -------
    callable
        Loss of scores. It raises ValueError if `loss` uses no such weights.
    """
    return partial(_shuffled, loss, generator)


def _shuffled(
    loss: Loss, generator: torch.Generator | None, positive: Tensor, negative: Tensor | Pool, temperature: Temperature = 0.1
) -> Tensor:
    positive, pool, _ = to_pool(positive, negative, temperature)
    return loss(positive, pool.matrix().shuffled(generator), temperature=temperature)


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
