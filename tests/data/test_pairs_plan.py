"""The pairs plan covers every event of every row once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.data.plans import create_plan
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary

ROWS = st.lists(st.lists(st.integers(1, 5), max_size=6), min_size=1, max_size=6)


@given(ROWS, st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_pairs_cover_each_event_once(rows: list[list[int]], batch_size: int) -> None:
    flat = np.array([code for row in rows for code in [1, *row]], dtype=np.int32)  # one stray event before each row
    stops = np.cumsum([len(row) + 1 for row in rows]).astype(np.int64)
    starts = stops - np.array([len(row) for row in rows], dtype=np.int64)
    users = np.arange(len(rows), dtype=np.int64)[::-1].copy()
    train = Sequences(flat, starts, stops, users, Vocabulary(pl.Series(range(5)), pl.Series(range(len(rows)))))
    plan = create_plan("pairs", train, 3)
    assert len(plan) == train.n_events
    order = np.random.default_rng(0).permutation(len(plan))
    seen: Counter[tuple[int, int]] = Counter()
    for first in range(0, len(order), batch_size):
        batch = plan.batch(order[first : first + batch_size])
        assert batch.targets is not None
        assert batch.items.shape == (batch.size, 1)
        assert not batch.items.any()
        assert not batch.lengths.any()
        seen.update(zip(batch.users.tolist(), batch.targets.tolist(), strict=True))
    assert seen == Counter((int(user), code) for user, row in zip(users, rows, strict=True) for code in row)
