"""The item encoder `audio`: the sound of an item's clip through a small network over log-mel bands."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.item_encoders.base import ContentEncoder
from reverie.video.item_encoders.config import AudioOptions
from reverie.video.item_encoders.item_clips import SOUNDS, ItemClips, clips_of, padded
from reverie.video.item_encoders.towers import SoundTower


class AudioEncoder(ContentEncoder):
    """Vectors of items by what is heard on their clips; items whose clip is silent, or has no sound, have none of their own."""

    def __init__(self, options: AudioOptions, vocabulary: Vocabulary, dim: int, items: ItemClips) -> None:
        super().__init__(vocabulary.n_items, dim, present=items.find_heard, at_once=options.at_once, keep=True)
        self.options, self._items = options, items
        self.tower = SoundTower(options.widths, dim)

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: sound that cannot be used is refused here."""
        self.present(torch.ones(1, dtype=torch.int64, device=self.missing.device))

    def vectors(self, items: Tensor) -> Tensor:
        """Return the vectors of items that have sound → [U, D]."""
        if not len(items):  # as where a fused encoder leaves this part out
            return self.missing.new_zeros(0, self.dim)
        if torch.is_grad_enabled():
            return self._listened_to(items)
        return torch.cat([self._listened_to(piece) for piece in torch.split(items, SOUNDS)])

    def _listened_to(self, items: Tensor) -> Tensor:
        draws = np.random.default_rng(int(torch.randint(2**62, ()))) if self.training else None
        rows = self._items.rows[items.cpu().numpy() - 1]
        mel, counts = padded(self._items.sounds, rows, self.options.windows, draws)
        found: Tensor = self.tower(mel.to(items.device), counts.to(items.device))
        return found


def create_audio_encoder(options: AudioOptions, vocabulary: Vocabulary, dim: int) -> ContentEncoder:
    """Return an encoder of items by the sound of their clips, which is opened when it is needed, unless it is frozen.

    Raises
    ------
    DataError
        If it is needed, and the folder was prepared without sound, no clip is an item's, or none of them has anything to hear.
    """
    items = clips_of(options, vocabulary)
    if options.tuning == "frozen":
        from reverie.video.item_encoders.frozen import frozen_encoder, frozen_sound

        return frozen_encoder("audio", frozen_sound(items, options.windows), items.heard, dim)
    return AudioEncoder(options, vocabulary, dim, items)
