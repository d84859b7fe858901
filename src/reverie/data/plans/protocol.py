"""The protocol `BatchPlan`: how training sequences become batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch


class BatchPlan(Protocol):
    """How training sequences become batches."""

    def __len__(self) -> int: ...

    def batch(self, index: NDArray[np.int64]) -> SequenceBatch:
        """Gather examples by number."""
        ...
