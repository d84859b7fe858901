"""Daydream: few-step diffusion over item directions with a softmax anchor."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.vocabulary import Vocabulary
from reverie.diffusion.denoisers import ModulatedDenoiser, create_denoiser, project_to_sphere
from reverie.diffusion.noising import Guided, create_schedule, q_sample
from reverie.diffusion.samplers import NormalNoise, sample
from reverie.models.daydream.config import DaydreamConfig
from reverie.models.guided_diffusion import GuidedDiffusionModel
from reverie.models.item_encoders.create import create_item_encoder
from reverie.models.item_encoders.step import step_items
from reverie.models.learned import ObjectiveModel
from reverie.models.sasrec.model import CausalTransformer
from reverie.nn.blocks import PreNormBlock
from reverie.nn.states import last_states, real_positions, targets_ahead
from reverie.objectives.objective import Objective, create_objective, reads_catalogue


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """Return a copy of a network that follows it: after each ``update_parameters(network)`` w̄ ← decay · w̄ + (1 - decay) · w."""
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call] # torch's own
    return average.requires_grad_(False)


class DaydreamNetwork(nn.Module):
    """Item directions, a causal transformer over them, a denoiser, and the null vector of unguided generation."""

    def __init__(self, config: DaydreamConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.items = create_item_encoder(config.item_encoder, vocabulary, config.dim)
        sizes = (config.dim, config.heads, config.multiple, config.dropout)
        blocks = [PreNormBlock(*sizes, rope=False) for _ in range(config.blocks)]
        self.history = CausalTransformer(blocks, config.dim, config.history, config.dropout, learned_positions=True)
        self.denoiser: nn.Module = (
            ModulatedDenoiser(config.dim, config.steps, config.denoiser_blocks)
            if config.denoiser == "modulated"
            else create_denoiser(config.denoiser, config.dim, config.steps)
        )
        self.null = nn.Parameter(torch.randn(config.dim))

    def guidance(self, batch: SequenceBatch) -> Tensor:
        """Return the guidance after each event → [B, L, D]."""
        return self.read(project_to_sphere(self.items.encode(batch.items)), batch)

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
    items = step_items(network.items, batch, reads_catalogue(objective))
    h, targets = _guidance(network, config, batch, items.encode)
    head = items.head(project_to_sphere, scale=1 / (config.temperature * config.dim))
    near, codes = head.over(targets)
    clean = near.table.detach()[codes - 1]
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


def _guidance(
    network: DaydreamNetwork, config: DaydreamConfig, batch: SequenceBatch, encode: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Return guidance [M, D] and targets [M] of the positions to train; `encode` gives vectors of items."""

    def vectors(items: Tensor) -> Tensor:
        return project_to_sphere(encode(items))

    if config.every_position:
        batch = targets_ahead(batch, config.ahead) if config.ahead else batch
        return real_positions(vectors, network.read, batch)[:2]
    targets = require_targets(batch, "daydream")
    return last_states(network.read(vectors(batch.items), batch), batch.lengths), targets


class Daydream(GuidedDiffusionModel, ObjectiveModel):
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

    stream = "daydream"

    def __init__(self, config: DaydreamConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.history = config.history
        self.plan = "positions" if config.every_position else "prefixes"
        self.config = config
        self.network = DaydreamNetwork(config, vocabulary)
        self.average = moving_average(self.network, config.average) if config.average else None
        self.objective = create_objective(config.objective, vocabulary.n_items)
        schedule = create_schedule(config.schedule, config.steps, zero_terminal=True)
        self._prepare_sampling(schedule, config.sampler, config.noise_seed)
        self.draws = config.sampler.draws if config.noise else 1

    @property
    def _active_network(self) -> DaydreamNetwork:
        """The weights to compute with: in training the trained ones, outside their average."""
        if self.training or self.average is None:
            return self.network
        return cast("DaydreamNetwork", self.average.module)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the terms of the loss, see `daydream_loss`."""
        return daydream_loss(self.network, self.config, self.objective, self.signal, self.spread, batch)

    def after_step(self) -> None:
        """Update the moving average of the weights."""
        if self.average is not None:
            self.average.update_parameters(self.network)

    def item_table(self) -> Tensor:
        """Return item vectors → [N, D]."""
        return self._active_network.table()

    def _encode(self, batch: SequenceBatch) -> Tensor:
        """Return the guidance after each event → [B, L, D]."""
        return self._active_network.guidance(batch)

    def _sample(self, h: Tensor, noise: NormalNoise) -> Tensor:
        """Draw one vector for each guidance vector, in units of scores; h [R, D] → [R, D]."""
        network = self._active_network
        guided = Guided(network.denoise, h, network.null, self.config.guidance)
        drawn = sample(guided, self.sampler, noise) if self.config.noise else guided(torch.zeros_like(h), len(self.signal) - 1)
        return drawn / (self.config.temperature * h.shape[1])
