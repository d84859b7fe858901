"""Frozen features of clips and of sound, computed once and kept in the cache, with a trained map to item vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from reverie.files import cache_folder, json_digest
from reverie.models.item_encoders.base import ContentEncoder
from reverie.video.embedding.encoders import DEFAULT, find_encoder
from reverie.video.embedding.run import EmbedOptions, embed_set
from reverie.video.item_encoders.config import VideoOptions
from reverie.video.item_encoders.item_clips import ItemClips
from reverie.video.item_encoders.sound import TOGETHER, padded
from reverie.video.item_encoders.towers import BAND_FEATURES, Projected, band_statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FrozenEncoder(ContentEncoder):
    """``GELU(W x + b)`` of standardised features x of an item.

    Parameters
    ----------
    features : ndarray, shape [N, F], float32
        Any values where an item has none.
    present : ndarray, shape [N], bool
    dim : int
    """

    def __init__(self, features: NDArray[np.float32], present: NDArray[np.bool_], dim: int) -> None:
        super().__init__(len(features), dim, present=torch.from_numpy(present), keep=True)
        known = features[present]
        spread = known.std(0)
        self.fixed["features"] = torch.from_numpy((features - known.mean(0)) / np.where(spread > 0, spread, 1)).float()
        self.out = Projected(features.shape[1], dim)

    def vectors(self, items: Tensor) -> Tensor:
        """Return the vectors of items that have features → [U, D]."""
        found: Tensor = self.out(self.fixed["features"][items - 1])
        return found


def frozen_frames(options: VideoOptions, items: ItemClips) -> NDArray[np.float32]:
    """Return the vectors that `reverie video embed` makes of the items' clips, in the order of the vocabulary → [N, C]."""
    clips, encoder = items.clips, find_encoder(options.start or DEFAULT)
    facts = {"clips": clips.digest, "ids": list(clips.ids), "frames": options.frames, "encoder": dict(encoder.facts)}
    out = cache_folder() / "video" / "features" / f"{json_digest(facts)[:24]}.npy"
    out.parent.mkdir(parents=True, exist_ok=True)
    vectors = embed_set(clips, encoder, out, EmbedOptions(frames=options.frames)).vectors
    return np.asarray(vectors[np.maximum(items.rows, 0)])


def frozen_sound(items: ItemClips, windows: int) -> NDArray[np.float32]:
    """Return mean and deviation of the log-mel bands of the items' sound, in the order of the vocabulary → [N, 128]."""
    heard = np.flatnonzero(items.heard)
    found = np.zeros((len(items.rows), BAND_FEATURES), np.float32)
    for part in np.array_split(heard, -(-len(heard) // TOGETHER)):
        found[part] = band_statistics(*padded(items.sounds, items.rows[part], windows, None)).numpy()
    return found
