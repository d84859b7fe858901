"""DreamRec: the vector of the next item is generated, then items are ranked by inner product with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.diffusion.denoisers import create_denoiser
from reverie.diffusion.guidance import Guided, extrapolate
from reverie.diffusion.keys import hash_histories
from reverie.diffusion.noising import x0_loss
from reverie.diffusion.samplers import ExactSampler, NormalNoise, create_sampler, sample
from reverie.diffusion.schedules import create_schedule
from reverie.models.dreamrec.encoder import GuidanceEncoder
from reverie.nn.embedding import IdTable
from reverie.nn.states import last_states, score_items
from reverie.seeds import torch_generator

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.dreamrec.config import DreamRecConfig
    from reverie.protocols import Card

STREAMS = 256
"""Noise sequences among which histories are dealt out by a hash."""


class DreamRec(nn.Module):
    """Guided diffusion over item vectors.

    .. [1] Yang et al., Generate what you prefer: reshaping sequential recommendation via guided diffusion, NeurIPS 2023, arXiv
       2310.20453. Deviations: dropout is off outside training, padding cannot be recommended, each epoch is a permutation of
       all rows and keeps its last batch, and by default the sampler is the closed form of the published one.
    """

    card: Card
    signal: Tensor
    spread: Tensor

    def __init__(self, config: DreamRecConfig, n_items: int) -> None:
        super().__init__()
        self.history: int | None = config.history
        self.plan = "prefixes-with-empty" if config.train_empty else "prefixes"
        self.config = config
        self.items = IdTable(n_items, config.dim)
        nn.init.normal_(self.items.weight)
        self.encoder = GuidanceEncoder(config.dim, config.history, config.dropout)
        self.null = nn.Parameter(torch.randn(config.dim))
        self.denoiser = create_denoiser(config.denoiser, config.dim, config.steps)
        schedule = create_schedule(config.schedule, config.steps, config.zero_terminal)
        self.register_buffer("signal", schedule.signal.float(), persistent=False)
        self.register_buffer("spread", schedule.spread.float(), persistent=False)
        self.sampler = create_sampler(config.chosen_sampler, schedule, self.denoiser)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the squared error of denoised target vectors."""
        if batch.targets is None or batch.targets.dim() != 1:
            raise ValueError("dreamrec.loss needs a batch with targets [B]")
        x0 = self.items.encode(batch.targets)
        x0 = x0.detach() if self.config.detach_target else x0
        h = self._guidance(batch)
        return {"loss": x0_loss(self.denoiser, self.signal, self.spread, x0, h, self.null, self.config.p_uncond)}

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return the generated vector after each event → [B, L, D]."""
        return self._generated(self._encoded(batch), hash_histories(batch.items))

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the generated vector of each history → [B, D]."""
        h = self._guidance(batch)
        return self._generated(h, hash_histories(batch.items)[:, -1])

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N, shape [N, D]."""
        return self.items.table()

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        return score_items(self.represent(batch), self.item_table(), items)

    @torch.no_grad()
    def imagine(self, batch: SequenceBatch, n: int) -> Tensor:
        """Draw vectors of items that a person might like next → [B, n, D]."""
        h = self._guidance(batch)
        return self._drawn(h, hash_histories(batch.items)[:, -1], n)

    def _encoded(self, batch: SequenceBatch) -> Tensor:
        """Return guidance after each event [B, L, D]."""
        out: Tensor = self.encoder(self.items.encode(batch.items), batch.items > 0)
        return out

    def _guidance(self, batch: SequenceBatch) -> Tensor:
        """Return guidance after the last event [B, D]."""
        return last_states(self._encoded(batch), batch.lengths)

    def _generated(self, h: Tensor, keys: Tensor) -> Tensor:
        """Turn guidance [..., D] into the vectors that items are ranked by."""
        chosen = self.config.chosen_sampler
        if isinstance(self.sampler, ExactSampler) and chosen.kind == "exact" and chosen.use == "mean":
            return self.sampler.mean(extrapolate(h, self.null, self.config.guidance))
        return self._drawn(h.reshape(-1, h.shape[-1]), keys.reshape(-1), chosen.draws).mean(1).view_as(h)

    def _drawn(self, h: Tensor, keys: Tensor, n: int) -> Tensor:
        """Draw n vectors for each guidance vector [R, D]; row r's draw j uses noise sequence (keys[r] + j)."""
        rows, dim = h.shape
        streams = max(STREAMS, n)
        numbers = (keys[:, None] + torch.arange(n, device=h.device)).remainder(streams).reshape(-1)
        guide = h.repeat_interleave(n, 0)
        noise = NormalNoise((rows * n, dim), torch_generator(self.config.noise_seed, "dreamrec"), h, numbers, streams)
        if isinstance(self.sampler, ExactSampler):
            drawn = self.sampler.draw(extrapolate(guide, self.null, self.config.guidance), noise())
        else:
            drawn = sample(Guided(self.denoiser, guide, self.null, self.config.guidance), self.sampler, noise)
        return drawn.view(rows, n, dim)


def build(config: DreamRecConfig, vocabulary: Vocabulary) -> DreamRec:
    """Turn options into a model.

    Parameters
    ----------
    config : DreamRecConfig
    vocabulary : Vocabulary
        Ids of the items.

    Returns
    -------
    DreamRec
        With fresh weights, drawn from torch's global generator.
    """
    return DreamRec(config, vocabulary.n_items)
