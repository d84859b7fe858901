"""Lists made for variety, and measures of them, against loops that follow the definitions."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from reverie.data.dataset import Dataset
from reverie.data.splits import leave_one_out
from reverie.evaluation import evaluate
from reverie.evaluation.beyond_accuracy import (
    co_occurrence_cosine,
    distinct_items,
    intra_list_similarity,
    list_recall,
    pairwise_cosine,
    union_lists,
)
from reverie.models import create_model
from reverie.nn.reranking import min_max, mmr
from reverie.testing import tiny_dataset

SEEDS = st.integers(0, 10_000)


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def naive_mmr(relevance: list[float], vectors: list[list[float]], trade: float, k: int) -> list[int]:
    placed: list[int] = []
    while len(placed) < min(k, len(relevance)):
        left = [i for i, r in enumerate(relevance) if i not in placed and r > -math.inf]
        worth = {
            i: trade * relevance[i] - (1 - trade) * max((cosine(vectors[i], vectors[j]) for j in placed), default=0.0) for i in left
        }
        placed.append(max(left, key=lambda i: worth[i]) if left else -1)
    return placed


@given(SEEDS, st.sampled_from([0.0, 0.3, 0.7, 1.0]), st.integers(1, 8))
def test_mmr_is_the_greedy_choice(seed: int, trade: float, k: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    relevance = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    relevance[1, 2:] = -torch.inf
    relevance[2] = -torch.inf
    vectors = torch.randn(4, 6, 3, generator=generator, dtype=torch.float64)
    found = mmr(relevance, vectors, trade, k)
    for row in range(4):
        expected = naive_mmr(relevance[row].tolist(), vectors[row].tolist(), trade, k)
        if trade:
            assert found[row].tolist() == expected
        else:  # the first place is free: no item is like an empty list
            assert (found[row] < 0).sum() == expected.count(-1)
    if trade == 1.0:
        assert found[0].tolist() == relevance[0].argsort(descending=True)[:k].tolist()


def test_mmr_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="vectors must have shape"):
        mmr(torch.zeros(2, 3), torch.zeros(2, 4, 5), 0.5, 2)
    with pytest.raises(ValueError, match="trade must lie in"):
        mmr(torch.zeros(2, 3), torch.zeros(2, 3, 5), 1.5, 2)


def test_min_max_spans_each_row_and_leaves_gaps_alone() -> None:
    scores = torch.tensor([[3.0, 1.0, 2.0], [5.0, 5.0, -torch.inf], [-torch.inf, -torch.inf, -torch.inf], [0.0, -4.0, -torch.inf]])
    inf = -math.inf
    assert min_max(scores).tolist() == [[1.0, 0.0, 0.5], [0.0, 0.0, inf], [inf, inf, inf], [1.0, 0.0, inf]]


def naive_union(lists: list[list[int]], length: int) -> list[int]:
    joint: list[int] = []
    for place in range(len(lists[0])):
        for one in lists:
            if one[place] and one[place] not in joint:
                joint.append(one[place])
    return (joint + [0] * length)[:length]


@given(SEEDS, st.integers(1, 4), st.integers(1, 5), st.integers(1, 12))
def test_union_takes_place_by_place_without_repeating(seed: int, n: int, width: int, length: int) -> None:
    lists = np.random.default_rng(seed).integers(0, 9, size=(5, n, width))
    expected = [naive_union(query, length) for query in lists.tolist()]
    assert union_lists(lists, length).tolist() == expected


@given(SEEDS)
def test_recall_counts_each_target_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists, counts = rng.integers(0, 9, size=(6, 4)), rng.integers(0, 5, size=6)
    targets = rng.integers(1, 12, size=counts.sum()).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    found = list_recall(lists, targets, offsets)
    for query in range(6):
        asked = set(targets[offsets[query] : offsets[query + 1]].tolist())
        if asked:
            assert found[query] == pytest.approx(len(asked & set(lists[query].tolist())) / len(asked))
        else:
            assert math.isnan(found[query])


@pytest.mark.filterwarnings("ignore:model '.*' is not fitted")
def test_recall_of_a_models_own_lists_is_that_of_its_evaluation() -> None:
    split = leave_one_out(tiny_dataset(), 5)
    model = create_model("sasrec", split, dim=8, history=6)
    measured = evaluate(model, split.test, top=10)
    lists = np.zeros((len(split.test), 10), dtype=np.int64)
    lists[measured.topk["query"], measured.topk["rank"] - 1] = measured.topk["item"]
    found = list_recall(lists, split.test.targets, split.test.offsets)
    assert found.mean() == pytest.approx(measured.value("recall@10"))


def test_distinct_items_and_pairwise_cosine() -> None:
    assert distinct_items(np.array([[3, 3, 3], [3, 1, 3], [0, 2, 1], [0, 0, 0]])).tolist() == [1, 2, 2, 0]
    vectors = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for row, value in zip(vectors.tolist(), pairwise_cosine(vectors).tolist(), strict=True):
        pairs = [cosine(row[i], row[j]) for i in range(4) for j in range(i)]
        assert value == pytest.approx(sum(pairs) / len(pairs))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)), min_size=1, max_size=40))
def test_co_occurrence_cosine_is_that_of_the_users_who_chose(events: list[tuple[int, int]]) -> None:
    user, item = zip(*events, strict=True)
    dataset = Dataset(pl.DataFrame({"user": user, "item": item}), name="log", order="source")
    found = co_occurrence_cosine(dataset.sequences).toarray()
    ids = dataset.vocabulary.items.to_list()
    chose = {i: {u for u, other in events if other == i} for i in ids}
    for row, one in enumerate(ids):
        for column, other in enumerate(ids):
            expected = len(chose[one] & chose[other]) / math.sqrt(len(chose[one]) * len(chose[other]))
            assert found[row, column] == pytest.approx(expected)


@given(SEEDS, st.integers(1, 5))
def test_intra_list_similarity_is_the_mean_over_pairs(seed: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    half = np.where(rng.random((8, 8)) < 0.5, rng.random((8, 8)), 0.0)
    similarity = half + half.T
    lists = np.stack([rng.permutation(9)[:width] for _ in range(4)])
    found = intra_list_similarity(lists, csr_array(similarity))
    for row, items in enumerate(lists.tolist()):
        there = [code - 1 for code in items if code]
        values = [similarity[a, b] for n, a in enumerate(there) for b in there[:n]]
        if values:
            assert found[row] == pytest.approx(sum(values) / len(values))
        else:
            assert math.isnan(found[row])
