"""Batches of clips as a network sees them: drawn and augmented in training, in views at a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from reverie.seeds import numpy_generator, torch_generator
from reverie.training.optimiser import epoch_batches
from reverie.video.augment.augmenting import as_clips, augment_clips
from reverie.video.recognition.config import RecognitionConfig
from reverie.video.recognition.task import RecognitionTask
from reverie.video.sampling import sample_batch
from reverie.video.views import crop_views

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ClipBatches:
    """Clips of a task.

    Parameters
    ----------
    task : RecognitionTask
    config : RecognitionConfig
    seed : int
        Of the order of clips, frames and augmentation.
    device : torch.device
    """

    def __init__(self, task: RecognitionTask, config: RecognitionConfig, seed: int, device: torch.device) -> None:
        self.task, self.config, self.seed, self.device = task, config, seed, device
        self._labels = torch.from_numpy(np.ascontiguousarray(task.clips.labels))
        self._augment = config.augment.model_copy(update={"size": config.size})
        self._in_epoch = max(1, len(task.train) // config.batch_size)

    def epoch(self, step: int) -> int:
        """Return the epoch of an update, from 0; the clips that are left over at the end of one wait for the next."""
        return step // self._in_epoch

    def rows(self, step: int) -> NDArray[np.int64]:
        """Return which of the training clips an update sees, by their place among them."""
        epoch, at = divmod(step, self._in_epoch)
        return epoch_batches(len(self.task.train), self.config.batch_size, self.seed, epoch)[at]

    def training(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the clips of an update [B, T, 3, S, S], their labels [B] and their places among the training clips [B]."""
        rows = self.rows(step)
        indices = self.task.train[rows]
        frames = self._frames(indices, 1, numpy_generator(self.seed, "frames", step))
        clips, _ = augment_clips(self._to_device(frames[:, 0]), self._augment, torch_generator(self.seed, "augment", step))
        places = torch.from_numpy(rows).to(self.device)
        return clips, self._labels[torch.from_numpy(indices)].to(self.device), places

    def measured(self, indices: NDArray[np.int64]) -> Tensor:
        """Return views of clips as they are at a test, float32 in [0, 1]; indices [B] → [B, V, T, 3, S, S]."""
        frames = self._frames(indices, self.config.views, None)
        clips = as_clips(self._to_device(frames.reshape(-1, *frames.shape[2:])))
        views = crop_views(clips, self.config.size, self.config.crops)
        return views.reshape(len(indices), -1, *views.shape[2:])

    @property
    def views(self) -> int:
        """Views of a clip at a test."""
        return self.config.views * {"centre": 1, "three": 3, "five": 5, "ten": 10}[self.config.crops]

    def test_frames(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which frames of clips are seen at a test; indices [B] → [B, views, T]."""
        return self._chosen(indices, self.config.views, None)

    def _chosen(self, indices: NDArray[np.int64], views: int, generator: np.random.Generator | None) -> NDArray[np.int64]:
        config = self.config
        how = "multi-clip" if views > 1 and config.sampling == "dense" else config.sampling
        return sample_batch(self.task.clips.counts[indices], config.frames, how, generator, config.stride, views)

    def _frames(self, indices: NDArray[np.int64], views: int, generator: np.random.Generator | None) -> NDArray[np.uint8]:
        """Return frames of clips; indices [B] → uint8 [B, views, T, H, W, 3]."""
        chosen = self._chosen(indices, views, generator)
        found = self.task.clips.gather(np.repeat(indices, views), chosen.reshape(-1, self.config.frames))
        return found.reshape(len(indices), views, *found.shape[1:])

    def _to_device(self, frames: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(frames)).to(self.device)
