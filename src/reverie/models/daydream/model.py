"""Daydream: few-step guided diffusion over item directions, trained with a softmax loss at every position."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from reverie.diffusion.guidance import Guided
from reverie.diffusion.keys import hash_histories
from reverie.diffusion.samplers import NormalNoise, create_sampler, sample
from reverie.diffusion.schedules import create_schedule
from reverie.models.daydream.loss import daydream_loss
from reverie.models.daydream.network import DaydreamNetwork
from reverie.nn.average import moving_average
from reverie.nn.states import last_states, score_items
from reverie.objectives import create_objective, observed
from reverie.seeds import torch_generator

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.daydream.config import DaydreamConfig
    from reverie.protocols import Card

STREAMS = 256
"""Noise sequences among which histories are dealt out by a hash."""


class Daydream(nn.Module):
    """Guided diffusion over item directions with a softmax anchor.

    Item vectors and predictions live on a sphere; scores are cosines divided by the temperature, so that their softmax is the
    model's distribution of the next item. `represent` averages `draws` generated vectors; the noise depends on `noise_seed` and
    a hash of the history, nothing else. With ``noise=False`` the same network is trained by the same losses without diffusion.

    .. [1] DreamRec, arXiv 2310.20453.
    .. [2] DiT, arXiv 2212.09748.
    .. [3] PreferDiff, ICLR 2025.
    .. [4] TA-Rec, arXiv 2510.17245.
    .. [5] DiffuRec, arXiv 2304.00686.
    """

    card: Card
    signal: Tensor
    spread: Tensor

    def __init__(self, config: DaydreamConfig, n_items: int) -> None:
        super().__init__()
        self.history: int | None = config.history
        self.plan = "positions" if config.every_position else "prefixes"
        self.config = config
        self.network = DaydreamNetwork(config, n_items)
        self.average = moving_average(self.network, config.average) if config.average else None
        self.objective = create_objective(config.objective, n_items)
        schedule = create_schedule(config.schedule, config.steps, zero_terminal=True)
        self.register_buffer("signal", schedule.signal.float(), persistent=False)
        self.register_buffer("spread", schedule.spread.float(), persistent=False)
        self.sampler = create_sampler(config.sampler, schedule)

    @property
    def _active_network(self) -> DaydreamNetwork:
        """The weights to compute with: in training the trained ones, outside their average."""
        if self.training or self.average is None:
            return self.network
        return cast("DaydreamNetwork", self.average.module)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the terms of the loss, see `daydream_loss`."""
        return daydream_loss(self.network, self.config, self.objective, self.signal, self.spread, batch)

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: popularity-drawn negatives need the counts."""
        self.objective = observed(self.objective, train)

    def after_step(self) -> None:
        """Update the moving average of the weights."""
        if self.average is not None:
            self.average.update_parameters(self.network)

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return the generated vector after each event → [B, L, D]."""
        h = self._active_network.guidance(batch)
        keys = hash_histories(batch.items).reshape(-1)
        return self._generate(h.reshape(-1, h.shape[-1]), keys).view_as(h)

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the generated vector of each history → [B, D]."""
        return self._generate(self._guidance(batch), hash_histories(batch.items)[:, -1])

    def item_table(self) -> Tensor:
        """Return item vectors → [N, D]."""
        return self._active_network.table()

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        return score_items(self.represent(batch), self.item_table(), items)

    @torch.no_grad()
    def imagine(self, batch: SequenceBatch, n: int) -> Tensor:
        """Draw vectors of items that a person might like next → [B, n, D]."""
        return self._draw(self._guidance(batch), hash_histories(batch.items)[:, -1], n)

    def _guidance(self, batch: SequenceBatch) -> Tensor:
        return last_states(self._active_network.guidance(batch), batch.lengths)

    def _generate(self, h: Tensor, keys: Tensor) -> Tensor:
        return self._draw(h, keys, self.config.sampler.draws if self.config.noise else 1).mean(1)

    def _draw(self, h: Tensor, keys: Tensor, n: int) -> Tensor:
        """Draw n vectors for each guidance vector [R, D]; row r's draw j uses noise sequence (keys[r] + j)."""
        rows, dim = h.shape
        network, streams = self._active_network, max(STREAMS, n)
        guided = Guided(network.denoise, h.repeat_interleave(n, 0), network.null, self.config.guidance)
        if self.config.noise:
            numbers = (keys[:, None] + torch.arange(n, device=h.device)).remainder(streams).reshape(-1)
            generator = torch_generator(self.config.noise_seed, "daydream")
            drawn = sample(guided, self.sampler, NormalNoise((rows * n, dim), generator, h, numbers, streams))
        else:
            drawn = guided(torch.zeros_like(guided.h), len(self.signal) - 1)
        return drawn.view(rows, n, dim) / (self.config.temperature * dim)


def build(config: DaydreamConfig, vocabulary: Vocabulary) -> Daydream:
    """Return the model that options describe, its weights drawn from torch's global generator."""
    return Daydream(config, vocabulary.n_items)
