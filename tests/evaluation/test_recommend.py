from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.data.vocabulary import Vocabulary, positions
from reverie.errors import ConfigError, DataError
from reverie.evaluation import recommend, recommend_all
from reverie.evaluation.recommendations import find_items

if TYPE_CHECKING:
    from reverie.data.split import Split

Make = Callable[[np.ndarray], torch.nn.Module]
FILMS = Vocabulary(
    pl.Series("item", ["a1", "b2", "c3", "d4", "e5", "f6"]),
    pl.Series("user", [1]),
    pl.Series(["Toy Story (1995)", "Toy Story 2 (1999)", "Heat (1995)", "Emma (1996)", "Emma (1996)", None]),
)


def test_ids_and_titles() -> None:
    assert find_items(["c3", "heat (1995)", "Toy Story (1995)", "f6"], FILMS).tolist() == [3, 3, 1, 6]
    assert find_items(["Haet (1995)"], FILMS).tolist() == [3]


def test_items_that_cannot_be_found() -> None:
    with pytest.raises(DataError, match=r"no item has the id or title 'Casablanca'; the nearest titles are "):
        find_items(["Casablanca"], FILMS)
    with pytest.raises(DataError, match=r"'Toy Story' may mean several items; .*'Toy Story 2 \(1999\)'"):
        find_items(["Toy Story"], FILMS)
    with pytest.raises(DataError, match="2 items have the title 'Emma \\(1996\\)'; name one by its id: d4, e5"):
        find_items(["Emma (1996)"], FILMS)
    long = replace(FILMS, titles=pl.Series(["Toy Story " * 2000, "Toy Story 2 (1999)", *FILMS.titles[2:]]))  # type: ignore[index]
    with pytest.raises(DataError) as raised:
        find_items(["Casablanca " * 2000], long)
    assert len(str(raised.value)) < 800
    assert len(long.title(1)) < 200
    with pytest.raises(DataError, match="no titles to look in"):
        find_items(["x"], replace(FILMS, titles=None))


@pytest.mark.parametrize("wanted", ["2", "1995", "Toy Story 3 (1999)", "Heat 2 (1995)", "19.95", "-1", "(1996)", "٢"])
def test_numbers_are_not_guessed(wanted: str) -> None:
    with pytest.raises(DataError, match=f"no item has the id or title '{re.escape(wanted)}'"):
        find_items([wanted], FILMS)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-12, 12), unique=True, min_size=1),
    st.lists(st.text("0123456789-+._e ٣", max_size=3) | st.integers(-15, 15)),
)
def test_an_id_is_what_reads_the_same(known: list[int], wanted: list[str | int]) -> None:
    whole, asked = Vocabulary(pl.Series(known), pl.Series(known)), [str(one) for one in wanted]
    expected = [known.index(int(one)) if one in map(str, known) else -1 for one in asked]
    assert positions(pl.Series(asked, dtype=pl.String), pl.Series(known)).tolist() == expected
    typed = [one.strip() for one in asked]  # blanks around a typed id do not count
    assert whole.user_codes(typed).tolist() == [known.index(int(t)) if t in map(str, known) else -1 for t in typed]
    words = Vocabulary(pl.Series(map(str, known)), pl.Series(map(str, known)))
    assert words.user_codes(wanted).tolist() == expected


def test_one_history(split: Split, table: np.ndarray, make: Make) -> None:
    model = make(np.tile(np.arange(30, dtype=np.float32), (len(table), 1)))
    found = recommend(model, ["Story number d29", 128], k=3, titles=True)
    assert found.columns == ["rank", "item", "title", "score"]
    assert found["item"].to_list() == [127, 126, 125]
    assert found["title"][0] == split.vocabulary.title(28)
    assert found["score"].to_list() == [27, 26, 25]
    assert recommend(model, [129], k=1, exclude_seen=False)["item"].to_list() == [129]
    assert recommend(model, [], k=2)["item"].to_list() == [129, 128]


def test_several_histories_with_allowed_and_denied_items(table: np.ndarray, make: Make) -> None:
    model = make(np.tile(np.arange(30, dtype=np.float32), (len(table), 1)))
    found = recommend(model, [[105], [], np.array([101, 103])], k=2, allow=[101, 103, 105, 107], deny=[107])
    assert found.select("query", "rank", "item").rows() == [(0, 1, 103), (0, 2, 101), (1, 1, 105), (1, 2, 103), (2, 1, 105)]


def test_wrong_requests(table: np.ndarray, make: Make) -> None:
    with pytest.raises(ConfigError, match="a history is a list"):
        recommend(make(table), "Story number a0")
    with pytest.raises(ConfigError, match="k=0"):
        recommend(make(table), [101], k=0)
    with pytest.raises(DataError, match="leave nothing"):
        recommend(make(table), [101], allow=[101], deny=[101])


@pytest.mark.parametrize("deny", [None, [110, 111]])
def test_all_users(split: Split, table: np.ndarray, make: Make, deny: list[int] | None) -> None:
    table = table + np.arange(30, dtype=np.float32) / 64
    found = recommend_all(make(table), split.refit, k=4, deny=deny, batch_size=7)
    assert found.columns == ["user", "item", "rank", "score"]
    for row in range(len(split.refit)):
        closed = set(split.refit.row(row).tolist()) | {i - 99 for i in deny or []}
        order = [c for c in (np.argsort(-table[split.refit.users[row]], kind="stable") + 1).tolist() if c not in closed][:4]
        assert found.filter(user=1000 + row)["item"].to_list() == [c + 99 for c in order]
    assert (
        recommend_all(make(table), split.test, k=1)["user"].to_list() == split.vocabulary.users.gather(split.test.users).to_list()
    )


def test_unknown_users_are_null(split: Split, table: np.ndarray, make: Make) -> None:
    nobody = replace(split.refit, users=np.full(len(split.refit), -1))
    assert recommend_all(make(table), nobody, k=1)["user"].null_count() == len(nobody)
