"""Contrastive training of a network, every step a pure function of its name."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.contrast.image.network import Network, create_network
from reverie.contrast.image.views import Views
from reverie.errors import ConfigError, NotFinite
from reverie.objectives.contrastive.views import nt_xent
from reverie.seeds import seed_torch, torch_generator
from reverie.training.config import TrainingConfig
from reverie.training.optimiser import autocast, epoch_batches, learning_rate

if TYPE_CHECKING:
    from reverie.contrast.image.config import ImageTask
    from reverie.objectives.contrastive.score_loss import ScoreLoss


def new_network(config: ImageTask, seed: int, device: torch.device) -> Network:
    """Return a network whose weights follow from the seed."""
    seed_torch(seed, "weights")
    return create_network(config.network).to(device)


def train_network(
    config: ImageTask, pixels: Tensor, loss: ScoreLoss, seed: int, device: torch.device, say: Callable[[str], None]
) -> Network:
    """Train a network with Adam on two views of each image; pixels [N, 3, S, S]."""
    if len(pixels) < config.batch_size:
        raise ConfigError(f"batch_size {config.batch_size} is more than the {len(pixels)} training images; use a smaller one")
    network, loss = new_network(config, seed, device).train(), copy.deepcopy(loss).to(device).train()
    adam = torch.optim.Adam(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    rates = TrainingConfig(learning_rate=config.learning_rate, schedule=config.schedule)
    views, steps, begin = Views(config.views), len(pixels) // config.batch_size, time.monotonic()
    # not `Trainer`: plain Adam, whole batches only, views drawn from a stream of their own; stored results rest on both
    for epoch in range(config.epochs):
        total = 0.0
        for step, rows in enumerate(epoch_batches(len(pixels), config.batch_size, seed, epoch)[:steps]):
            seed_torch(seed, "step", epoch, step)
            adam.param_groups[0]["lr"] = learning_rate(rates, epoch * steps + step, config.epochs * steps)
            both = pixels[torch.from_numpy(rows).repeat(2)].to(device)
            with autocast(device, config.precision):
                projected = network(views(both, torch_generator(seed, "views", epoch, step)))
            value = _value(projected, loss)
            if not bool(value.isfinite()):
                raise NotFinite(
                    f"the loss became {float(value)} in epoch {epoch + 1}, step {step + 1}; use a smaller learning rate"
                )
            adam.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call] # torch's own
            adam.step()
            total += float(value.detach())
        say(f"epoch {epoch + 1} of {config.epochs}: loss {total / steps:.4f}, {time.monotonic() - begin:.0f} s")
    return network.eval()


def _value(projected: Tensor, loss: ScoreLoss) -> Tensor:
    """Return the mean loss over 2B anchors, NaN where it has none."""
    if bool(projected.isfinite().all()):
        half = len(projected) // 2
        with contextlib.suppress(NotFinite):
            return nt_xent(projected[:half], projected[half:], None, loss=loss)
    return projected.new_tensor(float("nan"))


@torch.no_grad()
def negative_cosines(config: ImageTask, network: Network, pixels: Tensor, seed: int, device: torch.device) -> tuple[float, ...]:
    """Return quantiles of the cosines of negatives in one more batch; pixels [N, 3, S, S]."""
    rows = torch.from_numpy(epoch_batches(len(pixels), config.batch_size, seed, config.epochs)[0]).repeat(2)
    views = Views(config.views)(pixels[rows].to(device), torch_generator(seed, "views", config.epochs, 0))
    vectors = torch.nn.functional.normalize(network(views), dim=-1)
    image = rows.to(device)
    cosines = (vectors @ vectors.T)[image[:, None] != image]
    at = torch.linspace(0, 1, 21, device=device)
    return tuple(float(cosine) for cosine in cosines.sort().values[(at * (len(cosines) - 1)).round().long()])
