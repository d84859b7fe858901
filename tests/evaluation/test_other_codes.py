"""A model and data of other codes meet by ids."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reverie.data.dataset import Dataset
from reverie.data.splits import leave_one_out
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError
from reverie.evaluation import evaluate, recommend, recommend_all
from reverie.evaluation.recommend import recommend_user
from reverie.protocols import Card

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.split import Split


class Additive(torch.nn.Module):
    """The score of an item is a number of the user (of a new one, 0) plus one for each of the last events."""

    history = 3

    def __init__(self, vocabulary: Vocabulary, seed: int = 0) -> None:
        super().__init__()
        self.card = Card("additive", None, vocabulary)
        draw = torch.Generator().manual_seed(seed)
        n = vocabulary.n_items
        self.of_user = torch.cat([torch.randn(vocabulary.n_users, n, generator=draw), torch.zeros(1, n)])
        self.of_event = torch.cat([torch.zeros(1, n), torch.randn(n, n, generator=draw)])

    def scores(self, batch: SequenceBatch, items: torch.Tensor | None = None) -> torch.Tensor:
        every = self.of_user[batch.users] + self.of_event[batch.items].sum(1)
        return every if items is None else every.gather(1, (items - 1).clamp(min=0))

    def by_ids(self, user: object, history: list[object]) -> dict[str, float]:
        """Score by ids, in words of a reader: what is unknown does not count."""
        items, users = (list(map(str, ids)) for ids in (self.card.vocabulary.items, self.card.vocabulary.users))
        known = [items.index(str(i)) for i in history if str(i) in items][-self.history :]
        score = self.of_user[users.index(str(user)) if str(user) in users else -1] + self.of_event[[k + 1 for k in known]].sum(0)
        return dict(zip(items, score.tolist(), strict=True))


def log(rows: list[list[int]], text: bool) -> Split:
    """Split a log of rows [user, items …], ids as integers or as texts that sort otherwise."""
    frame = pl.DataFrame({"user": [r[0] for r in rows for _ in r[1:]], "item": [i for r in rows for i in r[1:]]})
    return leave_one_out(Dataset(frame.cast(pl.String) if text else frame, order="source"))


LOGS = st.lists(st.lists(st.integers(8, 12), min_size=4, max_size=7), min_size=1, max_size=5, unique_by=lambda r: r[0])


@settings(max_examples=25, deadline=None)
@given(LOGS, LOGS, st.booleans(), st.booleans())
def test_lists_and_ranks_go_by_ids(old: list[list[int]], new: list[list[int]], first: bool, other: bool) -> None:
    model, later = Additive(log(old, first).vocabulary), log(new, other)
    known, ids = set(map(str, model.card.vocabulary.items)), later.vocabulary.items
    assume(known & set(map(str, ids)))
    lists = recommend_all(model, later.refit, k=20, exclude_seen=False)
    assert lists["user"].dtype == later.vocabulary.users.dtype
    found = evaluate(model, later.test, seen="keep", top=20)
    for row, user in enumerate(later.vocabulary.users.to_list()):
        expected = model.by_ids(user, [ids[int(c) - 1] for c in later.refit.row(row)])
        mine = lists.filter(pl.col("user") == user)
        assert sorted(map(str, mine["item"])) == sorted(expected)
        assert mine["score"].to_list() == pytest.approx([expected[str(item)] for item in mine["item"]], abs=1e-5)
        assert mine["score"].to_list() == pytest.approx(sorted(expected.values(), reverse=True), abs=1e-5)
        target, rank = str(ids[int(later.test.targets[row]) - 1]), found.ranks.row(row, named=True)
        if target in known:
            scores = [score for item, score in expected.items() if item in set(map(str, ids))]
            own = expected[target]
            assert (rank["greater"], rank["equal"]) == (sum(s > own for s in scores), sum(s == own for s in scores) - 1)
        else:
            assert rank["greater"] >= len(ids)
        assert rank["n_candidates"] == len(ids)
    shown = set(found.topk["item"].to_list())
    assert {str(ids[code - 1]) for code in shown} <= known


@pytest.fixture(scope="module")
def grown() -> tuple[Additive, Split, Split]:
    """A model, its split, and that of the log with a new user whose id sorts first and a new item that two users met."""
    rows = [[u, *np.random.default_rng(u).permutation(np.arange(20, 40))[:6].tolist()] for u in range(50, 70)]
    before = log(rows, text=False)
    after = log([[1, 20, 21, 22, 23], *([*r, 19] for r in rows[:2]), *rows[2:]], text=False)
    return Additive(before.vocabulary), before, after


def test_a_user_who_comes_first_moves_nobody(grown: tuple[Additive, Split, Split]) -> None:
    model, before, after = grown
    old, new = (recommend_all(model, split.refit, k=5) for split in (before, after))
    same = [u for u in range(52, 70) if old.filter(user=u).equals(new.filter(user=u))]
    assert same == list(range(52, 70))
    assert 19 not in new["item"].to_list()
    assert new["user"].n_unique() == 21


def test_candidates_and_labels_of_another_log(grown: tuple[Additive, Split, Split]) -> None:
    model, _, after = grown
    ids, queries = after.vocabulary.items, after.test
    drawn = np.tile(np.arange(1, 9, dtype=np.int32), len(queries))  # the first is the unknown item
    asked = replace(queries, candidates=drawn, candidate_offsets=np.arange(len(queries) + 1) * 8, seen="keep")
    found = evaluate(model, asked, top=3)
    for rank in found.ranks.filter(pl.col("greater") < 1000).iter_rows(named=True):
        row = rank["query"]
        history = [ids[int(c) - 1] for c in queries.sequences.items[queries.start[row] : queries.stop[row]]]
        score = model.by_ids(after.vocabulary.users[int(queries.users[row])], history)
        target = str(ids[rank["target"] - 1])
        assert rank["greater"] == sum(score.get(str(ids[c - 1]), -9e9) > score[target] for c in range(1, 9))
    assert 1 not in found.topk["item"].to_list()
    labelled = replace(
        asked, candidates=queries.targets, candidate_offsets=queries.offsets, labels=np.ones(len(queries), np.float32)
    )
    scored = evaluate(model, labelled, top=0).scored
    assert scored is not None
    unknown = scored["item"] == 1
    assert unknown.sum() == 2
    assert scored.filter(unknown)["score"].max() < scored.filter(~unknown)["score"].min()  # type: ignore[operator]  # numbers


def test_equal_vocabularies_cost_no_translation(grown: tuple[Additive, Split, Split]) -> None:
    from reverie.evaluation.ranking import in_model_codes

    model, before, after = grown
    twin = Vocabulary(before.vocabulary.items.clone(), before.vocabulary.users.clone())
    more = replace(model.card.vocabulary, users=pl.concat([before.vocabulary.users, pl.Series([900])]))
    for vocabulary in (before.vocabulary, twin, more):
        asked, codes = in_model_codes(Additive(vocabulary), before.test)
        assert asked is before.test
        assert codes is None
    assert in_model_codes(model, after.test)[1] is not None
    with pytest.raises(DataError, match="not the same; take both from one split"):
        evaluate(model, before.test, train=log([[1, *range(10, 30)]], text=False).train)


def test_one_user_gets_the_list_of_all(grown: tuple[Additive, Split, Split]) -> None:
    model, _, after = grown
    everyone = recommend_all(model, after.refit, k=7)
    for row, user in enumerate(after.vocabulary.users.to_list()):
        alone = recommend_user(model, after.refit, row, 7)
        assert alone.select("item", "rank", "score").equals(everyone.filter(user=user).select("item", "rank", "score"))


def test_histories_of_several_people_with_unknown_items(grown: tuple[Additive, Split, Split]) -> None:
    model = grown[0]
    with pytest.warns(UserWarning, match="2 of 4 items of the histories are unknown to the model and left out, the first is 19"):
        lists = recommend(model, [[25, 19], [19], [26]], k=3, unknown="skip")
    for query, history in enumerate(([25], [], [26])):
        assert lists.filter(query=query).drop("query").equals(recommend(model, history, k=3))
    for history in ([25.5], [float("inf")], [float("nan")], [None], ["025"], ["2_5"], [True], [10**30]):
        with pytest.raises(DataError, match="no item has the id"):
            recommend(model, history)
    assert recommend(model, [25.0, "26", np.int64(27)], k=2).equals(recommend(model, [25, 26, 27], k=2))
    with pytest.warns(UserWarning, match="1 of 2 allowed or denied items"):
        assert recommend(model, [25], k=9, allow=[30, 19])["item"].to_list() == [30]
