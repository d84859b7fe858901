from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from reverie.evaluation import recommend_all

if TYPE_CHECKING:
    import torch

    from reverie.data.split import Split


def test_lists_for_all_users_from_the_items_in_stock(
    split: Split, table: np.ndarray, make: Callable[[np.ndarray], torch.nn.Module]
) -> None:
    table = table + np.arange(30, dtype=np.float32) / 64
    stock, closed = np.random.default_rng(5).permutation(30)[:9] + 100, [101, 105]
    model = make(table)
    found = recommend_all(model, split.refit, k=6, allow=stock.tolist(), deny=closed, batch_size=7)  # type: ignore[arg-type]  # a model of the tests
    for row in range(len(split.refit)):
        seen = set(split.refit.row(row).tolist())
        open_codes = [c for c in (stock - 99).tolist() if c not in seen and c + 99 not in closed]
        order = sorted(open_codes, key=lambda c, row=row: -table[split.refit.users[row], c - 1])[:6]
        assert found.filter(user=1000 + row)["item"].to_list() == [c + 99 for c in order]
    everything = recommend_all(model, split.refit, k=30)  # type: ignore[arg-type]  # as above
    assert set(everything["item"]) == set(split.vocabulary.items)
