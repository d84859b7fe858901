"""FMix: the partner where low-frequency noise is high."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from reverie.video.mixing.config import FmixConfig
from reverie.video.mixing.mixer import PairMixer, Pairs, Size, share_one


class FMix(PairMixer[FmixConfig]):
    """The partner is seen at the ``1 - λ`` of places where noise with amplitudes ``frequency ** -decay`` is highest.

    .. [1] Harris et al., FMix: enhancing mixed sample data augmentation, arXiv 2002.12047, section 4.
    """

    def own_mask(self, size: Size, pairs: Pairs, features: Tensor | None, generator: Generator) -> Tensor:
        """Return 0 where noise is high and 1 elsewhere, [N, 1 or T, H, W]."""
        shares = share_one(pairs.shares, self.config.per_sample)
        shape = (len(shares), size[1] if self.config.volume else 1, size[2], size[3])
        rank = low_frequencies(shape, self.config.decay, generator).flatten(1).argsort(1).argsort(1)
        kept = (shares.double() * rank.shape[1]).round()[:, None]
        return (rank < kept).float().view(shape)


def low_frequencies(shape: Size, decay: float, generator: Generator) -> Tensor:
    """Return noise float32 [N, T, H, W] whose amplitudes fall as ``max(|f|, 1 / longest side) ** -decay``.

    Frequencies are in cycles a place, along all axes; with one frame there are only those of space.
    """
    _, frames, height, width = shape
    along = torch.meshgrid(torch.fft.fftfreq(frames), torch.fft.fftfreq(height), torch.fft.rfftfreq(width), indexing="ij")
    frequency = torch.stack(along).square().sum(0).sqrt().clamp_min(1 / max(frames, height, width))
    white = torch.randn(shape[0], *frequency.shape, 2, generator=generator)
    spectrum = torch.view_as_complex(white) * frequency**-decay
    noise: Tensor = torch.fft.irfftn(spectrum, s=(frames, height, width), dim=(1, 2, 3))
    return noise
