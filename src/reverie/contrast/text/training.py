"""Teach an encoder of sentences by a contrastive loss, and keep its best weights."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.contrast.effective import cosines_of_others
from reverie.contrast.text.tokens import bucketed_batches
from reverie.errors import NotFinite
from reverie.objectives.contrastive import contrast
from reverie.seeds import seed_torch
from reverie.training.config import TrainingConfig
from reverie.training.optimiser import learning_rate

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.contrast.text.config import TextTask
    from reverie.contrast.text.encoders import Encoder
    from reverie.contrast.text.tokens import Tokens
    from reverie.objectives import ScoreLoss

RATES = {"small": 3e-3, "minilm": 3e-5}
"""Learning rates where the options leave it open."""


def train_encoder(
    encoder: Encoder,
    tokens: Tokens,
    loss: ScoreLoss,
    value: Callable[[], float],
    config: TextTask,
    seed: int,
    say: Callable[[str], None],
) -> tuple[float, int, Tensor]:
    """Teach an encoder that two dropouts of a sentence are alike, and other sentences of the batch are not (arXiv 2104.08821)."""
    loss = copy.deepcopy(loss).train()
    rate = config.learning_rate or RATES[config.encoder]
    adam = torch.optim.Adam(encoder.parameters(), lr=rate, fused=True)
    rates = TrainingConfig(learning_rate=rate, schedule="cosine")
    size = min(config.batch_size, len(tokens.lengths))
    per_epoch = len(tokens.lengths) // size
    total, begin = config.epochs * per_epoch, time.monotonic()
    best, best_epoch, weights, cosines = -np.inf, 0, {}, []
    encoder.train()
    # not `Trainer`: plain Adam, batches by length, the best weights by step and not by epoch; stored results rest on both
    for done in range(total):
        epoch, step = divmod(done, per_epoch)
        if step == 0:
            batches = bucketed_batches(tokens.lengths, size, seed, epoch)
        seed_torch(seed, "text step", epoch, step)
        adam.param_groups[0]["lr"] = learning_rate(rates, done, total)
        ids, mask = tokens.padded(batches[step])
        views: Tensor = encoder(ids.repeat(2, 1), mask.repeat(2, 1)).float()
        _look(views, "vectors of sentences", done)
        first, second = views.chunk(2)
        result = contrast(loss, first, second, temperature=None)
        _look(result, "the loss", done)
        adam.zero_grad(set_to_none=True)
        result.backward()  # type: ignore[no-untyped-call] # torch's own
        adam.step()
        if epoch == config.epochs - 1:
            cosines.append(cosines_of_others(first.detach(), second.detach()))
        if (done + 1) % config.evaluate_every == 0 or done + 1 == total:
            found = value()
            if found > best:
                best, best_epoch = found, epoch + 1
                weights = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
            say(f"step {done + 1} of {total}: loss {float(result.detach()):.4f}, dev {found:.4f}, {time.monotonic() - begin:.0f} s")
    encoder.load_state_dict(weights)
    return best, best_epoch, torch.cat(cosines)


def _look(values: Tensor, what: str, done: int) -> None:
    if not bool(values.isfinite().all()):
        raise NotFinite(f"{what} became NaN or infinite in step {done + 1}; use a smaller learning rate")
