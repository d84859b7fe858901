"""Lists, neighbours and vectors as a person asks for them in Python: ids, users, lists for each, and what is refused."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import reverie as rv
from reverie.data.dataset import Dataset
from reverie.data.vocabulary import MANY, Vocabulary
from reverie.errors import ConfigError, DataError, ReverieError
from reverie.testing import tiny_dataset

DATASET = tiny_dataset()
SPLIT = rv.leave_one_out(DATASET)
USERS: list[int] = SPLIT.vocabulary.users.to_list()
ITEMS: list[str] = SPLIT.vocabulary.items.to_list()


def fitted(name: str, **options: Any) -> rv.Recommender:
    model = rv.create_model(name, SPLIT, **options)
    rv.fit(model, SPLIT, epochs=1, show=False)
    return model


EASE, MF, SASREC, POPULAR = fitted("ease"), fitted("mf", dim=8), fitted("sasrec", dim=8), fitted("popularity")


def history_of(user: int, data: Dataset | rv.Split) -> list[str]:
    rows = data.sequences if isinstance(data, Dataset) else data.refit
    return [ITEMS[code - 1] for code in rows.row(int(np.flatnonzero(rows.users == USERS.index(user))[0]))]


@pytest.mark.parametrize("data", [DATASET, SPLIT], ids=["dataset", "split"])
def test_users_get_what_their_histories_get(data: Dataset | rv.Split) -> None:
    asked = [USERS[7], USERS[2], USERS[7]]
    found = rv.recommend(SASREC, users=asked, data=data, k=4)
    assert found.columns == ["user", "rank", "item", "title", "score"]
    rule = {"exclude_seen": data is DATASET or SPLIT.test.seen == "remove"}
    by_history = rv.recommend(SASREC, histories=[history_of(user, data) for user in asked], k=4, **rule)
    assert found["user"].to_list() == [asked[query] for query in by_history["query"]]
    assert found.select("rank", "item", "title").equals(by_history.select("rank", "item", "title"))
    everyone = rv.recommend_all(SASREC, SPLIT.refit, k=4, **rule)
    if data is SPLIT:
        assert everyone.filter(user=USERS[2])["item"].to_list() == found.filter(user=USERS[2])["item"].to_list()
    ours, theirs = (rv.user_vectors(SASREC, **given)["vector"].to_numpy() for given in (
        {"users": asked, "data": data}, {"histories": [history_of(user, data) for user in asked]},
    ))  # fmt: skip
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_lists_of_other_packages_are_lists() -> None:
    expected = rv.recommend(EASE, users=USERS[:2], data=DATASET, k=3)
    for users in (pd.Series(USERS[:2], index=[7, 5]), pd.Series(USERS[:2]).unique(), np.array(USERS[:2])):
        assert rv.recommend(EASE, users=users, data=DATASET, k=3).equals(expected)
    two = [["a01", "a02"], ["a03", "a04"]]
    each = rv.recommend(EASE, histories=two, k=3, allow=ITEMS[5:9])
    for histories in (np.array(two), pd.Series(two), [pd.Series(one) for one in two]):
        assert rv.recommend(EASE, histories=histories, k=3, allow=pd.Series(ITEMS[5:9])).equals(each)
    assert rv.recommend(EASE, histories=two, k=3, allow=set(ITEMS[5:9])).equals(each)


def test_people_who_get_nothing_are_told_of() -> None:
    with pytest.warns(UserWarning, match=r"nothing is left to recommend to 1 of 2 histories, the first is 1; allow more"):
        found = rv.recommend(EASE, [["a01"], ["a02"]], allow=[["a03"], []])
    assert found["query"].to_list() == [0]


LISTS = st.lists(st.sampled_from(ITEMS), max_size=8)
EACH = st.lists(LISTS | st.none(), min_size=3, max_size=3)


@pytest.mark.filterwarnings("ignore:nothing is left to recommend")
@settings(max_examples=15, deadline=None)
@given(EACH | LISTS.filter(bool) | st.none(), EACH | LISTS | st.none(), st.booleans())
@example(allow=[["a00"], None, []], deny=["a00"], by_user=False)
def test_what_each_is_allowed_and_denied(allow: Any, deny: Any, by_user: bool) -> None:
    users = USERS[:3]

    def one(listed: Any, at: int) -> Any:
        return listed[at] if listed and not isinstance(listed[0], str) else listed

    def told(listed: Any) -> Any:
        each = by_user and listed and not isinstance(listed[0], str)
        return {user: ids for user, ids in zip(users, listed, strict=True) if ids is not None} if each else listed

    expected = []
    for at, user in enumerate(users):
        ranked = rv.recommend(EASE, history_of(user, SPLIT), k=20)["item"].to_list()
        a, d = one(allow, at), one(deny, at)
        expected += [(user, item) for item in [i for i in ranked if (a is None or i in a) and i not in (d or [])][:5]]
    found: list[tuple[Any, ...]] = []
    with contextlib.suppress(DataError):  # nothing is left to anybody
        lists = rv.recommend(EASE, users=users, data=SPLIT, k=5, exclude_seen=True, allow=told(allow), deny=told(deny))
        found = lists.select("user", "item").rows()
    assert found == expected


def test_ids_are_ids_and_titles_on_request() -> None:
    films = Vocabulary(pl.Series("item", [7, 8, 9]), pl.Series("user", ["u1"]), pl.Series(["2001", "Heat", "Heat"]))
    model = rv.create_model("popularity", films)
    model.load_arrays({"counts": np.array([1, 3, 2], dtype=np.float32)})  # type: ignore[attr-defined]  # it counts
    with pytest.warns(UserWarning, match="1 of 2 allowed or denied items are unknown to the model and left out, the first is 2001"):
        assert rv.recommend(model, [8], allow=[2001, 9])["item"].to_list() == [9]
    assert rv.recommend(model, [8], allow=["2001", 9], titles=True)["item"].to_list() == [9, 7]
    assert rv.recommend(model, [], deny=["heat"], titles=True)["item"].to_list() == [7]


def test_unknown_ids_are_refused_or_left_out_with_a_count() -> None:
    with pytest.warns(UserWarning, match="2 of 4 items of the histories are unknown to the model and left out, the first is 'b1'"):
        found = rv.recommend(EASE, histories=[["a01", "b1"], ["a02", "b2"]], k=2, unknown="skip")
    assert found.equals(rv.recommend(EASE, histories=[["a01"], ["a02"]], k=2))
    with pytest.warns(UserWarning, match="1 of 2 users have no events in the data, the first is 5; they are left out"):
        found = rv.recommend(EASE, users=[5, 100], data=SPLIT, unknown="skip", allow=[["a00"], ITEMS[:9]])
    assert found.equals(rv.recommend(EASE, users=[100], data=SPLIT, allow=ITEMS[:9]))
    with pytest.warns(UserWarning, match="1 of 2 users of deny= are not asked about, one is '101'; their lists change nothing"):
        rv.recommend(EASE, users=[100], data=SPLIT, deny={100: ["a00"], 101: ["a01"]})


def test_similar_items_by_cosine_and_by_matrix() -> None:
    table = rv.item_vectors(MF)
    assert table["item"].to_list() == ITEMS
    vectors = table["vector"].to_numpy().astype(np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = EASE.item_to_item().matrix.toarray().astype(np.float64)  # type: ignore[attr-defined]  # EASE is one
    for model, links in ((MF, unit @ unit.T), (EASE, np.where(weights > 0, weights, -np.inf))):
        asked = ["a05", "a11", "a05"]
        found = rv.similar(model, asked, k=4)
        assert found.columns == ["item", "rank", "similar", "title", "score"]
        expected = []
        for item in asked:
            row = links[ITEMS.index(item)].copy()
            row[ITEMS.index(item)] = -np.inf
            best = [at for at in np.argsort(-row, kind="stable")[:4] if np.isfinite(row[at])]
            expected += [(item, rank + 1, ITEMS[at], f"Tale {at:02d}", row[at]) for rank, at in enumerate(best)]
        assert [row[:4] for row in found.rows()] == [row[:4] for row in expected]
        np.testing.assert_allclose(found["score"], [row[4] for row in expected], atol=1e-5)
    assert rv.similar(MF, "Tale 05", k=4, titles=True).equals(rv.similar(MF, "a05", k=4))


def test_products_of_vectors_are_scores() -> None:
    histories = [["a03", "a06"], ["a01"], ["a19", "a02", "a05"]]
    users, items = rv.user_vectors(SASREC, histories), rv.item_vectors(SASREC)
    assert users["query"].to_list() == [0, 1, 2]
    scores = users["vector"].to_numpy() @ items["vector"].to_numpy().T
    found = rv.recommend(SASREC, histories, k=20, exclude_seen=False)
    for row in found.iter_rows(named=True):
        assert row["score"] == pytest.approx(scores[row["query"], ITEMS.index(row["item"])], abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([int, str]), st.sampled_from([int, str]), st.integers(0, 10**20), st.booleans())
def test_many_ids_are_found_as_one_by_one(known: type, asked: type, odd: int, array: bool) -> None:
    ids = pl.Series([known(i) for i in range(-5, 300, 3)])
    vocabulary = Vocabulary(ids, ids)
    wanted: Any = [asked(i) for i in range(-7, MANY + 50)]
    wanted = np.array(wanted) if array else [*wanted, asked(odd)]
    together, alone = vocabulary.item_codes(wanted), [int(vocabulary.item_codes([one])[0]) for one in wanted]
    assert together.tolist() == alone
    assert vocabulary.user_codes(wanted).tolist() == [code - 1 for code in alone]


class NoVectors:
    def scores(self, batch: Any, items: Any = None) -> torch.Tensor:
        scores = torch.zeros(batch.size, len(ITEMS))
        return scores if items is None else scores.gather(1, items - 1)


class Waits:
    def fit_counts(self, train: Any) -> None:
        self.counts = torch.from_numpy(train.item_counts()[1:]).float()

    def scores(self, batch: Any, items: Any = None) -> torch.Tensor:
        return self.counts.repeat(batch.size, 1)


def test_a_title_among_allowed_ids_is_told() -> None:
    said = r"the first is 'Tale 01'; 'Tale 01' is a title, so give titles=True"
    with pytest.warns(UserWarning, match=said), pytest.raises(DataError, match="'Tale 01' is a title, so give titles=True"):
        rv.recommend(EASE, ["a01"], allow=["Tale 01"])
    with pytest.warns(UserWarning, match=said):
        rv.recommend(EASE, ["a02"], deny=["Tale 01"])


BARE = rv.adopt(NoVectors(), SPLIT.vocabulary)
ODD: Any = None
CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "k is a float": (lambda: rv.recommend(EASE, ["a01"], k=ODD or 5.0), "k=5.0 is no whole number; write k=5"),
    "k is true": (lambda: rv.recommend(EASE, ["a01"], k=True), "k=True is no whole number"),
    "k is text": (lambda: rv.recommend_all(EASE, SPLIT.refit, k=ODD or "5"), "k='5' is no whole number"),
    "k is 0": (lambda: rv.similar(EASE, "a01", k=0), "k=0 recommends nothing; ask for 1 or more"),
    "k is nothing": (lambda: rv.recommend(EASE, ["a01"], k=ODD), "k=None is no whole number"),
    "a user as history": (lambda: rv.recommend(EASE, ODD or 100), r"100 is no history; .* write \[100\], or users=\[100\]"),
    "a bare item": (lambda: rv.recommend(EASE, "a01"), r"'a01' is no history; .* write \['a01'\]"),
    "a user in a history": (lambda: rv.recommend(EASE, [100]), r"no item has the id 100, which is a user; give users=\[100\]"),
    "a title": (lambda: rv.recommend(EASE, ["Tale 01"]), "'Tale 01', which is a title; give titles=True"),
    "three deep": (lambda: rv.recommend(EASE, [[["a01"]]]), "a list stands where an id is due; ids come in flat lists"),
    "mixed depth": (lambda: rv.recommend(EASE, ["a01", ["a02"]]), r"a flat list of item ids; give histories=\[\[…\], \[…\]\]"),
    "a class": (lambda: rv.recommend(ODD or rv.evaluate.__class__, ["a01"]), "is a class, and recommend needs a model; make one"),
    "seeds": (lambda: rv.compare(SPLIT, ["ease"], seeds=ODD or [1, 2]), r"seeds=\[1, 2\] is no whole number; write seeds=2"),
    "swapped": (lambda: rv.create_model(ODD or SPLIT, "ease"), r"a Split stands where a name is due.* rv.create_model\('sasrec'"),
    "train of a split": (lambda: rv.evaluate(EASE, SPLIT.test, train=ODD or SPLIT), "train=a Split holds no training events; give"),
    "splits": (lambda: rv.fit(EASE, ODD or [SPLIT]), r"where one split is due; .* rv.cross_validate\(models, splits\)"),
    "fit on a frame": (
        lambda: rv.fit(EASE, ODD or pd.DataFrame({"user": [1]})),
        r"holds events, not a split; .*rv.read_events\(frame",
    ),
    "a frame to cut": (
        lambda: rv.leave_one_out(ODD or pd.DataFrame({"u": [1]})),
        r"cuts a dataset, not a DataFrame; .*events\(frame",
    ),
    "an option of a split": (lambda: rv.leave_one_out(DATASET, **{"lst": 5}), "has no option 'lst' .did you mean 'last'"),
    "no dataset": (lambda: rv.leave_one_out(**{}), r"missing a required argument: 'dataset'; write rv.leave_one_out\(dataset"),
    "similar": (lambda: rv.similar(POPULAR, "a01"), "scores items alike after any item"),
    "a cut-off": (lambda: rv.evaluate(EASE, SPLIT.test, metrics=["NDCG@10x"]), "did you mean 'ndcg@10'"),
    "no cut-off": (lambda: rv.evaluate(EASE, SPLIT.test, metrics=["ndcg"]), "needs a cut-off of 1 or more; write"),
    "a file by name": (
        lambda: rv.load_dataset("my/log.csv"),
        r"no dataset that is known by name; .* rv.read_events\('my/log.csv'\)",
    ),
    "movielens": (lambda: rv.load_dataset("MovieLens"), "here it is one of ml-100k"),
    "a frame": (lambda: rv.recommend(EASE, ODD or DATASET.events), "a DataFrame is no history"),
    "nested allow": (lambda: rv.recommend(EASE, ["a01"], allow=[["a02"], ["a03"]]), "allow= is a flat list .* each of the 1 hist"),
    "a bare allow": (
        lambda: rv.recommend(EASE, ["a01"], allow="a02"),
        r"allow='a02' is no list of item ids; write allow=\['a02'\]",
    ),
    "deny for users": (lambda: rv.recommend(EASE, ["a01"], deny={100: ["a02"]}), "deny= by user needs users="),
    "deny a bare id": (
        lambda: rv.recommend(EASE, users=[100], data=SPLIT, deny={100: "a02"}),
        r"deny= holds 'a02' .*write \['a02'\]",
    ),
    "nested deny": (lambda: rv.recommend(EASE, users=[100], data=SPLIT, deny={100: [["a02"]]}), "a list stands where an id is due"),
    "both": (lambda: rv.recommend(EASE, ["a01"], users=[100]), r"give histories=.* or users=.*; one of the two"),
    "neither": (lambda: rv.recommend(EASE), r"give histories=.* or users=.*; one of the two"),
    "users without data": (lambda: rv.recommend(EASE, users=[100]), "does not keep the histories .* data=dataset, or data=split"),
    "one user": (lambda: rv.recommend(EASE, users=ODD or 100, data=SPLIT), r"users=100 is no list; write users=\[100\]"),
    "queries as data": (lambda: rv.recommend(EASE, users=[100], data=ODD or SPLIT.test), "data=a Queries holds no histories"),
    "an unknown user": (
        lambda: rv.recommend(EASE, users=["u3"], data=SPLIT),
        "1 of 1 users have no events .*'u3'; ids look like 100",
    ),
    "data beside histories": (lambda: rv.recommend(EASE, ["a01"], data=SPLIT), "data= tells the histories of users="),
    "unknown rule": (lambda: rv.recommend(EASE, ["a01"], unknown=ODD or "drop"), "unknown='drop' is no rule .* 'raise' or 'skip'"),
    "a name as model": (lambda: rv.recommend(ODD or "ease", ["a01"]), "'ease' is a name, not a model; make and fit one first"),
    "a dataset to all": (lambda: rv.recommend_all(EASE, ODD or DATASET), "a Dataset holds no histories .*dataset.sequences"),
    "evaluate a split": (lambda: rv.evaluate(EASE, ODD or SPLIT), "give split.test, or split.valid to choose by"),
    "evaluate a dataset": (lambda: rv.evaluate(EASE, ODD or DATASET), r"cut it first: split = rv.leave_one_out\(dataset\)"),
    "evaluate nothing": (lambda: rv.evaluate(EASE, ODD), "None stands where queries are due; give split.test"),
    "evaluate a name": (lambda: rv.evaluate(ODD or "ease", SPLIT.test), "'ease' is a name, not a model"),
    "evaluate turned": (
        lambda: rv.evaluate(ODD or SPLIT.test, ODD or EASE),
        "a Queries stands where the model is due",
    ),
    "fit a dataset": (lambda: rv.fit(EASE, ODD or DATASET), r"cut it first: .*, then rv.fit\(model, split\)"),
    "fit queries": (lambda: rv.fit(EASE, ODD or SPLIT.train), r"a Sequences stands where a split is due; give all of it: rv.fit"),
    "fit a name": (lambda: rv.fit(ODD or "ease", SPLIT), "'ease' is a name, not a model"),
    "epochs in words": (lambda: rv.fit(EASE, SPLIT, epochs=ODD or "many"), "option 'epochs' must be a whole number"),
    "a metric unknown": (
        lambda: rv.evaluate(EASE, SPLIT.test).value("ndgc@10"),
        "unknown metric 'ndgc@10' .did you mean 'ndcg@10'",
    ),
    "no vectors of items": (lambda: rv.item_vectors(EASE), "model 'ease' has no item_table, which this call needs; .*'sasrec'"),
    "no vectors of users": (lambda: rv.user_vectors(BARE, ["a01"]), "model 'NoVectors' has no represent"),
    "no neighbours": (lambda: rv.similar(BARE, "a01"), r"neither item vectors nor a matrix .*rv.recommend\(model, \[item\]\)"),
    "nested neighbours": (lambda: rv.similar(MF, [["a01"]]), "a list stands where an id is due"),
    "an unknown item": (lambda: rv.similar(MF, "b01"), "no item has the id 'b01'; ids look like 'a00'"),
    "compare a dataset": (lambda: rv.compare(ODD or DATASET, ["ease"]), r"cut it first: .*rv.compare\(split, \['ease'\]\)"),
    "compare a name": (lambda: rv.compare(SPLIT, "ease"), r"models='ease' is no list; write models=\['ease'\]"),
    "compare nothing": (lambda: rv.compare(SPLIT, []), r"models=\[\] names no model"),
    "compare the unknown": (lambda: rv.compare(SPLIT, ["eese"]), "unknown model 'eese' .did you mean 'ease'"),
    "compare half a seed": (lambda: rv.compare(SPLIT, ["ease"], seeds=ODD or 1.5), "seeds=1.5 is no whole number"),
    "compare an unknown metric": (lambda: rv.compare(SPLIT, ["ease"], metrics=["ndgc@10"]), "unknown metric 'ndgc@10'"),
    "fit turned": (
        lambda: rv.fit(ODD or SPLIT, ODD or "sasrec"),
        r"a Split stands where .*rv.fit\(model, split\)",
    ),
    "attack turned": (
        lambda: rv.attack(ODD or SPLIT, ODD or EASE),
        r"which comes first: rv.attack\(model, split",
    ),
    "rerank turned": (lambda: rv.rerank(ODD or SPLIT, "mmr", ODD or EASE), r"comes first: rv.rerank\(model, 'mmr', split\)"),
    "recommend turned": (lambda: rv.recommend(ODD or ["a01"], ODD or EASE), r"comes first: rv.recommend\(model, …\)"),
    "all turned": (lambda: rv.recommend_all(ODD or SPLIT.refit, ODD or EASE), r"comes first: rv.recommend_all\(model, split"),
    "blend turned": (lambda: rv.blend(ODD or SPLIT, ODD or [EASE]), r"comes first: rv.blend\(\[first, second\], split\)"),
    "no metrics": (lambda: rv.evaluate(EASE, SPLIT.test, metrics=[]), r"metrics=\[\] measures nothing; name some"),
    "compare no metrics": (lambda: rv.compare(SPLIT, ["ease"], metrics=[]), r"metrics=\[\] measures nothing; name some"),
    "a metric in capitals": (lambda: rv.evaluate(EASE, SPLIT.test, metrics=["NDCG@5"]), "'NDCG@5' .did you mean 'ndcg@5'"),
    "another capital": (lambda: rv.evaluate(EASE, SPLIT.test, metrics=["Recall@10"]), "did you mean 'recall@10'"),
    "hit rate": (lambda: rv.evaluate(EASE, SPLIT.test, metrics=["HR@10"]), "unknown metric 'HR@10'; here it is 'hit@10'"),
    "a model in capitals": (lambda: rv.create_model("SASRec", SPLIT), "unknown model 'SASRec' .did you mean 'sasrec'"),
    "short capitals": (lambda: rv.create_model("EASE", SPLIT), "unknown model 'EASE' .did you mean 'ease'"),
    "no hyphen": (lambda: rv.create_model("ItemKNN", SPLIT), "did you mean 'item-knn'"),
    "test what": (lambda: rv.paired_test(ODD or EASE, ODD or EASE), "a EASE stands where an evaluation, or a list of them, is due"),
    "test nothing": (lambda: rv.paired_test(rv.evaluate(EASE, SPLIT.test), ODD), "None stands where an evaluation"),
    "plot what was not measured": (lambda: rv.evaluate(EASE, SPLIT.test).plot("ild@10"), r"evaluate with metrics=\['ild@10'\]"),
    "a metric of nothing": (lambda: rv.metric(ODD or (lambda: 1), name="mine"), "'mine' takes other arguments than one"),
    "unfitted": (
        lambda: rv.evaluate(Waits(), SPLIT.test),
        r"Waits is not fitted \(.*'counts'\); call rv.fit\(model, split\) first",
    ),
    "unfitted inside": (
        lambda: rv.recommend(rv.rerank(Waits(), "popularity", SPLIT), ["a01"]),
        r"Waits is not fitted .*; call rv.fit\(model, split\) first",
    ),
    "compare one metric": (lambda: rv.compare(SPLIT, ["ease"], metrics="ndcg@10"), r"metrics='ndcg@10' is no list"),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_wrong_call_ends_in_one_sentence(what: str) -> None:
    call, message = CALLS[what]
    with pytest.raises(ReverieError, match=message) as told:
        call()
    assert "\n" not in str(told.value)
    assert not re.search(r"\bobject at 0x", str(told.value))
    assert isinstance(told.value, ConfigError | DataError)
