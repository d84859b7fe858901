"""Mixup: one weight for all places."""

from __future__ import annotations

from torch import Generator, Tensor

from reverie.video.mixing.config import MixupConfig
from reverie.video.mixing.mixer import PairMixer, Pairs, Size


class Mixup(PairMixer[MixupConfig]):
    """``x = λ x_i + (1 - λ) x_j``, ``y = λ y_i + (1 - λ) y_j``, λ ~ Beta(α, α).

    .. [1] Zhang et al., mixup: beyond empirical risk minimization, arXiv 1710.09412, equation 1.
    """

    def own_mask(self, size: Size, pairs: Pairs, features: Tensor | None, generator: Generator) -> Tensor:
        """Return λ everywhere, [B, 1, 1, 1]."""
        return pairs.shares[:, None, None, None]
