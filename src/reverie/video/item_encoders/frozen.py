"""Frozen features of clips and of sound, computed once and kept in the cache, with a trained map to item vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.files import cache_folder, json_digest
from reverie.models.item_encoders.config import FeaturesOptions
from reverie.models.item_encoders.features import FeaturesEncoder
from reverie.video.embedding.encoders import DEFAULT, find_encoder
from reverie.video.embedding.run import EmbedOptions, embed_set
from reverie.video.item_encoders.config import VideoOptions
from reverie.video.item_encoders.item_clips import SOUNDS, ItemClips, padded
from reverie.video.item_encoders.towers import BAND_FEATURES, band_statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray


def frozen_encoder(kind: str, features: NDArray[np.float32], present: NDArray[np.bool_], dim: int) -> FeaturesEncoder:
    """Return ``GELU(W z + b)`` of standardised features z; features [N, F] with any values where an item has none, present [N]."""
    options = FeaturesOptions(kind="features", modality=kind, activation="gelu")
    return FeaturesEncoder(options, torch.from_numpy(features), torch.from_numpy(present), dim)


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
    for part in np.array_split(heard, -(-len(heard) // SOUNDS)):
        found[part] = band_statistics(*padded(items.sounds, items.rows[part], windows, None)).numpy()
    return found
