"""What one training learns from and is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.video.clip_set import ClipSet


@dataclass(frozen=True, eq=False)
class RecognitionTask:
    """Clips in three parts.

    Parameters
    ----------
    clips : ClipSet
    train, valid, test : int64 [..]
        Numbers of clips; none stands in two parts.
    masks : bool [N, F, H, W] or None
        Where the object is in each frame, of generated clips.
    protocol : str
        How the parts were made, as tables write it.

    Raises
    ------
    DataError
        If a part is empty, a clip stands in two, one has no label, or the clips learned from are of one class.
    """

    clips: ClipSet
    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]
    masks: NDArray[np.bool_] | None = None
    protocol: str = "given"

    def __post_init__(self) -> None:
        name, used = self.clips.name, np.concatenate([self.train, self.valid, self.test])
        empty = next((part for part in ("train", "valid", "test") if not len(getattr(self, part))), None)
        if empty is not None:
            raise DataError(f"{name}: no clip is left for the part '{empty}'; take more clips, or another split")
        if len(np.unique(used)) < len(used):
            raise DataError(f"{name}: a clip stands in two parts; correct the split")
        if (self.clips.labels[used] < 0).any():
            raise DataError(f"{name}: a clip that would be learned from or measured has no label; label it or leave it out")
        if len(np.unique(self.clips.labels[self.train])) < 2:
            raise DataError(f"{name}: all clips to learn from are of one class; two at least can be told apart")

    @property
    def classes(self) -> int:
        """K."""
        return len(self.clips.classes)
