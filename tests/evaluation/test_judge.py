from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from reverie.errors import ConfigError, DataError
from reverie.evaluation import audit, evaluate, judge, paired_test, read_recommendations, read_truth, submit, targets_in_history

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from reverie.data.queries import Queries
    from reverie.data.split import Split

RANKED = ["recall@7", "ndcg@7", "mrr@7", "map@7"]


def lists_of(queries: Queries, length: int, seed: int = 0, levels: int | None = None) -> pl.DataFrame:
    """Random lists of distinct items, with coarse scores where `levels` is given."""
    rng, vocabulary = np.random.default_rng(seed), queries.sequences.vocabulary
    rows = []
    for user in queries.users.tolist():
        scores = rng.permutation(100)[:length] if levels is None else rng.integers(0, levels, length)
        items = rng.permutation(vocabulary.n_items)[:length]
        rows += [(vocabulary.users[user], vocabulary.items[int(i)], float(s)) for i, s in zip(items, scores, strict=True)]
    return pl.DataFrame(rows, schema=["user", "item", "score"], orient="row")


@pytest.mark.parametrize("multiple", [False, True])
def test_whole_rankings_are_judged_as_a_model_is_evaluated(
    split: Split, many: Queries, table: np.ndarray, make: Callable[[np.ndarray], torch.nn.Module], multiple: bool
) -> None:
    queries = many if multiple else split.test
    model = make(table)
    expected = evaluate(model, queries, top=30, train=split.train)  # type: ignore[arg-type]  # a model of the tests
    found = expected.topk.select(
        queries.sequences.vocabulary.users.gather(queries.users[expected.topk["query"].to_numpy()]).alias("user_id"),
        queries.sequences.vocabulary.items.gather(expected.topk["item"] - 1).alias("item_id"),
        "score",
    ).sample(fraction=1, shuffle=True, seed=1)
    judged = judge(found, queries, train=split.train)
    assert judged.ranks.equals(expected.ranks)
    assert set(judged.topk.select("query", "item").rows()) == set(expected.topk.select("query", "item").rows())
    names = [*RANKED, "coverage@20"]
    assert [judged.value(n) for n in names] == pytest.approx([expected.value(n) for n in names])
    assert paired_test(judged, expected, ["ndcg@10"])["difference"].to_list() == [0.0]


@pytest.mark.parametrize("levels", [None, 3])
def test_short_lists_against_a_loop(many: Queries, levels: int | None) -> None:
    frame = lists_of(many, 9, levels=levels)
    found = judge(frame, many).ranks
    vocabulary = many.sequences.vocabulary
    for query, target, greater, equal in found.select("query", "target", "greater", "equal").iter_rows():
        own = frame.filter(user=vocabulary.users[int(many.users[query])])
        hit = own.filter(item=vocabulary.items[target - 1])
        if hit.is_empty():
            assert greater >= 9
            continue
        score = hit["score"][0]
        assert (greater, equal) == ((own["score"] > score).sum(), (own["score"] == score).sum() - 1)


def test_ranks_order_as_scores_do_and_ties_count_at_their_expectation(split: Split) -> None:
    user, item = split.vocabulary.users[int(split.test.users[0])], split.vocabulary.items[int(split.test.targets[0]) - 1]
    others = [i for i in split.vocabulary.items.to_list() if i != item][:3]
    tied = pl.DataFrame({"user": [user] * 4, "item": [*others, item], "rank": [1, 2, 2, 2]})
    one = split.test.take(np.array([0]))
    assert judge(tied, one).value("mrr@4") == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
    assert judge(tied.with_columns(score=-pl.col("rank")).drop("rank"), one).value("recall@2") == pytest.approx(1 / 3)
    both = tied.with_columns(score=pl.Series([0.0, 0.0, 0.0, 1.0]))
    by_score = submit(read_recommendations(both, by="score"), one)
    assert judge(both, one).value("mrr@4") < judge(by_score, one).value("mrr@4") == 1.0


def test_strangers_gaps_and_seen_items(split: Split) -> None:
    queries, vocabulary = replace(split.test, seen="remove"), split.vocabulary
    history = queries.sequences.items[queries.start[0] : queries.stop[0]]
    target = int(queries.targets[0])
    seen = next(int(i) for i in history if i != target)
    user = vocabulary.users[int(queries.users[0])]
    rows = [(user, 5555, 3.0), (user, vocabulary.items[seen - 1], 2.0), (user, vocabulary.items[target - 1], 1.0), (1, 101, 1.0)]
    frame = pl.DataFrame(rows, schema=["user", "item", "score"], orient="row")
    lists = submit(read_recommendations(frame), queries)
    found = audit(lists, split.train, k=3)
    assert (found.without, found.ignored, found.unknown, found.seen, found.places) == (len(queries) - 1, 1, 1, 1, 3)
    assert len(found.warnings()) == 4
    kept, dropped = judge(lists, queries), judge(lists, queries, drop_seen=True)
    assert kept.value("mrr@3") == pytest.approx(1 / 3 / len(queries))
    assert dropped.value("mrr@3") == pytest.approx(1 / 2 / len(queries))
    assert kept.top == 3
    assert kept.topk["rank"].to_list() == [2, 3]


