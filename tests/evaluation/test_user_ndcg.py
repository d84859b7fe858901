from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.evaluation.values import grouped_ndcg


def _slow(positive: np.ndarray, scores: np.ndarray) -> float:
    """Mean over all orders of equal scores."""
    values = []
    for order in permutations(range(len(scores))):
        if all(scores[a] >= scores[b] for a, b in pairwise(order)):
            gained = sum(1 / np.log2(place + 2) for place, at in enumerate(order) if positive[at])
            values.append(gained / sum(1 / np.log2(place + 2) for place in range(int(positive.sum()))))
    return float(np.mean(values))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=2, max_size=6))
def test_ties_count_their_expected_value(rows: list[tuple[int, int]]) -> None:
    positive, scores = np.array([p for p, _ in rows], dtype=bool), np.array([s for _, s in rows], dtype=float)
    found = grouped_ndcg(np.zeros(len(rows), dtype=np.int64), positive, scores)[0]
    if positive.all() or not positive.any():
        assert np.isnan(found)
    else:
        np.testing.assert_allclose(found, _slow(positive, scores), rtol=1e-12)


def test_groups_do_not_meet() -> None:
    groups = np.array([1, 0, 1, 0, 2])
    positive = np.array([True, False, False, True, True])
    found = grouped_ndcg(groups, positive, np.array([0.0, 5.0, 1.0, 1.0, 0.0]))
    np.testing.assert_allclose(found, [1 / np.log2(3), 1 / np.log2(3), np.nan])
