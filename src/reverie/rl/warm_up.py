"""Passes over the training transitions before a model begins to be what its options ask for."""

import numpy as np
import torch
from torch import Tensor, nn

from reverie import processes
from reverie.data.sequences import Sequences
from reverie.data.transitions import TransitionBatch


class WarmUp(nn.Module):
    """Counts transitions of training steps; the count is kept with the state of a training."""

    seen: Tensor

    def __init__(self, passes: float) -> None:
        super().__init__()
        self.passes, self._each = passes, 0
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def observe(self, train: Sequences) -> None:
        """Set how many transitions a pass has, before the first step."""
        self._each = int(np.maximum(train.lengths - 1, 0).sum())
        self.seen.zero_()

    def add(self, batch: TransitionBatch) -> None:
        """Count the transitions of a step; in evaluation nothing is counted."""
        if self.training:
            self.seen += (batch.actions > 0).sum() * processes.world()

    @property
    def over(self) -> bool:
        """Whether the next step is the first after the warm-up, or a later one."""
        return int(self.seen) >= self.passes * self._each

    @property
    def alone(self) -> bool:
        """Whether no step after the warm-up was made yet, so that weights are not to be chosen."""
        return self.passes > 0 and int(self.seen) <= self.passes * self._each
