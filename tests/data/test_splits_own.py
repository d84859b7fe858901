"""Splits at moments, rolling windows, folds of users, parts from frames, and questions of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

import reverie as rv
from reverie.data.dataset import Dataset
from reverie.data.splits.config import ByUser, LeaveOneOut, Temporal, split_dataset
from reverie.data.splits.moments import moment
from reverie.evaluation import across, joined
from reverie.options import checked
from reverie.testing import tiny_dataset
from reverie.training.recipe import RECIPES, change_recipe

if TYPE_CHECKING:
    from reverie.data.queries import Queries

DAY = 86_400
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())


def log(days: list[tuple[int, int, float]]) -> Dataset:
    """Users, items, and days after 2024-01-01."""
    user, item, day = zip(*days, strict=True)
    return Dataset(pl.DataFrame({"user": user, "item": item, "timestamp": [round(START + DAY * d) for d in day]}), name="log")


def asked(queries: Queries) -> set[tuple[int, int, tuple[int, ...]]]:
    """User, target and history of each query, as ids."""
    vocabulary, items = queries.sequences.vocabulary, queries.sequences.items
    ids = vocabulary.items.to_list()
    found = set()
    for query, target in zip(queries.target_queries.tolist(), queries.targets.tolist(), strict=True):
        history = items[queries.start[query] : queries.stop[query]]
        found.add((vocabulary.users[int(queries.users[query])], ids[target - 1], tuple(ids[code - 1] for code in history)))
    return found


@settings(max_examples=25, deadline=None)
@hypothesis_given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 40)), min_size=10, max_size=60),
    st.integers(5, 15), st.integers(16, 25), st.integers(26, 40), st.sampled_from(["first", "all"]),
)  # fmt: skip
def test_moments_cut_as_a_loop_does(events: list[tuple[int, int, int]], tune: int, at: int, until: int, targets: Any) -> None:
    dataset = log([(u, i, float(d)) for u, i, d in events])
    when = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=d) for d in (tune, at, until)]
    users: dict[int, list[tuple[int, int]]] = {}
    for user, item, day in sorted(events, key=lambda e: e[2]):
        users.setdefault(user, []).append((day, item))

    def expected(first: int, last: int) -> set[tuple[int, int, tuple[int, ...]]]:
        found = set()
        for user, rows in users.items():
            inside = [n for n, (day, _) in enumerate(rows) if first <= day < last]
            inside = inside if any(day < first for day, _ in rows) else []
            for n in inside if targets == "all" else inside[:1]:
                found.add((user, rows[n][1], tuple(item for _, item in rows[:n])))
        return found

    wanted = expected(tune, at), expected(at, until)
    try:
        split = rv.temporal(dataset, targets=targets, valid_at=when[0], at=when[1].isoformat(), until=when[2].timestamp())
    except rv.ReverieError:
        assert not all(wanted) or not any(d < tune for *_, d in events)
        return
    assert (asked(split.valid), asked(split.test)) == wanted
    assert sorted(tuple(split.train.row(r).tolist()) for r in range(len(split.train))) == sorted(
        tuple(split.vocabulary.item_codes([item for day, item in rows if day < tune]).tolist())
        for rows in users.values()
        if rows[0][0] < tune
    )


def test_a_share_before_a_moment_is_the_validation() -> None:
    dataset = log([(u, i, 2.0 * i + 0.1 * u) for u in range(4) for i in range(10)])
    split = rv.temporal(dataset, at="2024-01-15", valid=0.25)
    assert split.protocol == "temporal(at=2024-01-15,valid=0.25,targets=first)"
    assert split.train.n_events / split.refit.n_events == pytest.approx(0.75, abs=0.05)
    assert all(target == 7 for _, target, _ in asked(split.test))
    assert rv.temporal(dataset).protocol == "temporal(valid=0.1,test=0.1,targets=first)"


def test_a_moment_inside_a_second_cuts_there() -> None:
    events = pl.DataFrame({"user": [1] * 4, "item": [1, 2, 3, 4], "timestamp": [0, 9, 9, 9]})
    finer = pl.Series([0, 0, 500_000_000, 700_000_000], dtype=pl.Int32)
    split = rv.temporal(Dataset(events.with_columns(nanosecond=finer)), valid_at=5, at=9.6)
    assert asked(split.valid) == {(1, 2, (1,))}
    assert asked(split.test) == {(1, 4, (1, 2, 3))}


def test_windows_roll_and_one_table_holds_all() -> None:
    dataset = log([(u, (3 * i + u) % 20, 4.0 * i + 0.05 * u) for u in range(40) for i in range(30)])
    splits = rv.rolling(dataset, windows=3, days=15)
    assert len({split.test.seen for split in splits}) == 1
    time = dataset.sequences.columns["time"]
    begins = [(time[split.valid.targets_at].min(), time[split.test.targets_at].min()) for split in splits]
    assert all(tune < begin for tune, begin in begins)
    assert [begin for _, begin in begins] == sorted({begin for _, begin in begins})
    for split in splits:
        assert time[split.train.positions()].max() < time[split.valid.targets_at].min()
    table = rv.cross_validate(["popularity", "markov"], splits, ["ndcg@10", "popularity@10"])
    assert table.columns[:3] == ["model", "split", "metric"]
    assert table.filter(pl.col("split") == "all").height == 2  # popularity is that of each split's training
    one = table.filter((pl.col("model") == "markov") & (pl.col("metric") == "ndcg@10"))
    parts, whole = one.filter(pl.col("split") != "all"), one.filter(pl.col("split") == "all")
    assert whole["n"].item() == parts["n"].sum() == sum(len(split.test) for split in splits)
    assert whole["value"].item() == pytest.approx((parts["value"] * parts["n"]).sum() / parts["n"].sum())
    assert (parts["split"].str.starts_with("1 temporal(at=")).sum() == 1


def test_folds_ask_about_everyone_once() -> None:
    dataset = tiny_dataset()
    splits = rv.user_folds(dataset, folds=4, seed=3)
    users = [set(split.test.users.tolist()) for split in splits]
    assert sum(map(len, users)) == len(set().union(*users)) == dataset.vocabulary.n_users
    for split in splits:
        assert not set(split.test.users.tolist()) & set(split.refit.users.tolist())
        assert not set(split.valid.users.tolist()) & set(split.train.users.tolist())
    assert [split.protocol for split in splits][1] == "by_user(valid=0.1,fold=2/4,targets=last,seed=3)"
    assert rv.by_user(dataset).protocol == "by_user(valid=0.1,test=0.1,targets=last,seed=0)"
    model = rv.create_model("popularity", splits[0])
    found = {str(n): rv.evaluate(model, split.test) for n, split in enumerate(splits) if rv.fit(model, split, show=False)}
    assert joined(list(found.values())).ranks["cluster"].n_unique() == 48
    assert across(found, ["recall@10"])["split"].to_list() == ["0", "1", "2", "3", "all"]


def test_recipes_take_moments_and_folds_and_keys_of_others_stay() -> None:
    base = RECIPES.parse({"name": "x", "dataset": {"name": "ml-100k"}, "model": {"name": "ease"}}, "x")
    assert set(Temporal(protocol="temporal").model_dump()) == {"protocol", "valid", "test", "targets"}
    assert set(ByUser(protocol="by_user").model_dump()) == {"protocol", "valid", "test", "targets", "seed"}
    recipe = change_recipe(base, ["split.protocol=temporal", "split.at=2024-01-20"])
    split = split_dataset(log([(u, i, 3.0 * i) for u in range(4) for i in range(10)]), recipe.split)
    assert split.protocol == "temporal(at=2024-01-20,valid=0.1,targets=first)"
    with pytest.raises(rv.ReverieError, match=r"at='soon' is no date or time; write 2024-05-01"):
        change_recipe(base, ["split.protocol=temporal", "split.at=soon"])
    folded = checked(ByUser, {"protocol": "by_user", "fold": 2, "folds": 5}, "split")
    assert "fold=2/5" in split_dataset(tiny_dataset(), folded).protocol
    assert isinstance(base.split, LeaveOneOut)


@pytest.mark.parametrize("kind", ["users are shared", "users differ", "with validation"])
def test_parts_from_frames_are_those_of_a_column(kind: str) -> None:
    events = tiny_dataset().events.drop("rating").sort("timestamp", maintain_order=True)
    at, user = np.arange(len(events)) / len(events), events["user"].to_numpy()
    cut = {
        "users are shared": np.where(at < 0.7, "train", "test"),
        "users differ": np.where(user % 4 == 0, "test", "train"),
        "with validation": np.where(at < 0.5, "train", np.where(at < 0.7, "valid", "test")),
    }
    part = pl.Series(cut[kind])
    frames = {name: events.filter(part == name) for name in ("train", "valid", "test")}
    whole = rv.given(Dataset(events.with_columns(part=part), name="given"))
    more = {"valid": frames["valid"]} if kind == "with validation" else {}
    split = rv.given(frames["train"], test=frames["test"].to_dicts() if kind == "users differ" else frames["test"], **more)
    assert asked(split.test) == asked(whole.test)
    assert split.protocol == whole.protocol
    assert split.train.n_events == whole.train.n_events


@pytest.mark.filterwarnings("ignore:1 of 2 users of test have no training events, the first is 4; their histories are empty")
def test_questions_of_ones_own(tmp_path: Path) -> None:
    train = pl.DataFrame({"user": [1, 1, 1, 2, 2, 3], "item": ["a", "b", "c", "b", "d", "e"], "timestamp": [1, 2, 3, 4, 5, 6]})
    test = pl.DataFrame({"user": [1, 4], "item": [["d", "new"], ["a"]]})
    written = {"history": [["a", "new", "c"], []], "item": ["b", "e"]}
    split = rv.own_split(train, test, written)
    assert split.vocabulary.items.to_list() == ["a", "b", "c", "d", "e", "new"]
    assert asked(split.valid) == {(4, "b", ("a", "new", "c")), (4, "e", ())}  # user -1 is nobody
    codes = split.test.sequences.items
    assert [codes[a:b].tolist() for a, b in zip(split.test.start, split.test.stop, strict=True)] == [[1, 2, 3], []]
    assert np.diff(split.test.offsets).tolist() == [2, 1]
    assert len(set(split.valid.clusters.tolist())) == 2
    own = rv.own_split(train, test)
    assert asked(own.valid) == {(1, "c", ("a", "b")), (2, "d", ("b",))}
    assert own.train.n_events == 4
    assert own.refit.n_events == 6
    assert own.sha256 != split.sha256
    test.write_parquet(tmp_path / "test.parquet")
    assert rv.own_split(train, tmp_path / "test.parquet").sha256 == own.sha256
    for name in ("markov", "ease"):
        model = rv.create_model(name, split)
        rv.fit(model, split, show=False)
        assert len(rv.evaluate(model, split.test).ranks) == 3


LOG = tiny_dataset()
OLD, NEW = (LOG.events.filter((pl.col("user") < 130) == old) for old in (True, False))


def _fitted() -> rv.Recommender:
    split = rv.leave_one_out(LOG)
    model = rv.create_model("ease", split)
    rv.fit(model, split, show=False)
    return model


@pytest.mark.parametrize("name", ["sasrec", "ease"])
def test_new_people_alone_leave_nothing_to_choose_by(name: str) -> None:
    split = rv.given(OLD, test=NEW)
    model = rv.create_model(name, split)
    said = r"no validation queries; give some .* rv.given\(train, valid=others, test=test\), or .*on='train\+valid'"
    with pytest.raises(rv.ReverieError, match=said):
        rv.fit(model, split, show=False)
    assert not model.card.fitted
    with pytest.raises(rv.ReverieError, match=said):
        rv.compare(split, [name], show=False)
    rv.fit(model, split, on="train+valid", epochs=1, show=False)
    chosen = rv.given(OLD.filter(pl.col("user") > 105), valid=OLD.filter(pl.col("user") <= 105), test=NEW)
    again = rv.create_model(name, chosen)
    rv.fit(again, chosen, epochs=1, show=False)
    assert len(rv.evaluate(model, split.test).ranks) == len(rv.evaluate(again, chosen.test).ranks) == len(NEW)


class Rarest:
    """Rare items first, raised to a power, which changes nothing of the order."""

    def __init__(self, power: float = 1.0) -> None:
        self.power = power

    def fit_counts(self, train: Any) -> None:
        self.counts = torch.from_numpy(train.item_counts()[1:].astype(np.float32))

    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        whole = -self.counts.pow(self.power).repeat(batch.size, 1)
        return whole if items is None else whole.gather(1, (items - 1).clamp(min=0))


def test_models_in_memory_are_fitted_anew_on_each_fold() -> None:
    splits = rv.user_folds(LOG, 2)
    own, mf = Rarest(), rv.create_model("mf", splits[0], dim=4)
    table = rv.cross_validate([own, "popularity", mf], splits, ["ndcg@10"], epochs=1)
    assert table["model"].unique(maintain_order=True).to_list() == ["Rarest", "popularity", "mf"]
    assert not hasattr(own, "counts")
    assert not mf.card.fitted
    for number, split in enumerate(splits):
        alone = Rarest()
        rv.fit(alone, split, show=False)
        assert table["value"][number] == rv.evaluate(alone, split.test).value("ndcg@10")
    named = rv.cross_validate({"a": own, "b": {"name": "mf", "dim": 4}, "c": "mf"}, splits, ["ndcg@10"], epochs=1)
    assert named.filter(model="a").drop("model").equals(table.filter(model="Rarest").drop("model"))
    assert named.filter(model="b").drop("model").equals(table.filter(model="mf").drop("model"))


SAID: dict[str, tuple[Callable[[], Any], str]] = {
    "no date": (lambda: rv.temporal(LOG, at="in May"), "at='in May' is no date or time; write 2024-05-01"),
    "nothing": (lambda: moment(None, "at"), "at=None is no date or time"),
    "late": (lambda: rv.temporal(LOG, at="2031-01-01"), "leaves no test rows of 'tiny'; events go from 2020"),
    "order": (lambda: rv.temporal(LOG, at="2020-10-01", until="2020-09-01"), "needs valid_at before at and until after it"),
    "both": (lambda: rv.temporal(LOG, test=0.2, at="2020-10-01"), "by a share, not both; leave out at=2020-10-01 or test=0.2"),
    "alone": (lambda: rv.temporal(LOG, until="2020-09-01"), "takes valid_at and until beside at"),
    "no window": (lambda: rv.rolling(LOG, windows=0), "windows=0 of days=30 cut nothing"),
    "empty window": (lambda: rv.rolling(LOG, windows=3, days=300), "needs events in and before 3 windows of 300 days"),
    "a fold": (lambda: rv.by_user(LOG, fold=6, folds=5), "has no fold=6 of folds=5"),
    "half a fold": (lambda: rv.by_user(LOG, fold=1), "has no fold=1 of folds=None; give both"),
    "one fold": (lambda: rv.user_folds(LOG, 1), "folds=1 leaves nothing to train on"),
    "a frame alone": (lambda: rv.given(LOG.events), "frames: rv.given(train, test=test)"),
    "in both": (lambda: rv.given(LOG.events, test=LOG.events.head(3)), "3 events stand in two of the frames train, test"),
    "no test": (lambda: rv.own_split(LOG, None), "there is no test; give a frame of questions: rv.own_split(train, test)"),
    "no columns": (lambda: rv.own_split(LOG, {"user": [100]}), "test needs a column item, and history or user; it has user"),
    "no rows": (lambda: rv.own_split(LOG, pl.DataFrame(schema={"user": pl.Int64, "item": pl.String})), "test has no rows"),
    "other ids": (lambda: rv.own_split(LOG, {"user": ["x"], "item": ["a00"]}), "test has the user 'x', while such ids of the"),
    "no target": (lambda: rv.own_split(LOG, {"user": [100], "item": [None]}), "test has a question without item"),
    "no models": (lambda: rv.cross_validate([], rv.user_folds(LOG, 2)), "models=[] names no model"),
    "no splits": (lambda: rv.cross_validate(["ease"], []), "splits=[] are no splits; write rv.cross_validate(['ease'], rv.ro"),
    "one split": (lambda: rv.cross_validate(["ease"], rv.by_user(LOG)), "one split and no list; give rv.user_folds(dataset)"),
    "no such split": (lambda: rv.cross_validate(["ease"], [5]), "5 stands where a split is due"),
    "swapped": (lambda: rv.cross_validate(rv.user_folds(LOG, 2), ["ease"]), "models are due, which come first: rv.cross_val"),
    "fitted": (lambda: rv.cross_validate([_fitted()], rv.user_folds(LOG, 2)), "model 'ease' is fitted, perhaps on what"),
    "no metrics": (lambda: rv.cross_validate(["ease"], rv.user_folds(LOG, 2), []), "metrics=[] measures nothing; name some"),
    "two validations": (lambda: rv.temporal(LOG, valid_at="2020-09-20", at="2020-10-01", valid=0.2), "so valid=0.2 has no place"),
    "strangers": (lambda: joined([]), "there is nothing to join"),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_what_is_wrong_is_one_sentence(case: str) -> None:
    call, said = SAID[case]
    with pytest.raises(rv.ReverieError, match=re.escape(said)) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cut", "options", "sentence"),
    [
        (rv.by_user, {"targets": "al"}, "'by_user': targets='al' is not known (did you mean 'all'?)"),
        (rv.temporal, {"targets": "al"}, "'temporal': targets='al' is not known"),
        (rv.by_sequence, {"by": "lst"}, "'by_sequence': by='lst' is not known"),
        (rv.leave_one_out, {"last": 2.0}, "'leave_one_out': last=2.0 is not a whole number"),
        (rv.temporal, {"test": "0.2"}, "'temporal': test='0.2' is not a number"),
        (rv.rolling, {"windows": "3", "days": 30}, "'rolling': windows='3' is not a whole number"),
        (rv.user_folds, {"folds": 3.0}, "'user_folds': folds=3.0 is not a whole number"),
    ],
)  # fmt: skip
def test_options_of_a_split_have_their_types(cut: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(rv.ReverieError) as said:
        cut(tiny_dataset(), **options)
    assert sentence in str(said.value)
    with pytest.raises(rv.ReverieError, match=r"cuts a dataset, not a str; give rv\.load_dataset"):
        cut("ml-100k", **{name: value for name, value in options.items() if name == "days"})
