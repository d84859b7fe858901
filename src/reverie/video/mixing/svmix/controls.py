"""Controls of SV-Mix without a selector: masks of the same kind and of area λ, at random, or by saliency as it is."""

from __future__ import annotations

import dataclasses

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reverie.video.mixing.config import SaliencyConfig, SvMixRandomConfig
from reverie.video.mixing.svmix.draws import Draws, Module
from reverie.video.mixing.svmix.masks import levelled
from reverie.video.mixing.svmix.selective import SelectiveMixer


class RandomMasks(SelectiveMixer[SvMixRandomConfig]):
    """SV-Mix with a random smooth mask in the place of the selector's.

    Normal noise on a coarse grid of time and space, interpolated to the cells, times `contrast`, shifted so that the own share
    of the mask is λ: the area that SV-Mix's area term asks of a selector (our reading of "of the same area"). Places are
    constant over time with the spatial module, frames over space with the temporal one.
    """

    def draw(self, labels: Tensor, features: Tensor, generator: Generator) -> Draws:
        """Draw a step and the noise of its masks."""
        step, side = super().draw(labels, features, generator), self.config.grid
        return dataclasses.replace(step, noise=torch.randn(len(labels), side, side, side, generator=generator))

    def logits(self, own: Tensor, partner: Tensor, shares: Tensor, module: Module, noise: Tensor | None) -> Tensor:
        """Return logits of noise, interpolated to the cells of the feature map."""
        if noise is None:
            raise AssertionError
        grid = noise.to(own.device)[:, None]
        if module == "spatial":
            grid = grid[:, :, :1]
        elif module == "temporal":
            grid = grid[..., :1, :1]
        size = (own.shape[1], 1, 1) if module == "temporal" else (own.shape[1], *own.shape[3:])
        cells = F.interpolate(grid, size=size, mode="trilinear", align_corners=True)[:, 0]
        return levelled(self.config.contrast * _standard(cells), shares)


class SaliencyMasks(SelectiveMixer[SaliencyConfig]):
    """SV-Mix with saliency as it is in the place of what is learned: the partner where it is more salient than the clip.

    Channel mean of the partner's features less that of the clip's own, standardised, times `contrast`, shifted so that the own
    share of the mask is λ; averaged over space with the temporal module.
    """

    def logits(self, own: Tensor, partner: Tensor, shares: Tensor, module: Module, noise: Tensor | None) -> Tensor:
        """Return logits of the difference of channel means."""
        cells = partner.float().mean(2) - own.float().mean(2)
        if module == "temporal":
            cells = cells.mean((2, 3), keepdim=True)
        return levelled(self.config.contrast * _standard(cells), shares)


def _standard(cells: Tensor) -> Tensor:
    """Return maps [B, T', H', W'] less their mean, over their standard deviation."""
    centred = cells - cells.mean((1, 2, 3), keepdim=True)
    return centred / centred.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-6)
