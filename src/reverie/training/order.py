"""Shuffled batches of an epoch: a pure function of seed, epoch, rank and number of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray


def epoch_batches(
    n_examples: int, batch_size: int, seed: int, epoch: int, rank: int = 0, world: int = 1
) -> list[NDArray[np.int64]]:
    """Return the batches of one epoch for one process."""
    order = numpy_generator(seed, "order", epoch).permutation(n_examples)
    step = batch_size * world
    batches = []
    for start in range(0, n_examples, step):
        whole = order[start : start + step]
        if len(whole) % world:
            whole = np.concatenate([whole, np.resize(whole, -len(whole) % world)])
        batches.append(whole[rank::world])
    return batches
