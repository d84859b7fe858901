"""Features of clips that serve for several epochs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class FeatureMemory(nn.Module):
    """The last features of each clip, which serve for some epochs although the clip is cropped anew in each.

    They are a part of the state of a training, so that a cut one goes on to the same numbers.

    Parameters
    ----------
    clips : int
        0 keeps nothing.
    epochs : int
        Epochs that features serve, the one included in which they were made.
    """

    made: Tensor
    kept: Tensor

    def __init__(self, clips: int, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.register_buffer("made", torch.full((clips,), -epochs, dtype=torch.int64))
        self.register_buffer("kept", torch.zeros(0))

    def recall(self, rows: Tensor, epoch: int, make: Callable[[Tensor], Tensor]) -> Tensor:
        """Return features of clips, made where those kept are too old.

        Parameters
        ----------
        rows : Tensor [B], int64
            Numbers of the clips.
        epoch : int
        make : callable
            Numbers in the batch [M] → features [M, …].

        Returns
        -------
        Tensor [B, …]
        """
        if not len(self.made):
            return make(torch.arange(len(rows), device=rows.device))
        stale = torch.nonzero(self.made[rows] <= epoch - self.epochs)[:, 0]
        if len(stale):
            made = make(stale)
            if not self.kept.numel():
                self.kept = made.new_zeros(len(self.made), *made.shape[1:])
            self.kept[rows[stale]], self.made[rows[stale]] = made, epoch
        return self.kept[rows]

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        """Take the kept features back whatever their shape; they have none before the first step."""
        self.kept = torch.zeros_like(state_dict[f"{prefix}kept"], device=self.made.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)