def test_audit_of_ties_short_lists_and_cold_items(split: Split) -> None:
    found = audit(submit(read_recommendations(lists_of(split.test, 5, levels=1)), split.test), split.train, k=10)
    assert (found.tied, found.short, found.without, found.unknown) == (len(split.test), len(split.test), 0, 0)
    assert found.cold == 0
    assert audit(submit(read_recommendations(lists_of(split.test, 5)), split.test), k=3).tied == 0


def test_truth_files_give_the_split_again(split: Split, tmp_path: Path) -> None:
    vocabulary, test = split.vocabulary, split.test
    truth = pl.DataFrame({"user": vocabulary.users.gather(test.users), "item": vocabulary.items.gather(test.targets - 1)})
    rows, at = split.refit, split.refit.positions()
    past = pl.DataFrame(
        {"user": vocabulary.users.gather(rows.users[rows.event_rows()]), "item": vocabulary.items.gather(rows.items[at] - 1)}
    )
    truth.write_csv(tmp_path / "truth.csv")
    past.write_parquet(tmp_path / "past.parquet")
    queries, train = read_truth(tmp_path / "truth.csv", tmp_path / "past.parquet")
    frame = lists_of(test, 8)
    expected, found = judge(frame, test, train=split.refit), judge(frame, queries, train=train)
    assert found.n_items == expected.n_items
    assert all(found.value(n) == pytest.approx(expected.value(n)) for n in [*RANKED, "novelty@8", "coverage@8"])
    assert targets_in_history(queries) == targets_in_history(test)
    alone, nothing = read_truth(truth)
    assert (nothing, alone.seen, len(alone)) == (None, "keep", len(test))
    assert judge(frame, alone).value("ndcg@5") == pytest.approx(expected.value("ndcg@5"))


def test_truth_with_times_several_targets_and_text_ids() -> None:
    truth = pl.DataFrame({"user": ["a", "a", "b"], "item": ["7", "8", "x"]})
    past = pl.DataFrame({"user": ["a", "a", "c"], "item": [9, 7, 9], "timestamp": [200, 100, 300]})
    queries, train = read_truth(truth, past)
    items = queries.sequences.vocabulary.items
    assert [items[int(c) - 1] for c in queries.sequences.items[queries.start[0] : queries.stop[0]]] == ["7", "9"]
    assert np.diff(queries.offsets).tolist() == [2, 1]
    assert queries.lengths.tolist() == [2, 0]
    assert train is not None
    assert train.n_events == 3
    assert targets_in_history(queries) == 1


def frame(**columns: list[Any]) -> pl.DataFrame:
    return pl.DataFrame({"user": [1000, 1000, 1001], "item": [100, 101, 102]} | columns, strict=False)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        (frame(), r"no rank or score column to order the lists by; its columns are user, item"),
        (frame(score=[1.0, None, 2.0]), r"1 rows without a score: row 2 has nothing in column 'score'"),
        (frame(score=[1.0, 2.0, float("nan")]), r"row 3 has nan in column 'score'"),
        (frame(rank=["1", "x", "2"]), r"row 2 has 'x' in column 'rank'"),
        (frame(item=[100, 100, 102], score=[1.0, 2.0, 3.0]), r"item 100 to user 1000 more than once, in rows 1 and 2"),
        (frame(score=[1.0, 2.0, 3.0]).head(0), r"has no rows"),
        (frame(score=[1.0, 2.0, 3.0]).drop("item"), r"no column known as the item"),
        (frame(user=[1, 2, 3], score=[1.0, 2.0, 3.0]), r"no user in common: ids like 1 against 1000"),
        (frame(user=["x", "y", "z"], score=[1.0, 2.0, 3.0]), r"no user in common: ids like 'x' against 1000"),
        (frame(item=[1, 2, 3], score=[1.0, 2.0, 3.0]), r"no item in common: ids like 1 against 100"),
        (frame(user=[1000, None, 1001], score=[1.0, 2.0, 3.0]), r"row 2 has no value in column 'user'"),
    ],
)
def test_lists_that_cannot_be_judged(split: Split, lists: pl.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        judge(lists, split.test)


def test_other_wrong_requests(split: Split, tmp_path: Path) -> None:
    good = frame(score=[1.0, 2.0, 3.0])
    twice = split.test.take(np.array([0, 0]))
    with pytest.raises(DataError, match="asks several times about a user"):
        judge(good, twice)
    with pytest.raises(ConfigError, match="by='best'"):
        read_recommendations(good, by="best")  # type: ignore[arg-type]  # what a caller may write
    with pytest.raises(DataError, match="no rank column"):
        read_recommendations(good, by="rank")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match=r"empty\.csv"):
        judge(tmp_path / "empty.csv", split.test)
