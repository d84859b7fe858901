from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from reverie.data.sequences import Sequences
from reverie.errors import ConfigError, DataError, RunError
from reverie.evaluation import Evaluation, evaluate, slice_masks, sliced
from reverie.evaluation.ranking import count_around

if TYPE_CHECKING:
    from reverie.data.queries import Queries
    from reverie.data.split import Split

Make = Callable[[np.ndarray], torch.nn.Module]


def naive(queries: Queries, table: np.ndarray, seen: str) -> list[tuple[int, ...]]:
    rows = []
    for q in range(len(queries)):
        targets = list(dict.fromkeys(queries.targets[queries.offsets[q] : queries.offsets[q + 1]].tolist()))
        history = set(queries.sequences.items[queries.start[q] : queries.stop[q]].tolist())
        hidden = history if seen == "remove" else set()
        candidates = set(range(1, table.shape[1] + 1))
        if queries.candidates is not None:
            candidates = set(queries.candidates[queries.candidate_offsets[q] : queries.candidate_offsets[q + 1]].tolist()) | set(
                targets
            )
        masked = len(candidates & hidden)
        score = {c: table[queries.users[q], c - 1] for c in candidates - hidden}
        for t in targets:
            if t in score:
                above, same = (sum(s > score[t] for s in score.values()), sum(s == score[t] for s in score.values()) - 1)
            else:
                above, same = 2**31 - 1, 0  # no list shows it
            rows.append((q, t, above, same, len(score), masked))
    return rows


COLUMNS = ["query", "target", "greater", "equal", "n_candidates", "masked"]


@pytest.mark.parametrize("seen", ["remove", "keep"])
@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_ranks_by_definition(many: Queries, table: np.ndarray, make: Make, seen: str, batch_size: int | None) -> None:
    found = evaluate(make(table), many, seen=seen, batch_size=batch_size)
    assert sorted(found.ranks.select(COLUMNS).rows()) == sorted(naive(many, table, seen))
    assert found.ranks["query"].is_sorted()


def test_ranks_among_candidates(many: Queries, table: np.ndarray, make: Make) -> None:
    rng, size = np.random.default_rng(4), 6
    queries = replace(
        many,
        seen="remove",
        candidates=rng.integers(1, 31, size=size * len(many)).astype(np.int32),
        candidate_offsets=np.arange(len(many) + 1) * size,
    )
    found = evaluate(make(table), queries, batch_size=5, top=3)
    assert sorted(found.ranks.select(COLUMNS).rows()) == sorted(naive(queries, table, "remove"))
    allowed = {(q, int(c)) for q in range(len(queries)) for c in queries.candidates[q * size : (q + 1) * size]}
    allowed |= set(zip(queries.target_queries.tolist(), queries.targets.tolist(), strict=True))
    assert set(found.topk.select("query", "item").rows()) <= allowed
    missed = found.ranks.filter(greater=2**31 - 1)
    assert len(missed) == found.repeats > 0


def test_lists_leave_out_seen_items_and_targets_among_them(split: Split, table: np.ndarray, make: Make) -> None:
    queries = replace(split.test, seen="remove", targets=np.ascontiguousarray(split.test.sequences.items[split.test.start]))
    found = evaluate(make(table), queries, top=30)
    assert found.repeats == len(queries)
    assert found.value("recall@1000") == found.value("ndcg@1000") == found.value("mrr@1000") == 0
    for q in range(len(queries)):
        history = set(queries.sequences.items[queries.start[q] : queries.stop[q]].tolist())
        rows = found.topk.filter(query=q)
        assert set(rows["item"].to_list()) == set(range(1, 31)) - history
        assert rows["score"].is_sorted(descending=True)
        assert rows["score"].to_list() == [table[queries.users[q], i - 1] for i in rows["item"]]


def test_a_constant_scorer_gets_what_chance_gets(split: Split, table: np.ndarray, make: Make) -> None:
    found = evaluate(make(np.zeros_like(table)), split.test, seen="keep")
    assert found.value("recall@10") == pytest.approx(10 / 30)
    assert found.value("mrr@30") == pytest.approx(np.mean(1 / np.arange(1, 31)))


def test_the_model_is_left_as_it_was(split: Split, table: np.ndarray, make: Make) -> None:
    model = make(table).train()
    state = torch.random.get_rng_state()
    evaluate(model, split.test, batch_size=8)
    assert model.training
    assert not any(model.modes)
    assert torch.equal(torch.random.get_rng_state(), state)
    np.testing.assert_array_equal(model.table.numpy(), table)


def test_scores_that_belong_to_the_model_are_not_changed(split: Split, table: np.ndarray, make: Make) -> None:
    model = make(table)
    model.scores = lambda batch, items=None: model.table[: batch.size]
    evaluate(model, split.test, batch_size=8)
    np.testing.assert_array_equal(model.table.numpy(), table)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite(split: Split, table: np.ndarray, make: Make, bad: float) -> None:
    table[5, 3] = bad
    with pytest.raises(RunError, match="model 'table' returned scores that are not finite"):
        evaluate(make(table), split.test)


def test_what_cannot_be_evaluated(split: Split, table: np.ndarray, make: Make) -> None:
    with pytest.raises(RunError, match="shape"):
        evaluate(make(table[:, :20]), split.test)
    with pytest.raises(ConfigError, match="use 'remove' or 'keep'"):
        evaluate(make(table), split.test, seen="maybe")
    with pytest.raises(DataError, match="no queries"):
        evaluate(make(table), split.test.take(np.zeros(0, dtype=np.int64)))
    found = evaluate(make(table), split.test, top=5)
    with pytest.raises(ConfigError, match="top=10"):
        found.value("coverage@10")
    with pytest.raises(DataError, match=r"train=split\.train"):
        found.value("novelty@5")
    with pytest.raises(DataError, match="needs labels"):
        found.value("auc")


