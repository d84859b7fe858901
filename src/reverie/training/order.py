"""Data order as a pure function of seed, epoch, rank and world size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray


def epoch_batches(
    lengths: NDArray[np.int64], batch_size: int, bucket: int, seed: int, epoch: int, rank: int = 0, world: int = 1
) -> list[NDArray[np.int64]]:
    """Return the batches of one epoch for one process.

    Examples are shuffled, sorted by length within groups of ``bucket * batch_size`` examples so that a batch holds rows of
    similar length, and the batches are shuffled again. Global batches of ``world * batch_size`` examples are dealt out in
    strides, so that together the processes see what one process with that batch size would see.

    Parameters
    ----------
    lengths : ndarray, shape [n_examples], int64
        Length of each example.
    batch_size : int
        Examples per process and step.
    bucket : int
        Batches per sorted group; 1 leaves the shuffled order.
    seed, epoch : int
        Name the order.
    rank, world : int
        This process and the number of processes.

    Returns
    -------
    list of ndarray, int64
        Example numbers of each step; over all processes each example occurs once (the last batches may be smaller; with
        several processes the last global batch is filled up with its own first examples so that no process waits).
    """
    generator = numpy_generator(seed, "order", epoch)
    order = generator.permutation(len(lengths))
    step = batch_size * world
    if bucket > 1:
        group = np.arange(len(order)) // (step * bucket)
        order = order[np.lexsort((lengths[order], group))]
    starts = generator.permutation(np.arange(0, len(order), step))
    batches = []
    for start in starts:
        whole = order[start : start + step]
        if world > 1 and len(whole) % world:
            whole = np.concatenate([whole, np.resize(whole, -len(whole) % world)])
        batches.append(whole[rank::world])
    return batches
