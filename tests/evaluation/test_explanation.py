"""Explanations without a language model: groups beyond the usual, the event that an item rests on, both checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from reverie.data.dataset import Dataset
from reverie.data.splits import leave_one_out
from reverie.errors import DataError
from reverie.evaluation.asked import without_targets
from reverie.evaluation.causes import causes, without_each
from reverie.evaluation.expectations import group_shares, held_out_people, item_groups, named_groups
from reverie.evaluation.explanation import explain_person, history_of
from reverie.evaluation.serving import measure_serving
from reverie.models import create_model
from reverie.training.fit import fit

if TYPE_CHECKING:
    from reverie.data.split import Split
    from reverie.protocols import Recommender

SHELVES = ["lamps", "rugs", "mugs", "clocks", "plants", "knives"]


@pytest.fixture(scope="module")
def shop() -> Dataset:
    """Everybody stays in one category and walks a third of its circle of 24 items."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(360), 8)
    first = rng.integers(0, 24, 360)[user]
    item = 6 * ((first + np.tile(np.arange(8), 360)) % 24) + user % 6
    events = pl.DataFrame({"user": user, "item": item, "timestamp": 1_700_000_000 + np.arange(len(user)) * 60})
    catalog = pl.DataFrame({
        "item": np.arange(144), "title": [f"the {SHELVES[one % 6]} number {one}" for one in range(144)],
        "categories": [SHELVES[one % 6] for one in range(144)],
    })  # fmt: skip
    return Dataset(events, catalog, name="shop")


@pytest.fixture(scope="module")
def split(shop: Dataset) -> Split:
    return leave_one_out(shop)


def fitted(name: str, split: Split) -> Recommender:
    model = create_model(name, split)
    fit(model, split, show=False)
    return model


def test_a_model_that_knows_the_shop_is_shown_to_know_it(shop: Dataset, split: Split) -> None:
    found = explain_person(fitted("item-knn", split), split, history_of(shop.sequences, "7", "shop"))
    named = found["groups"]["named"]
    assert named[0]["name"] == SHELVES[7 % 6]
    assert named[0]["history"] == pytest.approx(1.0)
    assert named[0]["share"] > 2 * named[0]["usual"]
    check = found["groups"]["checked"]
    assert check["own"] > 0.9
    assert check["low"] > 0
    assert check["own"] > check["other"]
    assert all(one["because"] is not None for one in found["recommended"][:1])
    assert found["causes_checked"]["named"] >= found["causes_checked"]["other"]


def test_a_model_that_knows_nobody_is_not_shown_to_know_anybody(shop: Dataset, split: Split) -> None:
    found = explain_person(fitted("popularity", split), split, history_of(shop.sequences, "7", "shop"))
    assert found["groups"]["checked"]["low"] <= 0
    assert found["causes_checked"] is None
    assert all(one["because"] is None for one in found["recommended"])


def test_the_cause_of_what_follows_the_last_event_is_the_last_event(split: Split) -> None:
    model, people = fitted("markov", split), held_out_people(split)
    events, falls = causes(model, people, np.asarray(people.targets[people.offsets[:-1]], dtype=np.int64)[:, None])
    assert (events[:, 0] == people.stop - 1).all()
    assert (falls > 0).all()


def test_histories_lose_all_events_of_one_item_each() -> None:
    rows = [("u", item) for item in "aabcab"] + [("v", item) for item in "ddd"] + [("w", item) for item in "abcdefghijklm"]
    events = pl.DataFrame(rows, schema=["user", "item"], orient="row").with_columns(timestamp=pl.int_range(pl.len()))
    people = without_targets(Dataset(events, name="repeats").sequences)
    changed, origin, removed = without_each(people)
    letters = np.array(["", *people.sequences.vocabulary.items])
    taken = letters[people.sequences.items[removed]].tolist()
    left = ["".join(letters[changed.sequences.items[a:b]]) for a, b in zip(changed.start, changed.stop, strict=True)]
    assert list(zip(origin[:4].tolist(), taken[:4], left[:4], strict=True)) == [
        (0, "c", "aabab"), (0, "a", "bcb"), (0, "b", "aaca"), (1, "d", ""),
    ]  # fmt: skip
    assert "".join(taken[4:]) == "defghijklm"
    assert left[-1] == "abcdefghijkl"


def test_shares_of_lists_and_what_is_named() -> None:
    catalog = pl.DataFrame({"item": ["a", "b", "c", "d"], "title": list("abcd"), "categories": ["x|y", "x", "z", "w"]})
    events = pl.DataFrame({"user": ["u"] * 4, "item": ["a", "b", "c", "d"], "timestamp": [1, 2, 3, 4]})
    vocabulary = Dataset(events, catalog, name="small").sequences.vocabulary
    groups = item_groups(vocabulary)
    assert groups is not None
    found = group_shares(np.array([[*vocabulary.item_codes(["a", "b"]), 0]]), groups)
    assert dict(zip(groups.names, found[0].tolist(), strict=True)) == {"w": 0.0, "x": 0.75, "y": 0.25, "z": 0.0}
    assert groups.names[named_groups(found, np.array([0.0, 0.7, 0.0, 0.0]))[0, 0]] == "y"


def test_words_of_titles_stand_in_for_categories(shop: Dataset) -> None:
    bare = Dataset(shop.events, shop.catalog.drop("categories"), name="shop")
    groups = item_groups(bare.sequences.vocabulary)
    assert groups is not None
    assert (groups.what, sorted(groups.names)) == ("words of titles", sorted(SHELVES))
    assert item_groups(Dataset(shop.events, pl.DataFrame({"item": np.arange(144)}), name="shop").sequences.vocabulary) is None


def test_unknown_people_are_refused_and_lists_are_timed(shop: Dataset, split: Split) -> None:
    with pytest.raises(DataError, match="'nobody' is not in the dataset of shop; ids look like"):
        history_of(shop.sequences, "nobody", "shop")
    served = measure_serving(fitted("popularity", split), split.test)
    assert served is not None
    assert 0 < served.median_ms <= served.p95_ms
    assert measure_serving(fitted("popularity", split), without_targets(split.train).take(np.zeros(0, dtype=np.int64))) is None
