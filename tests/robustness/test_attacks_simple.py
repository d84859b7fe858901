from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reverie.data.splits.config import LeaveOneOut
from reverie.options import checked
from reverie.robustness.arena import Arena, open_arena
from reverie.robustness.attacks.attack import Budget, Goal, View, attacker_view
from reverie.robustness.attacks.shelf import ATTACKS
from reverie.robustness.attacks.templates import draw_items
from reverie.robustness.threat import White
from reverie.testing import tiny_dataset

if TYPE_CHECKING:
    from reverie.data.profiles import Profiles
    from reverie.robustness.attacks.attack import Attack

SIMPLE = ["null", "target-only", "random", "average", "bandwagon", "reverse-bandwagon", "love-hate", "segment"]


@pytest.fixture(scope="module")
def arena() -> Arena:
    return open_arena(tiny_dataset(users=120), LeaveOneOut())


@pytest.fixture(scope="module")
def view(arena: Arena) -> View:
    return attacker_view(arena, White(kind="white"), 0)


def craft(name: str, view: View, kind: str, seed: int = 0, targets: tuple[int, ...] = (3, 8)) -> tuple[Attack, Goal, Profiles]:
    attack = ATTACKS.build(name)(checked(ATTACKS.config(name), {}, name))
    goal = Goal(kind, np.array(targets if kind != "damage" else (), dtype=np.int32))  # type: ignore[arg-type]
    return attack, goal, attack.craft(view, goal, Budget(7, 6), seed)


@pytest.mark.parametrize("name", SIMPLE)
def test_profiles_keep_to_budget_scale_and_seed(name: str, arena: Arena, view: View) -> None:
    for kind in ("promote", "demote", "damage"):
        attack, goal, made = craft(name, view, kind)
        if kind not in attack.goals:
            continue
        if name == "null":
            assert len(made) == 0
            continue
        assert len(made) == 7
        assert made.lengths.max() <= 6
        arena.poisoned(made)  # on the scale, inside the catalogue, no item twice
        again = craft(name, view, kind)[2]
        assert np.array_equal(made.items, again.items)
        assert np.array_equal(made.ratings, again.ratings)
        for profile, target in enumerate(goal.target_of_each(7).tolist()):
            part = slice(made.offsets[profile], made.offsets[profile + 1])
            if target:
                rating = made.ratings[part][made.items[part] == target]
                assert rating.tolist() == [5.0 if kind == "promote" else 1.0]


def test_other_seeds_draw_other_fillers(view: View) -> None:
    assert not np.array_equal(craft("random", view, "promote", 0)[2].items, craft("random", view, "promote", 1)[2].items)


def test_bandwagon_takes_the_most_popular_items(view: View) -> None:
    made = craft("bandwagon", view, "promote")[2]
    order = np.argsort(-view.popularity, kind="stable") + 1
    for profile, target in enumerate((3, 8)):
        expected = [i for i in order.tolist() if i != target][:5]
        part = slice(made.offsets[profile], made.offsets[profile + 1])
        assert made.items[part].tolist() == [target, *expected]
        assert (made.ratings[part] == 5).all()


def test_average_rates_around_the_means_of_items_and_random_around_that_of_all() -> None:
    data = tiny_dataset(users=300)
    low = data.events.with_columns(rating=data.events["item"].str.slice(1).cast(int) % 5 + 1.0)  # every item has one rating
    view = attacker_view(open_arena(replace(data, events=low), LeaveOneOut(), threshold=1), White(kind="white"), 0)
    made = ATTACKS.build("average")(None).craft(view, Goal("promote", np.array([1], dtype=np.int32)), Budget(40, 10), 0)
    filler = made.items != 1
    ids = np.array([int(str(view.arena.split.vocabulary.items[int(i) - 1])[1:]) for i in made.items])
    assert (made.ratings[filler] == ids[filler] % 5 + 1).all()
    plain = ATTACKS.build("random")(None).craft(view, Goal("promote", np.array([1], dtype=np.int32)), Budget(40, 10), 0)
    assert not (plain.ratings[plain.items != 1] == ids[plain.items != 1] % 5 + 1).all()


def test_segment_takes_items_liked_with_the_target(view: View) -> None:
    made = craft("segment", view, "promote", targets=(3,))[2]
    dense = view.ratings.matrix.toarray() >= 4  # type: ignore[union-attr]
    with_target = dense[dense[:, 2]].sum(axis=0) / np.sqrt(np.maximum(view.ratings.item_counts, 1))  # type: ignore[union-attr]
    with_target[2] = -1
    best = np.sort(with_target)[::-1][:5]
    chosen = [i for i, r in zip(made.items[:6].tolist(), made.ratings[:6].tolist(), strict=True) if i != 3 and r == 5]
    assert sorted(with_target[np.array(chosen) - 1].tolist(), reverse=True) == pytest.approx(best[: len(chosen)].tolist())


def test_items_are_drawn_without_replacement() -> None:
    generator = np.random.default_rng(0)
    forbidden = np.tile([[1, 0]], (400, 1))
    drawn = draw_items(400, 5, 30, forbidden, generator)
    assert drawn.shape == (400, 5)
    assert not (drawn == 1).any()
    assert all(len(set(row)) == 5 for row in drawn.tolist())
    assert draw_items(2, 50, 6, np.array([[1], [2]]), generator).shape == (2, 5)
