"""Control for weighted losses: weights shuffled among the negatives of each row."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reverie.objectives.pool import to_pool

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from reverie.objectives.checks import Temperature
    from reverie.objectives.contrastive.vectors import Loss
    from reverie.objectives.pool import Pool


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
    positive, pool = to_pool(positive, negative)
    return loss(positive, pool.matrix().shuffled(generator), temperature=temperature)
