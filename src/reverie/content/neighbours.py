"""Nearest items by the vectors of a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.protocols import Recommender, Represents

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.split import Split

NEAREST = 5


def shown_items(split: Split, count: int) -> NDArray[np.int64]:
    """Return codes of items to show: three of four the most clicked in training, the others clicked by nobody if there are some."""
    clicks = split.train.item_counts()[1:]
    cold = np.flatnonzero(clicks == 0)[: count // 4]
    known = np.argsort(-clicks, kind="stable")[: count - len(cold)]
    return np.concatenate([known, cold]) + 1


def nearest_items(model: Recommender, split: Split, count: int) -> dict[str, list[str]]:
    """Return ids of the items nearest to some, by the cosine of their vectors; nothing for a model without vectors of items."""
    import torch

    if not count or not isinstance(model, Represents):
        return {}
    with torch.no_grad():
        table = torch.nn.functional.normalize(model.item_table().float(), dim=1).cpu().numpy()
    asked = shown_items(split, count)
    close = table[asked - 1] @ table.T
    close[np.arange(len(asked)), asked - 1] = -np.inf
    ids = split.vocabulary.items.to_list()
    order = np.argsort(-close, axis=1, kind="stable")[:, :NEAREST]
    return {str(ids[code - 1]): [str(ids[at]) for at in row] for code, row in zip(asked, order, strict=True)}
