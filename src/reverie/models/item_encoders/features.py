"""Encoder of ready features: standardised, frozen, one linear layer and perhaps an adapter beside it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError
from reverie.models.item_encoders.base import ContentEncoder
from reverie.models.item_encoders.config import VectorOptions
from reverie.models.item_encoders.controls import controlled


class FeaturesEncoder(ContentEncoder):
    """``W z + b`` of standardised features z, with a GELU behind it or a bottleneck ``U gelu(V z)`` beside it where asked for.

    Means and deviations belong to the saved model, so that items that come later are standardised as the first were. At first an
    item's vector has length 1 on average, as the network multiplies what it reads by √D.

    features [N, F], present [N].
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, options: VectorOptions, features: Tensor, present: Tensor, dim: int) -> None:
        super().__init__(len(features), dim, present=present)
        self.fixed["features"] = features
        width = features.shape[1]
        some = features[present].double()
        spread = some.std(0, correction=0)
        self.register_buffer("centre", some.mean(0).float())
        self.register_buffer("spread", torch.where(spread > 0, spread, 1.0).float())
        self.gelu, self.dropout = options.activation == "gelu", nn.Dropout(options.dropout)
        self.linear = nn.Linear(width, dim)
        nn.init.normal_(self.linear.weight, std=(width * dim) ** -0.5)
        nn.init.zeros_(self.linear.bias)
        self.down: nn.Linear | None = None
        if options.tuning == "adapter":
            self.down, self.up = nn.Linear(width, options.bottleneck), nn.Linear(options.bottleneck, dim, bias=False)
            nn.init.normal_(self.down.weight, std=width**-0.5)
            nn.init.zeros_(self.up.weight)

    def vectors(self, items: Tensor) -> Tensor:
        """Return the vectors of distinct items that have features; items [U] → [U, D]."""
        features = self.fixed["features"]
        rows = features if len(items) == len(features) else features[items - 1]  # all of them are in order
        rows = self.dropout(rows)
        out = self._standardised(self.linear, rows)
        if self.down is not None:
            out = out + self.up(F.gelu(self._standardised(self.down, rows)))
        return F.gelu(out) if self.gelu else out

    def _standardised(self, layer: nn.Linear, rows: Tensor) -> Tensor:
        """Return a layer of standardised rows, by weights that are scaled in their place; rows [U, F] → [U, layer]."""
        weight = layer.weight / self.spread
        return F.linear(rows, weight, layer.bias - weight @ self.centre)


def create_features(options: VectorOptions, vocabulary: Vocabulary, dim: int) -> FeaturesEncoder:
    """Return an encoder of the features that the options name."""
    (modality,) = options.modalities
    features = controlled(vocabulary.content[modality], options, modality, vocabulary.items)
    if not features.present.any():
        raise DataError(f"no item has a vector of '{modality}'; check that the ids of the features are those of the items")
    return FeaturesEncoder(options, torch.from_numpy(features.values), torch.from_numpy(features.present), dim)
