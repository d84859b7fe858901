"""Log-weights of negatives in contrastive losses, fixed or as a function of their score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Density:
    """Weights that depend on nothing but the negative's own score, and are constants to the gradient.

    That is what can be computed one piece of the columns at a time: no matrix of weights is ever held.

    Parameters
    ----------
    log : callable
        ``scores -> log w``, elementwise, before the temperature.
    mean_one : bool
        Divide by the row's mean over its negatives, so that weights move mass but add none.
    """

    log: Callable[[Tensor], Tensor]
    mean_one: bool = True


LogWeight = Tensor | Callable[[Tensor], Tensor] | Density
"""Log-weights of negatives: values that broadcast to [M, K]; or a function of the negatives' scores [M, K] before the
temperature (where masked ones are -inf), through which gradients flow unless it detaches; or a `Density`."""
