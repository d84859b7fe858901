"""Content of items inside models: which features are read, and their projection to vectors."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.content import Features
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, short


def chosen_features(vocabulary: Vocabulary, names: Iterable[str], model: str) -> dict[str, Features]:
    """Return the features that a model reads, by the name of the modality in sorted order; no names are all there are."""
    content, wanted = vocabulary.content, sorted(names)
    if not content:
        raise ConfigError(f"model '{model}' needs features of items and the data have none; give the dataset `content`")
    missing = next((name for name in wanted if name not in content), None)
    if missing is not None:
        raise ConfigError(f"model '{model}' asks for features '{short(missing)}'; the data have {', '.join(sorted(content))}")
    return {name: content[name] for name in wanted or sorted(content)}


class Projection(nn.Module):
    """A linear map of the features of one modality, ``W (f_i - c) / s``; zeros for an item without them.

    The features stay as they are and are no part of the weights, for they come with the vocabulary. With `standardise` c is their
    mean and s the root of their mean squared length then; the differences of scores, all that a ranking loss sees, can be the same
    without, but features far from zero or very long take many more steps.
    """

    features: Tensor
    present: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(self, features: Features, width: int, standardise: bool) -> None:
        super().__init__()
        values, present = torch.from_numpy(features.values), torch.from_numpy(features.present)
        self.register_buffer("features", values, persistent=False)
        self.register_buffer("present", present, persistent=False)
        known = values[present] if standardise and bool(present.any()) else values[:0]
        centre = known.mean(0) if len(known) else values.new_zeros(features.width)
        scale = (known - centre).square().sum(1).mean().sqrt() if len(known) else values.new_ones(())
        self.register_buffer("centre", centre)
        self.register_buffer("scale", torch.where(scale > 0, scale, 1.0))
        self.weight = nn.Parameter(torch.empty(width, features.width))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, items: Tensor) -> Tensor:
        """Return the vectors of item codes 1..N; items [K] → [K, D]."""
        rows = items - 1
        weight = self.weight / self.scale
        vectors = F.linear(self.features.index_select(0, rows) - self.centre, weight)
        return vectors * self.present.index_select(0, rows).unsqueeze(1)
