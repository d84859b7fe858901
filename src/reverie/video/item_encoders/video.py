"""The item encoder `video`: frames of an item's clip through a network of this room, frozen, in part or wholly trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError
from reverie.models.item_encoders.base import ContentEncoder
from reverie.video.augment.augmenting import as_clips
from reverie.video.item_encoders.config import ClipAugment, VideoOptions
from reverie.video.item_encoders.item_clips import ItemClips, clips_of
from reverie.video.item_encoders.start import starting_network
from reverie.video.item_encoders.towers import FrameTower
from reverie.video.networks.create import NETWORKS
from reverie.video.sampling import sample_batch

if TYPE_CHECKING:
    from reverie.video.networks.network import ClipNetwork

TOGETHER, SIDE = 64, 224
"""Clips that are looked at together where no gradient is wanted, and the side that is named to a network that takes any."""


class VideoEncoder(ContentEncoder):
    """Vectors of items by the frames of their clips, computed as they are needed; see `ContentEncoder` for when.

    In training, frames are drawn as the options say, from torch's global generator; otherwise they are the middle ones.

    .. [1] Ni et al. (2023), A Content-Driven Micro-Video Recommendation Dataset at Scale, arXiv 2309.15379: clip, network, linear
       map, GELU. Here the map reads the pooled feature map; there, the logits of a classifier.
    """

    def __init__(self, options: VideoOptions, vocabulary: Vocabulary, dim: int, items: ItemClips, network: ClipNetwork) -> None:
        super().__init__(vocabulary.n_items, dim, present=items.find_seen, at_once=options.at_once, keep=True)
        self.options, self._items = options, items
        self.tower = FrameTower(network, dim)

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: clips that cannot be used are refused here."""
        self.present(torch.ones(1, dtype=torch.int64, device=self.missing.device))

    def vectors(self, items: Tensor) -> Tensor:
        """Return the vectors of items that have a clip → [U, D]."""
        if not len(items):  # as where a fused encoder leaves this part out
            return self.missing.new_zeros(0, self.dim)
        if torch.is_grad_enabled():
            return self._looked_at(items)
        return torch.cat([self._looked_at(piece) for piece in torch.split(items, TOGETHER)])

    def _looked_at(self, items: Tensor) -> Tensor:
        options, clips = self.options, self._items.clips
        rows = self._items.rows[items.cpu().numpy() - 1]
        draws = np.random.default_rng(int(torch.randint(2**62, ()))) if self.training else None
        chosen = sample_batch(clips.counts[rows], options.frames, options.sampling, draws, options.stride)[:, 0]
        frames = torch.from_numpy(clips.gather(rows, chosen)).to(items.device)
        if draws is not None:
            frames = augmented(frames, options.augment, draws)
        found: Tensor = self.tower(as_clips(frames))
        return found


def augmented(frames: Tensor, options: ClipAugment, draws: np.random.Generator) -> Tensor:
    """Return clips moved and mirrored at random, all frames of a clip alike; uint8 [B, T, H, W, 3] → the same shape."""
    count, _, high, wide, _ = frames.shape
    device = frames.device
    if options.shift:
        ways = draws.uniform(-options.shift, options.shift, (2, count))
        for axis, side, way in ((2, high, ways[0]), (3, wide, ways[1])):
            place = torch.from_numpy((np.arange(side) - np.rint(way * side).astype(np.int64)[:, None]) % side).to(device)
            shape = [count, 1, 1, 1, 1]
            shape[axis] = side
            frames = frames.gather(axis, place.view(shape).expand(frames.shape))
    if options.flip:
        turned = torch.from_numpy(draws.random(count) < options.flip).to(device)
        frames = torch.where(turned[:, None, None, None, None], frames.flip(3), frames)
    return frames


def create_video_encoder(options: VideoOptions, vocabulary: Vocabulary, dim: int) -> ContentEncoder:
    """Return an encoder of items by their clips, which are opened when they are needed, unless it is frozen or a transformer.

    Raises
    ------
    DataError
        If the clips are needed and cannot be used, or none is an item's.
    ConfigError
        If the network, its options or the start do not fit.
    """
    items = clips_of(options, vocabulary)
    if options.tuning == "frozen":
        from reverie.video.item_encoders.frozen import frozen_encoder, frozen_frames

        return frozen_encoder("video", frozen_frames(options, items), items.seen, dim)
    try:
        side = SIDE if "convolutional" in NETWORKS[options.network].tags else items.clips.size[0]
        network = starting_network(options, side)
    except ConfigError as error:
        raise ConfigError(f"item encoder 'video': {error}") from error
    return VideoEncoder(options, vocabulary, dim, items, network)
