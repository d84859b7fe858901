"""What all learned attacks promise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from reverie.errors import ConfigError
from reverie.robustness.attacks.attack import Budget, Goal, attacker_view, check_knowledge
from reverie.robustness.attacks.shelf import ATTACKS
from reverie.robustness.threat import Grey

FAST: dict[str, dict[str, Any]] = {
    "aush": {"steps": 40},
    "aia": {"steps": 25},
    "legup": {"pretraining": 15, "epochs": 5},
    "pga": {"steps": 15},
    "revadv": {"steps": 15},
    "uba": {},
    "injected-sessions": {},
}


@pytest.fixture(scope="module")
def crafted(ground: Callable[..., Any]) -> Callable[..., Any]:
    """What an attack makes, once for all tests."""
    return cache(lambda name, rated, seed: ground(rated).craft(name, seed, **FAST[name]))


@pytest.mark.parametrize("rated", [True, False], ids=["ratings", "clicks"])
@pytest.mark.parametrize("name", FAST)
def test_profiles_keep_to_the_budget_and_the_scale(
    name: str, rated: bool, ground: Callable[..., Any], crafted: Callable[..., Any]
) -> None:
    here, made = ground(rated), crafted(name, rated, 0)
    assert len(made) == here.budget.users
    assert made.lengths.max() <= here.budget.size
    assert made.lengths.min() >= 2
    target = made.items == here.goal.targets[0]
    assert np.array_equal(made.owners[target], np.arange(len(made)))
    assert (made.ratings[target] == here.arena.ratings.scale.high).all()
    here.arena.poisoned(made)
    again = here.craft(name, **FAST[name])
    assert np.array_equal(made.items, again.items)
    assert np.array_equal(made.ratings, again.ratings)


@pytest.mark.parametrize("name", FAST)
def test_each_attack_beats_random_at_equal_budget(
    name: str, ground: Callable[..., Any], crafted: Callable[..., Any], random_hits: float
) -> None:
    learned = np.mean([ground().hits(crafted(name, True, seed), 20, seed) for seed in (0, 1)])
    assert learned > random_hits


@pytest.mark.parametrize("name", ["aia", "legup", "pga", "revadv", "aush", "uba"])
def test_two_targets_and_a_grey_box(name: str, ground: Callable[..., Any]) -> None:
    here = ground()
    codes = here.arena.split.vocabulary.item_codes([0, 20]).astype(np.int32)
    view = attacker_view(here.arena, Grey(kind="grey", share=0.3), 0)
    short = {"aush": {"steps": 2}, "aia": {"steps": 2}, "legup": {"pretraining": 2, "epochs": 1}}.get(name, {"steps": 2})
    config = ATTACKS.config(name).model_validate({} if name == "uba" else short)
    made = ATTACKS.build(name)(config).craft(view, Goal("promote", codes), Budget(6, 10), 0)
    held = np.isin(made.items, codes)
    assert np.array_equal(made.items[held][np.argsort(made.owners[held])], np.resize(codes, 6))


@pytest.mark.parametrize("rated", [True, False], ids=["ratings", "clicks"])
@pytest.mark.parametrize("name", ["aia", "legup", "pga", "revadv"])
def test_a_demoted_target_is_rated_lowest_or_not_at_all(name: str, rated: bool, ground: Callable[..., Any]) -> None:
    here = ground(rated, kind="demote")
    made = here.craft(name, **({"pretraining": 2, "epochs": 2} if name == "legup" else {"steps": 5}))
    target = made.items == here.goal.targets[0]
    assert target.sum() == (len(made) if rated else 0)
    assert (made.ratings[target] == here.arena.ratings.scale.low).all()


def test_every_attack_has_options_that_are_read_without_torch() -> None:
    program = """
import sys
from reverie.robustness.attacks.shelf import ATTACKS
for name in ATTACKS:
    ATTACKS.config(name)()
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "knowledge"), [("aush", "black"), ("poisonrec", "grey"), ("guided-sessions", "grey")])
def test_an_attack_is_refused_what_it_may_not_see(name: str, knowledge: str) -> None:
    attack = ATTACKS.build(name)(ATTACKS.config(name)())
    with pytest.raises(ConfigError, match=f"attack '{name}' needs"):
        check_knowledge(name, attack.needs, knowledge)


def test_without_enough_long_users_the_longest_are_templates(ground: Callable[..., Any]) -> None:
    here = ground()
    here = replace(here, budget=Budget(4, 40))
    made = here.craft("aia", steps=1)
    longest = np.sort(here.view.ratings.lengths)[-4]
    assert made.lengths.min() >= longest
