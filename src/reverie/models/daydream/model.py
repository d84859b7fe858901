"""Daydream: few-step diffusion over item directions with a softmax anchor."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import require_targets
from reverie.diffusion.denoisers import create_denoiser
from reverie.diffusion.guidance import Guided
from reverie.diffusion.modulated import ModulatedDenoiser, project_to_sphere
from reverie.diffusion.noising import hash_histories, q_sample
from reverie.diffusion.samplers import NormalNoise, create_sampler, sample
from reverie.diffusion.schedules import create_schedule
from reverie.models.sasrec.model import SASRec
from reverie.nn.ahead import targets_ahead
from reverie.nn.average import moving_average
from reverie.nn.blocks import PreNormBlock
from reverie.nn.heads import DotHead, IdTable
from reverie.nn.states import last_states, real_positions, score_items
from reverie.objectives import create_objective, observed
from reverie.seeds import torch_generator

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.daydream.config import DaydreamConfig
    from reverie.objectives import Objective
    from reverie.protocols import Card


class DaydreamNetwork(nn.Module):
    """Item directions, a causal transformer over them, a denoiser, and the null vector of unguided generation."""

    def __init__(self, config: DaydreamConfig, n_items: int) -> None:
        super().__init__()
        self.items = IdTable(n_items, config.dim)
        blocks: list[nn.Module] = [
            PreNormBlock(config.dim, config.heads, config.multiple, config.dropout, rope=False) for _ in range(config.blocks)
        ]
        self.history = SASRec(blocks, config.dim, config.history, config.dropout, learned_positions=True)
        self.denoiser: nn.Module = (
            ModulatedDenoiser(config.dim, config.steps, config.denoiser_blocks)
            if config.denoiser == "modulated"
            else create_denoiser(config.denoiser, config.dim, config.steps)
        )
        self.null = nn.Parameter(torch.randn(config.dim))

    def guidance(self, batch: SequenceBatch) -> Tensor:
        """Return the guidance after each event → [B, L, D]."""
        return self.read(self.vectors(batch.items), batch)

    def vectors(self, items: Tensor) -> Tensor:
        """Return item vectors of length √D → [*items.shape, D]."""
        return project_to_sphere(self.items.encode(items))

    def read(self, x: Tensor, batch: SequenceBatch) -> Tensor:
        """Return the guidance after each event, from the vectors of the events; x [B, L, D] → [B, L, D]."""
        out: Tensor = self.history(x, batch.users)
        return out

    def denoise(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors, a `Denoiser`; x, h [B, D], steps [B] or [1] → [B, D]."""
        return project_to_sphere(self.denoiser(x, h, steps))

    def table(self) -> Tensor:
        """Return item vectors of length √D → [N, D]."""
        return project_to_sphere(self.items.table())


def daydream_loss(
    network: DaydreamNetwork, config: DaydreamConfig, objective: Objective, signal: Tensor, spread: Tensor, batch: SequenceBatch
) -> dict[str, Tensor]:
    """Return the terms of the loss, each averaged over all positions of the batch; signal, spread [T]."""
    h, targets = _guidance(network, config, batch)
    table = network.table()
    clean = table.detach()[targets - 1]
    last = len(signal) - 1
    steps = torch.full((len(h),), last, device=h.device)
    noise = torch.zeros_like(clean)
    if config.noise:
        even = torch.randint(len(signal), steps.shape, device=h.device)
        steps = torch.where(torch.rand(len(h), device=h.device) < config.pure, steps, even)
        noise = torch.randn_like(clean)
    if config.p_uncond:
        h = torch.where(torch.rand(len(h), 1, device=h.device) < config.p_uncond, network.null, h)
    noisy = q_sample(signal, spread, clean, noise, steps) if config.noise else noise
    predicted = network.denoise(noisy, h, steps)
    head = DotHead(table, scale=1 / (config.temperature * table.shape[1]))
    terms = {}
    if config.anchor:
        terms["softmax"] = config.anchor * objective.loss(predicted, targets, head).mean()
    if config.cosine:
        terms["cosine"] = config.cosine * (1 - F.cosine_similarity(predicted, clean)).mean()
    if config.consistency and config.noise:
        with torch.no_grad():
            before = (steps - 1).clamp(min=0)
            nearer = network.denoise(q_sample(signal, spread, clean, noise, before), h, before)
            nearer = torch.where((steps > 0)[:, None], nearer, clean)
        terms["consistency"] = config.consistency * (1 - F.cosine_similarity(predicted, nearer)).mean()
    return terms


def _guidance(network: DaydreamNetwork, config: DaydreamConfig, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Return guidance [M, D] and targets [M] of the positions to train."""
    if config.every_position:
        batch = targets_ahead(batch, config.ahead) if config.ahead else batch
        positions = real_positions(network.vectors, network.read, batch)
        return positions.states, positions.targets
    targets = require_targets(batch, "daydream")
    return last_states(network.guidance(batch), batch.lengths), targets


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
