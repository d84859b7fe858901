"""No mixing: the row that all others are compared with."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from reverie.options import Configured
from reverie.video.mixing.blend import check_batch
from reverie.video.mixing.config import NoneConfig
from reverie.video.roles import Mixed


class NoMix(Configured[NoneConfig]):
    """Leaves clips and labels as they are."""

    learns = False
    needs_features = False

    def mix(self, clips: Tensor, labels: Tensor, features: Tensor | None, generator: Generator) -> Mixed:
        """Return the same clips, each its own partner."""
        check_batch(clips, labels)
        rows = torch.arange(len(clips), device=clips.device)
        return Mixed(clips, labels, rows, None, torch.ones(len(clips), device=clips.device))
