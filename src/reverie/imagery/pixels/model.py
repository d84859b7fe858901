"""The model: a caption encoder and a denoiser that learn together, and their running mean, which draws."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.diffusion import DDIM, DPMSolver, Guided, create_sampler, create_schedule, sample, x0_loss
from reverie.imagery.pixels.captions import encode_captions
from reverie.imagery.pixels.config import DrawingConfig, PixelsConfig
from reverie.imagery.pixels.network import CaptionEncoder, PixelDenoiser
from reverie.nn.averaging import move_towards, warmed_up
from reverie.seeds import torch_generator


@dataclass(frozen=True)
class CaptionedBatch:
    """Pictures and their captions: pixels [B, 3 * size²] from -1 to 1, words [B, W, P] int64."""

    pixels: Tensor
    words: Tensor

    def to(self, device: torch.device) -> CaptionedBatch:
        """Return the batch on a device."""
        return CaptionedBatch(self.pixels.to(device), self.words.to(device))


class Networks(nn.Module):
    """What is learned: encoder, denoiser and the guidance that stands for no caption."""

    def __init__(self, config: PixelsConfig) -> None:
        super().__init__()
        self.encoder = CaptionEncoder(config.caption)
        self.denoiser = PixelDenoiser(config)
        self.null = nn.Parameter(torch.zeros(config.caption.words * config.caption.dim))


class PixelModel(nn.Module):
    """Draws small pictures of captions.

    Parameters
    ----------
    config : PixelsConfig
    known : sequence of str
        Words of the training captions.
    """

    signal: Tensor
    spread: Tensor
    updates: Tensor

    def __init__(self, config: PixelsConfig, known: Sequence[str] = ()) -> None:
        super().__init__()
        self.config, self.known = config, frozenset(known)
        self.schedule = create_schedule(config.schedule, config.steps, zero_terminal=True)
        self.register_buffer("signal", self.schedule.signal.float(), persistent=False)
        self.register_buffer("spread", self.schedule.spread.float(), persistent=False)
        self.learned = Networks(config)
        self.mean = copy.deepcopy(self.learned).requires_grad_(False)
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def loss(self, batch: CaptionedBatch) -> dict[str, Tensor]:
        """Return the squared error of the clean pictures."""
        parts = self.learned
        h = parts.encoder(batch.words)
        loss = x0_loss(parts.denoiser, self.signal, self.spread, batch.pixels, h, parts.null, self.config.p_uncond)
        return {"loss": loss}

    @torch.no_grad()
    def after_step(self) -> None:
        """Move the running mean; its first steps forget faster, so that it soon leaves the initial weights."""
        self.updates += 1
        move_towards(self.mean, self.learned, warmed_up(self.config.ema, int(self.updates)))

    @torch.no_grad()
    def draw(self, captions: Sequence[str], seeds: Sequence[int], config: DrawingConfig) -> Tensor:
        """Draw one picture of each caption.

        Parameters
        ----------
        captions : sequence of str
        seeds : sequence of int
            One for each; a picture depends on its own caption and seed.
        config : DrawingConfig

        Returns
        -------
        Tensor, shape [N, 3, size, size], uint8
        """
        parts, size = self.mean, self.config.size
        device = parts.null.device
        words = torch.from_numpy(encode_captions(captions, self.config.caption, self.known)).to(device)
        guided = Guided(parts.denoiser, parts.encoder(words), parts.null, config.guidance)
        chain = DDIM(steps=config.steps) if config.sampler == "ddim" else DPMSolver(steps=config.steps)
        start = torch.cat([torch.randn(1, 3 * size**2, generator=torch_generator(seed, "pixels")) for seed in seeds]).to(device)
        x = sample(guided, create_sampler(chain, self.schedule), lambda: start)  # neither sampler asks for more noise
        pixels = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        out: Tensor = pixels.view(-1, 3, size, size).cpu()
        return out
