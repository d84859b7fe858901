"""A weighted sum of the standardised scores of other recommenders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from reverie.data.batch import SequenceBatch, newest_events
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError
from reverie.models.blend.config import BlendConfig, part_options
from reverie.models.shelf import MODELS
from reverie.models.shown import ShownModel
from reverie.models.store import load_model
from reverie.options import checked
from reverie.protocols import Card, Recommender


class Standardised:
    """Another recommender's scores, with mean 0 and standard deviation 1 over the catalogue for each history."""

    def __init__(self, part: Recommender) -> None:
        self.part, self.card, self.history = part, part.card, part.history

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        raw = self.part.scores(newest_events(batch, self.history)).float()
        spread, mean = torch.std_mean(raw, dim=1, keepdim=True, correction=0)
        scores = raw.sub(mean).div_(spread.clamp(min=1e-12))
        return scores if items is None else scores.gather(1, (items - 1).clamp(min=0))


class Blend(ShownModel, nn.Module):
    """Score of item j: the sum over parts p of ``w_p (s_pj - mean_p) / std_p``, mean and std over the catalogue for this history.

    Parts are fitted each as if it stood alone, or come from finished runs; `reverie.training.blending` chooses the weights.
    """

    card: Card
    history: int | None
    parts: list[Recommender]

    def __init__(self, config: BlendConfig, vocabulary: Vocabulary, fitted: list[Recommender] | None = None) -> None:
        super().__init__()
        self.ready = [fitted is not None or "run" in part for part in config.parts]
        parts = fitted or [_make_part(part, vocabulary) for part in config.parts]
        if not all(vocabulary.holds_in(part.card.vocabulary) for part in parts):
            raise DataError("a part of the blend knows other items or users than the data; blend models of one split")
        self._hold(config, parts)

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        total = torch.zeros(())
        for weight, part in zip(self.weights, self.parts, strict=True):
            total = total + weight * Standardised(part).scores(batch, items)
        return total

    def settle(self, parts: Sequence[dict[str, Any]], weights: Sequence[float]) -> None:
        """Take the weights, leave out parts of weight 0, and say in the card what the parts are, as options that name models."""
        kept = [number for number, weight in enumerate(weights) if weight > 0]
        options = {"parts": tuple(parts[number] for number in kept), "weights": tuple(weights[number] for number in kept)}
        self.ready = [self.ready[number] for number in kept]
        self._hold(self.config.model_copy(update=options), [self.parts[number] for number in kept])
        self.card = replace(self.card, config=self.config)

    def _hold(self, config: BlendConfig, parts: list[Recommender]) -> None:
        self.config, self.parts = config, parts
        reads = [part.history for part in parts]
        self.history = None if None in reads else max(length for length in reads if length is not None)
        self.weights = list(config.weights) or [1 / len(parts)] * len(parts)
        self.learned = nn.ModuleList([part for part in parts if isinstance(part, nn.Module)])


def _make_part(part: dict[str, Any], vocabulary: Vocabulary) -> Recommender:
    """Return a part: loaded from its run, or not yet fitted."""
    if "run" in part:
        return load_model(part["run"])
    name = part["name"]
    config = checked(MODELS.config(name), part_options(part), f"model '{name}'")
    model: Recommender = MODELS.build(name)(config, vocabulary)
    model.card = Card(name, config, vocabulary)
    return model
