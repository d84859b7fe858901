from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import torch

from reverie.data.dataset import Dataset
from reverie.data.splits import leave_one_out
from reverie.protocols import Card

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.queries import Queries
    from reverie.data.split import Split
    from reverie.data.vocabulary import Vocabulary

N_ITEMS = 30


class TableModel(torch.nn.Module):
    """Scores are a row of a table per user: nothing is learned and nothing hidden."""

    history = 3

    def __init__(self, vocabulary: Vocabulary, table: np.ndarray) -> None:
        super().__init__()
        self.card = Card("table", None, vocabulary)
        self.register_buffer("table", torch.from_numpy(table))
        self.modes: list[bool] = []

    def scores(self, batch: SequenceBatch, items: torch.Tensor | None = None) -> torch.Tensor:
        self.modes.append(self.training)
        rows = self.table[batch.users]
        return rows if items is None else torch.gather(rows, 1, (items - 1).clamp(min=0))


@pytest.fixture(scope="session")
def split() -> Split:
    rng = np.random.default_rng(1)
    user = np.concatenate([np.repeat(np.arange(40), 4), rng.integers(40, size=300)])
    item = np.concatenate([np.arange(N_ITEMS), (N_ITEMS * rng.random(len(user) - N_ITEMS) ** 2).astype(np.int64)]) + 100
    catalog = pl.DataFrame(
        {"item": np.arange(N_ITEMS) + 100, "title": [f"Story number {chr(97 + i % 26)}{i}" for i in range(N_ITEMS)]}
    )
    return leave_one_out(Dataset(pl.DataFrame({"user": user + 1000, "item": item}), catalog, order="source"))


@pytest.fixture
def table(split: Split) -> np.ndarray:
    """Coarse scores: ties are common and no rounding changes their order."""
    return np.random.default_rng(2).integers(0, 8, size=(split.vocabulary.n_users, N_ITEMS)).astype(np.float32)


@pytest.fixture
def make(split: Split) -> Callable[[np.ndarray], TableModel]:
    return lambda table: TableModel(split.vocabulary, table)


@pytest.fixture
def many(split: Split) -> Queries:
    """Queries with one to four targets, some repeated, some in the history, some without a positive label."""
    rng, base = np.random.default_rng(3), split.test
    counts = rng.integers(1, 5, size=len(base))
    targets = rng.integers(1, N_ITEMS + 1, size=counts.sum()).astype(np.int32)
    return replace(base, targets=targets, offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
