"""Softmax losses over a target and sampled negatives, as pure functions of scores."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from reverie.objectives.checks import check_scores, check_temperature, wide

LogWeight = Tensor | Callable[[Tensor], Tensor]
"""Log-weights of negatives: values that broadcast to [M, K], or a function of the negatives' scores [M, K] before the
temperature (where masked ones are -inf). Gradients flow through it unless it detaches."""

_NOTHING = -1e30
"""Stands for -inf inside sums of exponentials: as weightless, but with defined gradients."""


def sampled_softmax(positive: Tensor, negative: Tensor, log_weight: LogWeight | None = None, temperature: float = 1.0) -> Tensor:
    """Return ``-log( e^{p/τ} / (e^{p/τ} + Σ_j w_j e^{n_j/τ}) )``, computed as softplus of a log-sum-exp of differences.

    With ``log_weight = -log(n q_j)`` it estimates the full softmax from n draws of distribution q in which hits on the target
    are masked (the expected sum is that over all other items); the target's own score stays as it is.

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores p of the targets.
    negative : Tensor, shape [M, K]
        Scores n_j of the negatives; -inf masks one. A row with all masked has loss 0 and no gradient.
    log_weight : Tensor, callable or None
        log w_j of the negatives, see `LogWeight`; None for w = 1.
    temperature : float
        τ, positive.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider.

    Raises
    ------
    ValueError
        If shapes do not fit or `temperature` is not positive.
    """
    check_scores(positive, negative)
    check_temperature(temperature)
    positive, negative = wide(positive), wide(negative)
    logits = negative / temperature
    if log_weight is not None:
        weights = log_weight(negative) if callable(log_weight) else log_weight
        try:
            logits = logits + weights.expand_as(logits)
        except RuntimeError:
            raise ValueError(f"log_weight must broadcast to {list(negative.shape)}, got {list(weights.shape)}") from None
    margin = (logits - (positive / temperature)[:, None]).clamp(min=_NOTHING).logsumexp(1)
    return -F.logsigmoid(-margin)
