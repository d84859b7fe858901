"""Cut histories and items held out at random, beside naive references over lists."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from reverie.data.content import ItemFeatures
from reverie.data.dataset import Dataset
from reverie.data.queries import repeated_targets
from reverie.data.recode import recode
from reverie.data.splits import by_sequence, by_user, cold_items, given, leave_one_out, temporal
from reverie.data.splits.config import ColdItems, LeaveOneOut, split_dataset
from reverie.errors import ConfigError, DataError
from reverie.evaluation import evaluate
from reverie.evaluation.ranking import in_model_codes
from reverie.evaluation.slices import slice_masks
from reverie.protocols import Card
from reverie.seeds import numpy_generator
from reverie.testing.data import tiny_dataset

if TYPE_CHECKING:
    from reverie.data.queries import Queries

LENGTHS = st.lists(st.integers(1, 9), min_size=3, max_size=12)


def log(lengths: list[int], seed: int) -> Dataset:
    draw = np.random.default_rng(seed)
    user = np.repeat(np.arange(len(lengths)), lengths)
    events = {"user": user, "item": draw.integers(0, 15, len(user)), "kind": draw.choice(["see", "buy"], len(user))}
    return Dataset(pl.DataFrame(events), name="log", order="source")


def named(queries: Queries) -> list[tuple[Any, list[Any], list[Any]]]:
    """User, history and targets of each query, by ids."""
    items, users = queries.sequences.vocabulary.items.to_list(), queries.sequences.vocabulary.users.to_list()
    found = []
    for q in range(len(queries)):
        history = [items[code - 1] for code in queries.sequences.items[queries.start[q] : queries.stop[q]]]
        found.append(
            (users[queries.users[q]], history, [items[c - 1] for c in queries.targets[queries.offsets[q] : queries.offsets[q + 1]]])
        )
    return found


def rows_of(sequences: Any) -> list[tuple[Any, list[Any]]]:
    items, users = sequences.vocabulary.items.to_list(), sequences.vocabulary.users.to_list()
    return [(users[sequences.users[r]], [items[code - 1] for code in sequences.row(r)]) for r in range(len(sequences))]


@settings(max_examples=40, deadline=None)
@hypothesis_given(LENGTHS, st.integers(0, 99), st.integers(1, 2), st.integers(0, 4))
def test_the_last_events_are_those_of_a_shorter_log(lengths: list[int], seed: int, last: int, more: int) -> None:
    dataset, kept = log([*lengths, 6], seed), last + 2 + more
    short = Dataset(dataset.events.group_by("user", maintain_order=True).tail(kept), name="log", order="source")
    ours, theirs = leave_one_out(dataset, last, keep_last=kept), leave_one_out(short, last)
    assert ours.vocabulary.items.equals(theirs.vocabulary.items)
    assert rows_of(ours.train) == rows_of(theirs.train)
    assert rows_of(ours.refit) == rows_of(theirs.refit)
    assert named(ours.valid) == named(theirs.valid)
    assert named(ours.test) == named(theirs.test)
    assert ours.sha256 == dataset.sha256
    assert ours.protocol == f"leave_one_out({'last=2,' if last == 2 else ''}keep_last={kept})"


def test_a_long_cut_changes_nothing_but_the_name() -> None:
    dataset = log([5, 6, 4], 0)
    assert leave_one_out(dataset, keep_last=6).train.items is dataset.sequences.items
    assert leave_one_out(dataset).protocol == "leave_one_out"
    with pytest.raises(ConfigError, match="keep_last=2 leaves nothing to learn from; use 3 or more"):
        leave_one_out(dataset, keep_last=2)


def test_features_and_titles_of_the_items_that_are_left() -> None:
    dataset = tiny_dataset()
    values = np.arange(40, dtype=np.float32).reshape(20, 2)
    content = {"text": ItemFeatures(pl.Series("item", [f"a{i:02d}" for i in range(20)]), values)}
    dataset = Dataset(dataset.events, dataset.catalog, content=content)
    vocabulary = dataset.vocabulary.only(np.arange(20) % 3 == 0)
    assert vocabulary.titles is not None
    assert vocabulary.titles.to_list() == [f"Tale {i:02d}" for i in range(0, 20, 3)]
    np.testing.assert_array_equal(vocabulary.content["text"].values, values[::3])
    assert vocabulary.content["text"].present.all()


PARTS = ["train", "train", "valid", "test"]
PROTOCOLS: list[Callable[[Dataset], Any]] = [
    leave_one_out,
    lambda d: leave_one_out(d, last=2),
    lambda d: by_user(d, 0.2, 0.3, targets="all", seed=1),
    lambda d: temporal(Dataset(d.events.with_columns(timestamp=pl.int_range(pl.len()) * 37 % 101)), 0.2, 0.3, "all"),
    lambda d: by_sequence(Dataset(d.events.with_columns(timestamp=pl.int_range(pl.len()))), 0.3, 0.3),
    lambda d: given(Dataset(d.events.with_columns(part=pl.Series(PARTS * d.n_events).head(d.n_events)), order="none")),
]


def drawn(split: Any, seed: int, *shares: float) -> list[set[Any]]:
    """The items that a seed holds out, one set for each share."""
    order = split.vocabulary.items[numpy_generator(seed, "cold_items").permutation(split.vocabulary.n_items)].to_list()
    stops = np.cumsum([round(share * len(order)) for share in (0, *shares)]).tolist()
    return [set(order[a:b]) for a, b in itertools.pairwise(stops)]


@pytest.mark.parametrize("make", PROTOCOLS, ids=["last", "two", "user", "temporal", "sequence", "given"])
@pytest.mark.parametrize("seed", range(3))
def test_cold_items_leave_training_and_histories(make: Callable[[Dataset], Any], seed: int) -> None:
    split = make(log([7, 9, 8, 5, 6, 9, 8, 7, 6, 9, 8, 9], seed))
    cut = cold_items(split, 0.2, 0.2, seed)
    for_test, for_valid = drawn(split, seed, 0.2, 0.2)
    cold = for_test | for_valid
    assert len(for_test) == len(for_valid) == 3
    assert len(cold) == 6

    def learned(rows: Any) -> list[tuple[Any, list[Any]]]:
        return [(user, kept) for user, row in rows_of(rows) if (kept := [item for item in row if item not in cold])]

    def asked(queries: Queries, dropped: set[Any]) -> list[tuple[Any, list[Any], list[Any]]]:
        left = [(u, [i for i in h if i not in cold], [i for i in t if i not in dropped]) for u, h, t in named(queries)]
        return [one for one in left if one[2]]

    assert rows_of(cut.train) == learned(split.train)
    assert rows_of(cut.refit) == learned(split.refit)
    assert named(cut.valid) == asked(split.valid, for_test)
    assert named(cut.test) == asked(split.test, for_valid)
    assert cut.protocol == f"{split.protocol},cold_items(share=0.2,valid=0.2,seed={seed})"
    assert cut.vocabulary is split.vocabulary
    for ours in (cut.valid, cut.test):  # a target still has the kind of its event
        assert ours.targets_at is not None
        assert np.array_equal(ours.sequences.items[ours.targets_at], ours.targets)
    kinds = cut.test.target_column("kind")
    before = split.test.target_column("kind")[~np.isin(split.vocabulary.items.to_numpy()[split.test.targets - 1], list(for_valid))]
    assert np.array_equal(kinds, before)
    assert cut.held_out is not None
    lengths = cut.test.lengths[cut.test.target_queries].astype(np.int32)
    masks = slice_masks(cut.test.targets, lengths, cut.train, cut.held_out)
    ids = [split.vocabulary.items[int(code) - 1] for code in cut.test.targets]
    left = {item for _, row in learned(split.train) for item in row}
    assert masks["target:cold"].tolist() == [one in for_test for one in ids]
    assert masks["target:unseen"].tolist() == [one not in for_test and one not in left for one in ids]
    assert masks["target:warm"].tolist() == [one in left for one in ids]
    undrawn = slice_masks(cut.test.targets, lengths, cut.train)
    assert (undrawn["target:cold"] == masks["target:cold"] | masks["target:unseen"]).all()
    assert "target:unseen" not in undrawn


@pytest.mark.parametrize("make", PROTOCOLS, ids=["last", "two", "user", "temporal", "sequence", "given"])
def test_earlier_clicks_on_cold_items_are_masked_and_not_read(make: Callable[[Dataset], Any]) -> None:
    split = make(log([7, 9, 8, 5, 6, 9, 8, 7, 6, 9, 8, 9], 1))
    cut = cold_items(split, 0.2, 0.2, 1)
    for_test, _ = drawn(split, 1, 0.2, 0.2)
    cold, ids = set().union(*drawn(split, 1, 0.2, 0.2)), split.vocabulary.items.to_list()
    read: list[Any] = []

    class Spy:
        history = None

        def scores(self, batch: Any, items: Any = None) -> torch.Tensor:
            read.extend(ids[code - 1] for code in batch.items[batch.items > 0].tolist())
            return torch.zeros(batch.size, len(ids))

    spy = Spy()
    spy.card = Card("spy", None, split.vocabulary)
    lists = evaluate(spy, cut.valid, seen="remove", top=len(ids)).topk
    asked = [(u, h, left) for u, h, t in named(split.valid) if (left := [i for i in t if i not in for_test])]
    assert len(asked) == len(cut.valid)
    assert any(cold & set(history) for _, history, _ in asked)
    assert not cold & set(read)
    for q, (_, history, _) in enumerate(asked):
        shown = {ids[code - 1] for code in lists.filter(pl.col("query") == q)["item"].to_list()}
        assert shown == set(ids) - set(history)
    expected = [one in history for _, history, left in asked for one in left]
    assert repeated_targets(cut.valid).tolist() == expected
    some = np.arange(len(cut.valid))[::-2]
    assert np.array_equal(repeated_targets(cut.valid.take(some)), np.concatenate([
        [one in asked[q][1] for one in asked[q][2]] for q in some
    ]))  # fmt: skip
    ours, codes = in_model_codes(spy, cut.valid)
    assert ours is cut.valid
    assert codes is None
    spy.card = Card("spy", None, split.vocabulary.only(np.arange(len(ids)) % 2 == 1))
    other, _ = in_model_codes(spy, cut.valid)
    assert other.unread is not None
    assert other.unread_offsets is not None
    known = spy.card.vocabulary.items.to_list()
    for q, (_, history, _) in enumerate(asked):
        mine = other.unread[other.unread_offsets[q] : other.unread_offsets[q + 1]].tolist()
        assert [known[code - 1] for code in mine] == [one for one in history if one in cold and one in known]


def test_what_is_held_out_keeps_its_mark_in_other_codes() -> None:
    cut = cold_items(leave_one_out(tiny_dataset()), 0.2, 0.1)
    assert cut.held_out is not None
    items = cut.vocabulary.items
    wider = replace(cut.vocabulary, items=pl.concat([pl.Series([f"_{n}" for n in range(3)]), items]), titles=None)
    again = recode(cut, wider)
    assert again.held_out is not None
    assert wider.items.filter(pl.Series(again.held_out[1:])).to_list() == items.filter(pl.Series(cut.held_out[1:])).to_list()


def test_the_options_of_a_recipe_do_the_same() -> None:
    options = LeaveOneOut(keep_last=6, cold=ColdItems(share=0.2, valid=0, seed=3))
    split = split_dataset(tiny_dataset(), options)
    assert split.protocol == "leave_one_out(keep_last=6),cold_items(share=0.2,valid=0,seed=3)"
    assert named(split.test) == named(cold_items(leave_one_out(tiny_dataset(), keep_last=6), 0.2, 0, 3).test)
    assert (
        split_dataset(tiny_dataset(), LeaveOneOut(keep_last=6, cold=ColdItems(share=0.2, seed=4))).train.n_events
        != split.train.n_events
    )
    assert LeaveOneOut().model_dump(mode="json") == {"protocol": "leave_one_out", "last": 1}  # keys of stored results


BAD: list[tuple[dict[str, Any], str]] = [
    ({"share": 0}, "cold items need shares above 0"),
    ({"share": 0.6, "valid": 0.4}, "cold items need shares above 0 that leave items"),
    ({"share": 0.5, "valid": -0.1}, "not share=0.5, valid=-0.1"),
    ({"share": "x"}, "'cold_items': share='x' is not a number; write one"),
    ({"share": float("nan")}, "not share=nan, valid=0.05"),
    ({"seed": 1.5}, "seed=1.5 is not a whole number; write one"),
    ({"valid": None}, "valid=None is not a number; write one"),
    ({"share": 0.01, "valid": 0.1}, "no test question of 'tiny' is about one of the 0 cold items; hold out more"),
    (
        {"share": 0.1, "valid": 0.89, "seed": 0},
        "(leaves no (training|validation|test) rows of 'tiny'; hold out fewer|no test question)",
    ),
]


@pytest.mark.parametrize(("options", "sentence"), BAD)
def test_shares_that_are_not_possible(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises((ConfigError, DataError), match=sentence):
        cold_items(leave_one_out(tiny_dataset()), **options)


def test_a_dataset_is_no_split() -> None:
    other: Any = tiny_dataset()
    with pytest.raises(
        ConfigError, match=r"'cold_items' takes a split, not a Dataset; give one, as of rv\.leave_one_out\(dataset\)"
    ):
        cold_items(other)


def test_labelled_rows_are_refused() -> None:
    events = tiny_dataset().events.unique(["user", "item"], keep="first", maintain_order=True)
    last = pl.int_range(pl.len()).over("user") - pl.len().over("user")
    part = pl.when(last == -1).then(pl.lit("test")).when(last == -2).then(pl.lit("valid")).otherwise(pl.lit("train"))
    with pytest.raises(DataError, match="'tiny' has labels, and items of labelled rows cannot be held out"):
        cold_items(given(Dataset(events.with_columns(label=pl.lit(1.0), part=part), name="tiny")))
