"""Dividing users, walking trees, and choosing sessions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import reverie as rv
from reverie.errors import ConfigError
from reverie.robustness.attacks.config import PoisonrecConfig
from reverie.robustness.attacks.poisonrec import ItemTree, PoisonRec
from reverie.robustness.attacks.uba import hit_chance_by_paths, solve_knapsack

if TYPE_CHECKING:
    from reverie.data.profiles import Profiles
    from reverie.data.split import Split
    from reverie.protocols import Recommender


@given(st.integers(0, 10_000), st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_the_knapsack_is_as_good_as_brute_force(seed: int, total: int) -> None:
    worth = np.random.default_rng(seed).random((4, 4))
    given_ = solve_knapsack(worth, total)
    plans = [plan for plan in itertools.product(range(4), repeat=4) if sum(plan) <= total]
    best = max(worth[np.arange(4), list(plan)].sum() for plan in plans)
    assert given_.sum() <= total
    assert worth[np.arange(4), given_].sum() == pytest.approx(best)


def test_paths_are_those_of_the_cubed_adjacency_with_the_copies_in() -> None:
    generator = np.random.default_rng(3)
    dense = (generator.random((30, 25)) < 0.25).astype(np.float64)
    users = np.flatnonzero((dense[:, 4] == 0) & (dense.sum(1) > 1))
    fakes = dense[users]
    found = hit_chance_by_paths(csr_array(dense), csr_array(fakes), users, 4, 3)
    for place, user in enumerate(users):
        for copies in range(4):
            copy = fakes[place].copy()
            copy[4] = 1
            rows = np.concatenate([dense, np.tile(copy, (copies, 1))])
            n = len(rows)
            adjacency = np.block([[np.zeros((n, n)), rows], [rows.T, np.zeros((25, 25))]])
            paths = np.linalg.matrix_power(adjacency, 3)[user, n:]
            others = np.delete(np.where(dense[user] > 0, -np.inf, paths), 4)
            assert found[place, copies] == (paths[4] > np.sort(others)[-10])


def test_the_chances_of_all_leaves_sum_to_one_and_are_those_drawn() -> None:
    tree = ItemTree(np.arange(13), 0.3, np.array([2]))
    torch.manual_seed(0)
    table, bias, state = torch.randn(tree.n_nodes, 4), torch.randn(tree.n_nodes), torch.randn(4)
    columns = torch.tensor([column for column in range(13) if column != 1])
    chances = tree.log_chance(state.expand(12, 4), table, bias, columns).exp()
    assert float(chances.sum()) == pytest.approx(1.0, abs=1e-5)
    assert tree.n_nodes == 11
    drawn = tree.draw(state.expand(20_000, 4), table, bias, torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn, minlength=13) / 20_000
    assert float((shares[columns] - chances).abs().max()) < 0.02
    assert float(shares[1]) == 0.0


def test_the_policy_learns_what_is_rewarded(ground: Callable[..., Any]) -> None:
    wanted = np.arange(1, 21)

    def reward(profiles: Profiles) -> float:
        return float(np.isin(profiles.items, wanted).mean())

    here = ground(reward=reward, trials=80)
    attack = PoisonRec(PoisonrecConfig(trials=80, episodes=8, rate=0.03))
    made = attack.craft(here.view, here.goal, here.budget, 0)
    assert len(attack.rewards) == 80
    assert np.mean(attack.rewards[-16:]) > np.mean(attack.rewards[:16]) + 0.1
    assert reward(made) == pytest.approx(max(attack.rewards))
    assert (made.items[made.offsets[1:] - 1] == here.goal.targets[0]).all()


def test_the_policy_beats_random_on_the_victim_it_may_try(ground: Callable[..., Any], random_hits: float) -> None:
    plain = ground()
    here = ground(reward=lambda profiles: plain.hits(profiles, 20, 7), trials=30)
    made = here.craft("poisonrec", 0, trials=30)
    learned = np.mean([plain.hits(made, 20, seed) for seed in (0, 1)])  # fitted from other seeds than the trials
    assert learned > random_hits


def test_without_trials_there_is_nothing_to_learn_from(ground: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="trials"):
        ground().craft("poisonrec")


@pytest.mark.parametrize("options", [{"estimate": "paths"}, {"generator": "aush", "aush": {"steps": 2}}])
def test_user_budgets_in_their_other_forms(options: dict[str, Any], ground: Callable[..., Any]) -> None:
    here = ground()
    made = here.craft("uba", **options)
    assert len(made) == 12
    here.arena.poisoned(made)


def test_a_session_ends_with_the_target_after_the_latest_events_of_a_user(ground: Callable[..., Any]) -> None:
    here = ground()
    made = here.craft("injected-sessions", context=3)
    sequences = here.view.sequences
    ends = {tuple(sequences.row(row)[-3:].tolist()) for row in range(len(sequences))}
    for fake in range(len(made)):
        events = made.items[made.offsets[fake] : made.offsets[fake + 1]].tolist()
        assert events[-1] == here.goal.targets[0]
        assert tuple(events[:-1]) in ends
    assert len(set(made.items[made.offsets[1:] - 2].tolist())) >= 8


def test_guided_sessions_follow_the_victim(ground: Callable[..., Any]) -> None:
    plain = ground()
    torch.manual_seed(0)
    victim = rv.create_model("sasrec", plain.arena.split, dim=16)
    here = ground(victim=victim)
    made = here.craft("guided-sessions")
    assert (made.items[made.offsets[1:] - 1] == here.goal.targets[0]).all()
    blind = ground(victim=rv.create_model("popularity", plain.arena.split))
    with pytest.raises(ConfigError, match="products of vectors"):
        blind.craft("guided-sessions")


def test_guided_sessions_beat_random_on_their_victim(ground: Callable[..., Any]) -> None:
    plain = ground()

    def fitted(split: Split, seed: int) -> Recommender:
        torch.manual_seed(seed)
        model = rv.create_model("sasrec", split, dim=16, history=20)
        rv.fit(model, split, epochs=20, patience=20, learning_rate=0.01, batch_size=32, on="train+valid", show=False, seed=seed)
        return model

    def hits(profiles: Profiles, seed: int) -> float:
        return plain.shown(fitted(plain.arena.poisoned(profiles), seed), 10)

    here = ground(victim=fitted(plain.arena.split, 0))
    guided = np.mean([hits(here.craft("guided-sessions", seed), seed) for seed in (0, 1)])
    random = np.mean([hits(plain.craft("random", seed), seed) for seed in (0, 1)])
    assert guided > random


def test_the_guide_prefers_histories_that_win_users() -> None:
    from reverie.robustness.attacks.config import GuidedSessionsConfig
    from reverie.robustness.attacks.sessions import GuidedSessions

    near, far = torch.tensor([1.0, 0.0]).expand(10, 2), torch.tensor([0.0, 1.0]).expand(10, 2)
    gaps = torch.cat([torch.full((10,), 0.1), torch.full((10,), 50.0)])
    chosen = GuidedSessions(GuidedSessionsConfig()).greedy(torch.cat([near, far]), gaps, 4)
    assert chosen.max() < 10
