"""Copies of a trained model with other inference options (sampler, guidance, fold-in) and the same weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverie.models.create import create_model
from reverie.models.store import load_tensors, model_tensors

if TYPE_CHECKING:
    from reverie.protocols import Recommender


def with_options(model: Recommender, **options: Any) -> Recommender:
    """Return a copy of a fitted model with some options changed and the weights as they are."""
    import torch

    card = model.card
    with torch.random.fork_rng(devices=[]):
        changed = create_model(card.name, card.vocabulary, **{**card.config.model_dump(mode="json"), **options})
    tensors = {name: value.detach().cpu() for name, value in model_tensors(model).items()}
    load_tensors(changed, tensors, f"model '{card.name}' with other options")
    return changed
