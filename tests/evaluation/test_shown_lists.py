"""What is measured is the list that is shown: `evaluate` against `judge` of `recommend_all`, where people come back to items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.data.dataset import Dataset
from reverie.data.queries import repeated_targets, seen_rule
from reverie.data.splits import PROTOCOLS
from reverie.errors import DataError
from reverie.evaluation import evaluate, judge, recommend_all
from reverie.protocols import Card

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.split import Split
    from reverie.data.vocabulary import Vocabulary

N_ITEMS = 9
SPLITS: dict[str, Callable[[Dataset], Split]] = {
    "leave_one_out": PROTOCOLS["leave_one_out"],
    "last two": partial(PROTOCOLS["leave_one_out"], last=2),
    "temporal": partial(PROTOCOLS["temporal"], valid=0.2, test=0.2),
    "by_user": partial(PROTOCOLS["by_user"], valid=0.3, test=0.3),
    "given": PROTOCOLS["given"],
}
METRICS = [f"{name}@{k}" for name in ("recall", "ndcg", "mrr", "hit", "map") for k in (1, 3, 20)]


class Scores:
    """Scores are a row of a table, chosen by the length of the history."""

    history = None

    def __init__(self, vocabulary: Vocabulary, table: np.ndarray) -> None:
        self.card = Card("table", None, vocabulary)
        self.table = torch.from_numpy(table)[:, : vocabulary.n_items]

    def scores(self, batch: SequenceBatch, items: torch.Tensor | None = None) -> torch.Tensor:
        rows = self.table[batch.lengths % len(self.table)]
        return rows if items is None else torch.gather(rows, 1, (items - 1).clamp(min=0))


def make_log(seed: int, repeats: float) -> Dataset:
    """A log of 12 users in which a share of the events repeats an earlier one of the user."""
    rng, rows = np.random.default_rng(seed), []
    for user in range(12):
        fresh, known = list(rng.permutation(N_ITEMS)), []
        for _ in range(int(rng.integers(3, 8))):
            item = rng.choice(known) if known and rng.random() < repeats else fresh.pop()
            known.append(item)
            rows.append((f"u{user}", f"i{item}", int(rng.integers(1000)), ["train", "train", "valid", "test"][len(known) % 4]))
    events = pl.DataFrame(rows, schema=["user", "item", "timestamp", "part"], orient="row").sort("timestamp", maintain_order=True)
    return Dataset(events, order="time")


@pytest.mark.parametrize("protocol", SPLITS)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    repeats=st.sampled_from([0.0, 0.04, 0.3, 0.9]),
    rule=st.sampled_from([None, "remove", "keep"]),
    levels=st.sampled_from([2, 4, N_ITEMS]),
)
def test_the_shown_list_is_what_is_measured(protocol: str, seed: int, repeats: float, rule: str | None, levels: int) -> None:
    try:
        split = SPLITS[protocol](make_log(seed, repeats))
    except DataError:
        return  # the random log leaves a part of the split empty
    queries = split.test if rule is None else replace(split.test, seen=rule)
    table = np.random.default_rng(seed).permuted(np.tile(np.arange(N_ITEMS) * levels // N_ITEMS, (5, 1)), axis=1)
    model = Scores(split.vocabulary, table.astype(np.float32))
    measured = evaluate(model, queries)
    whole = judge(recommend_all(model, queries, k=20).drop("rank"), queries)  # by score, so that ties stay ties
    cut = judge(recommend_all(model, queries, k=3), queries)
    worst, best = (replace(measured, ranks=measured.ranks.with_columns(order)) for order in (BEHIND, BEFORE))
    for metric in METRICS:
        assert measured.value(metric) == pytest.approx(whole.value(metric), abs=1e-12), metric
        if metric in ("recall@3", "ndcg@3"):
            assert worst.value(metric) - 1e-12 <= cut.value(metric) <= best.value(metric) + 1e-12, metric
            if levels == N_ITEMS:
                assert cut.value(metric) == pytest.approx(measured.value(metric), abs=1e-12), metric
    assert measured.repeats == whole.repeats


BEFORE = (pl.lit(0, dtype=pl.Int32).alias("equal"),)
BEHIND = (pl.when(pl.col("greater") < 2**31 - 1).then(pl.col("greater") + pl.col("equal")).otherwise("greater"), *BEFORE)
"""All targets before, and behind, the other items of their score."""


def test_seen_items_are_kept_from_one_repeat_in_twenty_on() -> None:
    rows = [(user, item, user * 10 + at) for user in range(20) for at, item in enumerate("abcd")]
    for repeats, rule in ((0, "remove"), (1, "keep")):
        log = [
            (user, "a" if user < repeats and at == 3 else item, time)
            for at, (user, item, time) in ((row[2] % 10, row) for row in rows)
        ]
        split = PROTOCOLS["leave_one_out"](
            Dataset(pl.DataFrame(log, schema=["user", "item", "timestamp"], orient="row"), order="time")
        )
        assert int(repeated_targets(split.test).sum()) == repeats
        assert seen_rule(split.test) == split.test.seen == split.valid.seen == rule


def test_repeats_are_found_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    queries = PROTOCOLS["leave_one_out"](make_log(3, 0.5), last=2).test
    expected = [
        target in queries.sequences.items[queries.start[query] : queries.stop[query]]
        for query, target in zip(queries.target_queries, queries.targets, strict=True)
    ]
    assert any(expected)
    assert not all(expected)
    for size in (1, 7, 1 << 22):
        monkeypatch.setattr("reverie.data.queries.COMPARISONS", size)
        assert repeated_targets(queries).tolist() == expected
