"""Training at every position: which states and targets are real."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.data.batch import SequenceBatch


def real_positions(states: Tensor, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Return the states and targets of the positions that have a target, laid end to end.

    Parameters
    ----------
    states : Tensor, shape [B, L, D]
        State after each event.
    batch : SequenceBatch
        With ``targets [B, L]``, 0 where there is none.

    Returns
    -------
    tuple of Tensor
        States, shape [M, D], and item codes, shape [M].

    Raises
    ------
    ValueError
        If the batch has no targets of that shape.
    """
    targets = batch.targets
    if targets is None or targets.shape != states.shape[:2]:
        raise ValueError(f"training at every position needs a batch with targets of shape {list(states.shape[:2])}")
    real = targets > 0
    return states[real], targets[real]
