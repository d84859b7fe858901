"""Hidden states of a recommender, computed once and kept on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from reverie.errors import ConfigError
from reverie.files import atomic_path
from reverie.models.store import model_tensors
from reverie.protocols import HasVectors

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.llm.windows import Windows
    from reverie.protocols import Recommender

ROWS = 256
"""Histories computed at a time."""


def model_digest(model: Recommender) -> str:
    """Return the SHA-256 of all that a model was fitted to."""
    digest = hashlib.sha256(model.card.name.encode())
    for name, tensor in sorted(model_tensors(model).items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).data)
    return digest.hexdigest()


def require_states(model: Recommender) -> HasVectors:
    """Return a model that has hidden states, or raise."""
    if not isinstance(model, HasVectors):
        raise ConfigError(
            f"model '{model.card.name}' has no hidden states to read; use one such as sasrec, gru4rec, caser or dreamrec"
        )
    return model


@torch.no_grad()
def window_states(model: Recommender, windows: Windows, folder: Path | None = None) -> Tensor:
    """Return the state after each item of each window → [W, L, D]."""
    vectors = require_states(model)
    digest = hashlib.sha256(model_digest(model).encode())
    digest.update(windows.items.tobytes() + windows.lengths.tobytes())
    path = None if folder is None else folder / f"states-{digest.hexdigest()[:24]}.safetensors"
    if path is not None and path.is_file():
        from safetensors.torch import load_file

        return load_file(path)["states"]
    parts = []
    for at in range(0, len(windows), ROWS):
        part = windows.take(np.arange(at, min(at + ROWS, len(windows))))
        states = vectors.states(to_device(model, part.batch())).float().cpu()
        inside = torch.arange(states.shape[1]) < torch.from_numpy(part.lengths)[:, None]
        parts.append(torch.where(inside[..., None], states, torch.zeros_like(states)))
    whole = torch.cat(parts)
    if path is not None:
        from safetensors.torch import save_file

        with atomic_path(path) as temporary:
            save_file({"states": whole}, temporary)
    return whole


def to_device(model: Recommender, batch: SequenceBatch) -> SequenceBatch:
    """Return a batch on the device of a model."""
    if isinstance(model, torch.nn.Module):
        return batch.to(next(model.parameters()).device)
    return batch
