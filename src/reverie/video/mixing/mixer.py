"""What methods share that draw λ and a partner, and make a mask of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar

import torch
from torch import Generator, Tensor

from reverie.errors import DataError
from reverie.options import Configured
from reverie.video.mixing.blend import blend, check_batch, check_finite
from reverie.video.mixing.config import BetaConfig, PairConfig
from reverie.video.mixing.draws import draw_beta, leave_some
from reverie.video.mixing.labels import blend_labels
from reverie.video.mixing.partners import BY_FEATURES, choose_partners
from reverie.video.roles import Mixed

Config = TypeVar("Config", bound=PairConfig)
Size = tuple[int, int, int, int]
"""B, T, H, W."""


@dataclass(frozen=True)
class Pairs:
    """Partners [B] int64, and the wanted share λ of each clip itself [B]."""

    partners: Tensor
    shares: Tensor


class PairMixer(Configured[Config]):
    """Base of methods whose mask needs no learning.

    Parameters
    ----------
    config : PairConfig
    """

    learns: ClassVar[bool] = False
    looks_at_features: ClassVar[bool] = False
    """Whether its masks are made of features."""

    @property
    def needs_features(self) -> bool:
        """Whether `mix` needs the teacher's feature map of the clean clips."""
        return self.looks_at_features or self.config.partners in BY_FEATURES

    def draw_shares(self, count: int, generator: Generator) -> Tensor:
        """Return λ [B]."""
        if not isinstance(self.config, BetaConfig):
            raise NotImplementedError
        return draw_beta(self.config.alpha, count, self.config.per_sample, generator)

    def draw(self, labels: Tensor, features: Tensor | None, generator: Generator) -> Pairs:
        """Return partners and λ, on the CPU."""
        shares = self.draw_shares(len(labels), generator)
        shares = leave_some(shares, self.config.probability, self.config.per_sample, generator)
        return Pairs(choose_partners(self.config.partners, labels, features, generator), shares)

    def own_mask(self, size: Size, pairs: Pairs, features: Tensor | None, generator: Generator) -> Tensor:
        """Return the share of the clip itself at each place, float32, for [B, T, H, W]; on the CPU or with features."""
        raise NotImplementedError

    def mix(self, clips: Tensor, labels: Tensor, features: Tensor | None, generator: Generator) -> Mixed:
        """Mix a batch, see `reverie.video.roles.Mixer`."""
        return self.mix_pairs(clips, labels, features, self.draw(labels, features, generator), generator)

    def mix_pairs(self, clips: Tensor, labels: Tensor, features: Tensor | None, pairs: Pairs, generator: Generator) -> Mixed:
        """Mix a batch of which partners and λ are given; where the mask lies comes from the generator."""
        check_batch(clips, labels)
        if features is None and self.needs_features:
            raise DataError(
                f"{type(self).__name__} needs the teacher's feature map of the clean clips, [B, T', C, H', W']; give it"
            )
        if features is not None and self.needs_features:
            check_finite(features)
        batch, frames, _, height, width = clips.shape
        size, partners = (batch, frames, height, width), pairs.partners.to(clips.device)
        small = self.own_mask(size, pairs, features, generator).to(clips.device)
        own, shares = small.expand(size), small.mean((1, 2, 3)).expand(batch)
        mixed = self.join(clips, own, partners, pairs)
        return Mixed(mixed, blend_labels(labels, shares, partners), partners, own, shares)

    def join(self, clips: Tensor, own: Tensor, partners: Tensor, pairs: Pairs) -> Tensor:
        """Return the mixed clips of a mask."""
        return blend(clips, own, partners)


def share_one(values: Tensor, per_sample: bool) -> Tensor:
    """Return [B] values, or only the first, [1], where all clips of a batch share it."""
    return values if per_sample else values[:1]


def inside(size: int, first: Tensor, length: Tensor) -> Tensor:
    """Return which of `size` places lie in the run of each row, bool [N, size]."""
    places = torch.arange(size, device=first.device)
    return (places >= first[:, None]) & (places < (first + length)[:, None])
