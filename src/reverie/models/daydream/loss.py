"""Daydream's training loss: softmax over items, cosine distance and consistency between noise levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.data.batch import require_targets
from reverie.diffusion.noising import q_sample
from reverie.nn.ahead import targets_ahead
from reverie.nn.heads import DotHead
from reverie.nn.positions import real_positions
from reverie.nn.states import last_states

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.models.daydream.config import DaydreamConfig
    from reverie.models.daydream.network import DaydreamNetwork
    from reverie.objectives import Objective


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
