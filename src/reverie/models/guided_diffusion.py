"""Generation of the next item's vector by guided diffusion, shared by DreamRec and Daydream."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from reverie.data.batch import SequenceBatch
from reverie.diffusion import SamplerConfig, Schedule
from reverie.diffusion.denoisers import Denoiser
from reverie.diffusion.noising import hash_histories
from reverie.diffusion.samplers import NormalNoise, create_sampler
from reverie.models.learned import InnerProductScores
from reverie.models.shown import ShownModel
from reverie.nn.states import last_states
from reverie.protocols import Card
from reverie.seeds import torch_generator

STREAMS = 256
"""Noise sequences among which histories are dealt out by a hash."""


class GuidedDiffusionModel(InnerProductScores, ShownModel, nn.Module):
    """A model that ranks items by vectors generated for a history; the noise depends on a seed and a hash of the history only."""

    stream: ClassVar[str]
    """Name of its stream of random numbers."""
    card: Card
    history: int | None
    signal: Tensor
    spread: Tensor

    def _prepare_sampling(self, schedule: Schedule, config: SamplerConfig, seed: int, denoiser: Denoiser | None = None) -> None:
        self.register_buffer("signal", schedule.signal.float(), persistent=False)
        self.register_buffer("spread", schedule.spread.float(), persistent=False)
        self.sampler = create_sampler(config, schedule, denoiser)
        self.draws, self.noise_seed = config.draws, seed

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return the generated vector after each event → [B, L, D]."""
        return self._generate(self._encode(batch), hash_histories(batch.items))

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the generated vector of each history → [B, D]."""
        return self._generate(self._guidance(batch), hash_histories(batch.items)[:, -1])

    @torch.no_grad()
    def imagine(self, batch: SequenceBatch, n: int) -> Tensor:
        """Draw vectors of items that a person might like next → [B, n, D]."""
        return self._draw(self._guidance(batch), hash_histories(batch.items)[:, -1], n)

    def _encode(self, batch: SequenceBatch) -> Tensor:
        """Return the guidance after each event → [B, L, D]."""
        raise NotImplementedError

    def _sample(self, h: Tensor, noise: NormalNoise) -> Tensor:
        """Draw one vector for each guidance vector; h [R, D] → [R, D]."""
        raise NotImplementedError

    def _guidance(self, batch: SequenceBatch) -> Tensor:
        """Return the guidance after the last event → [B, D]."""
        return last_states(self._encode(batch), batch.lengths)

    def _generate(self, h: Tensor, keys: Tensor) -> Tensor:
        """Turn guidance [..., D] into the vectors that items are ranked by."""
        return self._draw(h.reshape(-1, h.shape[-1]), keys.reshape(-1), self.draws).mean(1).view_as(h)

    def _draw(self, h: Tensor, keys: Tensor, n: int) -> Tensor:
        """Draw n vectors for each guidance vector [R, D]; row r's draw j uses noise sequence (keys[r] + j)."""
        rows, dim = h.shape
        streams = max(STREAMS, n)
        numbers = (keys[:, None] + torch.arange(n, device=h.device)).remainder(streams).reshape(-1)
        noise = NormalNoise((rows * n, dim), torch_generator(self.noise_seed, self.stream), h, numbers, streams)
        return self._sample(h.repeat_interleave(n, 0), noise).view(rows, n, dim)