def test_labelled_rows(many: Queries, table: np.ndarray, make: Make) -> None:
    labels = (np.random.default_rng(5).random(len(many.targets)) < 0.5).astype(np.float32)
    queries = replace(many, labels=labels)
    found = evaluate(make(table), queries)
    assert found.scored is not None
    assert found.scored["score"].to_list() == table[many.users[many.target_queries], many.targets - 1].tolist()
    positive = {(q, t) for q, t, y in zip(many.target_queries.tolist(), many.targets.tolist(), labels, strict=True) if y}
    assert set(found.ranks.select("query", "target").rows()) == positive
    row = found.metrics(["auc", "uauc"]).rows(named=True)
    assert row[0]["low"] < row[0]["value"] < row[0]["high"]
    assert row[1]["n"] + row[1]["excluded"] == len(np.unique(many.users))
    assert "of one class left out" in str(found)


@pytest.mark.parametrize("labelled", [False, True])
def test_round_trip(many: Queries, split: Split, table: np.ndarray, make: Make, tmp_path: Path, labelled: bool) -> None:
    evaluate(make(table), replace(many, labels=np.ones(len(many.targets), dtype=np.float32))).save(tmp_path)
    queries = replace(many, labels=np.ones(len(many.targets), dtype=np.float32)) if labelled else many
    found = evaluate(make(table), queries, seen="remove", train=split.train, protocol="leave_one_out")
    found.save(tmp_path)
    again = Evaluation.load(tmp_path)
    assert str(again) == str(found)
    assert (again.scored is not None) == labelled
    assert again.repeats == found.repeats == 30
    assert (found.ranks["greater"] == 2**31 - 1).sum() == (0 if labelled else 30)
    assert (again.seen, again.protocol, again.model, again.top) == ("remove", "leave_one_out", "table", 20)
    (tmp_path / "topk.parquet").unlink()
    with pytest.raises(DataError, match=r"no topk\.parquet"):
        Evaluation.load(tmp_path)


def test_printed_lines(split: Split, table: np.ndarray, make: Make) -> None:
    lines = str(evaluate(make(table), split.test, train=split.train)).splitlines()
    name, value, low, high = lines[0].split()
    assert name == "recall@10"
    assert float(low.strip("[,")) <= float(value) <= float(high.strip("]"))
    assert {line.split("@")[0] for line in lines} >= {"ndcg", "mrr", "coverage", "gini", "novelty", "popularity_lift"}


def test_popularity_of_lists(split: Split, table: np.ndarray, make: Make) -> None:
    found = evaluate(make(table), split.test, train=split.train)
    counts = split.train.item_counts()
    expected = np.mean([counts[found.topk.filter(query=q).head(10)["item"].to_numpy()].mean() for q in range(len(split.test))])
    assert found.value("popularity@10") == pytest.approx(expected)
    assert found.value("popularity_lift@10") == pytest.approx(expected / ((counts**2).sum() / counts.sum()))


def test_slices_part_the_targets(split: Split, table: np.ndarray, make: Make) -> None:
    train = replace(split.train, stops=np.minimum(split.train.stops, split.train.starts + 1))
    found = evaluate(make(table), split.test)
    parts, counts = sliced(found, train), train.item_counts()
    for pair in (("target:popular", "target:rare"), ("target:warm", "target:cold"), ("history:short", "history:long")):
        assert sum(parts[name].ranks.height for name in pair) == found.ranks.height
        whole = sum(parts[name].value("recall@10") * parts[name].ranks.height for name in pair) / found.ranks.height
        assert whole == pytest.approx(found.value("recall@10"))
    assert (counts[parts["target:cold"].ranks["target"].to_numpy()] == 0).all()
    assert (
        counts[parts["target:popular"].ranks["target"].to_numpy()].min()
        > counts[parts["target:rare"].ranks["target"].to_numpy()].max()
    )
    assert parts["history:short"].ranks["length"].max() < parts["history:long"].ranks["length"].min()
    assert set(parts["history:long"].topk["query"]) == set(parts["history:long"].ranks["query"])


def test_counting_works_across_blocks() -> None:
    scores = torch.from_numpy(np.random.default_rng(0).integers(0, 50, size=(9, 1 << 18)).astype(np.float32))
    rows, columns = np.array([0, 1, 1, 4, 8, 8, 8]), np.array([5, 0, 1, 2, 3, 4, 5])
    greater, equal = count_around(scores, rows, columns)
    own = scores[rows, columns][:, None]
    assert greater.tolist() == (scores[rows] > own).sum(1).tolist()
    assert equal.tolist() == ((scores[rows] == own).sum(1) - 1).tolist()


def test_slices_by_hand(split: Split) -> None:
    """Ten items trained 0, 1, …, 8, 8 times: 20 % of the catalogue are the two with 8."""
    counts = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 8])
    items = np.repeat(np.arange(1, 11, dtype=np.int32), counts)
    vocabulary = replace(split.vocabulary, items=split.vocabulary.items.head(10))
    train = Sequences(items, np.zeros(1, dtype=np.int64), np.array([len(items)]), np.zeros(1, dtype=np.int64), vocabulary)
    masks = slice_masks(np.array([1, 2, 8, 9, 10]), np.array([1, 2, 3, 3, 9]), train)
    assert masks["target:popular"].tolist() == [False, False, False, True, True]
    assert masks["target:cold"].tolist() == [True, False, False, False, False]
    assert masks["history:short"].tolist() == [True, True, True, True, False]
