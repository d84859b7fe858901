from __future__ import annotations

import numpy as np
import pytest

from reverie.data.splits.config import LeaveOneOut
from reverie.errors import ConfigError, ReverieError
from reverie.options import checked
from reverie.robustness.arena import Arena, open_arena
from reverie.robustness.attacks.attack import attacker_view, check_knowledge, popularity_groups, resolve_budget, resolve_goal
from reverie.robustness.threat import AVAILABLE, Black, BudgetConfig, GoalConfig, Grey, Strata, White
from reverie.testing import tiny_dataset


@pytest.fixture(scope="module")
def arena() -> Arena:
    return open_arena(tiny_dataset(users=120), LeaveOneOut())


def test_each_kind_of_knowledge_sees_what_it_may_and_no_more(arena: Arena) -> None:
    def reward(profiles: object) -> float:
        return 1.0

    victim = object()
    white = attacker_view(arena, White(kind="white"), 0, victim, reward)  # type: ignore[arg-type]
    grey = attacker_view(arena, Grey(kind="grey", share=0.25), 0, victim, reward)  # type: ignore[arg-type]
    black = attacker_view(arena, Black(kind="black", trials=2), 0, victim, reward)  # type: ignore[arg-type]
    assert white.victim is victim
    assert white.ratings is not None
    assert white.reward is not None
    real = int((arena.ratings.lengths > 0).sum())
    assert white.ratings.n_users == real
    assert grey.victim is None
    assert grey.reward is None
    assert grey.ratings is not None
    assert grey.sequences is not None
    assert grey.ratings.n_users == round(0.25 * real) == len(grey.sequences)
    assert black.victim is None
    assert black.ratings is None
    assert black.sequences is None
    assert black.reward is not None
    assert (black.popularity == arena.ratings.item_counts).all()


def test_rows_of_a_view_belong_to_the_same_users(arena: Arena) -> None:
    view = attacker_view(arena, Grey(kind="grey", share=0.5), 3)
    assert view.ratings is not None
    assert view.sequences is not None
    dense = view.ratings.matrix.toarray()
    for row in range(view.ratings.n_users):
        assert (dense[row, view.sequences.row(row) - 1] > 0).all()


def test_who_is_seen_depends_on_the_seed_alone(arena: Arena) -> None:
    users = [attacker_view(arena, Grey(kind="grey"), seed).sequences for seed in (0, 0, 1)]
    assert users[0] is not None
    assert users[1] is not None
    assert users[2] is not None
    assert (users[0].users == users[1].users).all()
    assert not np.array_equal(users[0].users, users[2].users)


def test_trials_are_counted(arena: Arena) -> None:
    view = attacker_view(arena, Black(kind="black", trials=1), 0, None, lambda _: 0.5)
    assert view.reward is not None
    assert view.reward(None) == 0.5
    with pytest.raises(ConfigError, match=r"more than 1 trials; raise knowledge\.trials"):
        view.reward(None)  # type: ignore[arg-type]


def test_an_attack_is_refused_what_it_may_not_see() -> None:
    with pytest.raises(ConfigError, match=r"'aush' needs the ratings of some users.*black.*set knowledge.kind to white or grey"):
        check_knowledge("aush", frozenset({"ratings"}), "black")
    check_knowledge("bandwagon", frozenset({"popularity"}), "black")
    assert AVAILABLE["grey"] < AVAILABLE["white"]


def test_budgets_in_numbers(arena: Arena) -> None:
    real = int((arena.ratings.lengths > 0).sum())
    budget = resolve_budget(BudgetConfig(fakes=0.1), arena.ratings, 1)
    assert budget.users == round(0.1 * real)
    assert budget.size == round(arena.ratings.lengths[arena.ratings.lengths > 0].mean())
    assert resolve_budget(BudgetConfig(fakes=3, size=4), arena.ratings, 1).size == 4
    for config, words in (
        (BudgetConfig(fakes=real + 1), f"^budgets: {real + 1} is {real + 1} fake users, but there are"),
        (BudgetConfig(fakes=1), "^budgets: 1 is 1 fake users for 2 targets; give at least one each"),
        (BudgetConfig(fakes=5, size=999), "^size is 999, .*make it smaller"),
    ):
        with pytest.raises(ConfigError, match=words):
            resolve_budget(config, arena.ratings, 2)
    with pytest.raises(ConfigError, match="fakes"):
        checked(BudgetConfig, {"fakes": 0}, "budget")


def test_strata_part_the_catalogue_by_popularity(arena: Arena) -> None:
    groups, counts = popularity_groups(arena), arena.split.train.item_counts()
    assert sorted(np.concatenate(list(groups.values())).tolist()) == list(range(1, arena.ratings.n_items + 1))
    assert counts[groups["cold"]].max(initial=0) <= 5
    assert counts[groups["tail"]].max() <= counts[groups["middle"]].min() <= counts[groups["head"]].min()


def test_targets_by_title_by_draw_and_not_at_all(arena: Arena) -> None:
    named = resolve_goal(GoalConfig(targets=("Tale 03", "a05")), arena, 0)
    assert [arena.split.vocabulary.title(code) for code in named.targets.tolist()] == ["Tale 03", "Tale 05"]
    assert named.target_of_each(5).tolist() == [named.targets[k % 2] for k in range(5)]
    drawn = resolve_goal(GoalConfig(draw=Strata(each=2, groups=("tail", "head"))), arena, 1)
    assert len(set(drawn.targets.tolist())) == 4
    assert set(drawn.targets[:2].tolist()) <= set(popularity_groups(arena)["tail"].tolist())
    assert resolve_goal(GoalConfig(kind="damage"), arena, 0).target_of_each(2).tolist() == [0, 0]
    with pytest.raises(ReverieError, match="no item has the id or title"):
        resolve_goal(GoalConfig(targets=("a film that is not there",)), arena, 0)
    with pytest.raises(ConfigError, match=r"goal\.draw\.each asks for 99 'head' items"):
        resolve_goal(GoalConfig(draw=Strata(each=99, groups=("head",))), arena, 0)
    with pytest.raises(ConfigError, match="untargeted"):
        checked(GoalConfig, {"kind": "damage", "targets": ["a05"]}, "goal")
