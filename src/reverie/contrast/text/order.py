"""The order of sentences, those of similar length in one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

POOL = 16
"""Batches whose sentences are sorted by length together."""


def bucketed_batches(lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Return the batches of one pass; lengths [N] → [batch_size]."""
    generator = numpy_generator(seed, "text order", epoch)
    order = generator.permutation(len(lengths))[: len(lengths) // batch_size * batch_size]
    pools = [order[at : at + POOL * batch_size] for at in range(0, len(order), POOL * batch_size)]
    batches = [batch for pool in pools for batch in pool[np.argsort(lengths[pool], kind="stable")].reshape(-1, batch_size)]
    return [batches[place] for place in generator.permutation(len(batches))]
