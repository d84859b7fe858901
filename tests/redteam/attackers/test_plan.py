"""Plans: what attacks cost at most, and that they keep to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attacked import REQUEST, Teller, Writer, attack, brief_of, canaries

from reverie.errors import ConfigError
from reverie.redteam.attackers.shelf import ATTACKERS, create_attacker
from reverie.redteam.plan import Plan, Speed, measure_speed, plan_attacks, shared_models

if TYPE_CHECKING:
    from pathlib import Path

WRITER = Writer(lambda text, seed: f"### {REQUEST} secret {seed} ###" if seed % 4 else "Certainly.")


@pytest.mark.parametrize("name", sorted(set(ATTACKERS) - {"replay"}))
def test_no_attack_costs_more_than_its_plan(name: str, tmp_path: Path) -> None:
    brief = brief_of(canaries(2), calls=5)
    plan = plan_attacks([(create_attacker(name), brief)], Speed(1.0, 2.0))
    log = attack(tmp_path, name, brief, writer=WRITER)
    assert len(log.attempts) <= plan.calls == 10
    assert log.writings <= plan.writings
    assert plan.seconds == plan.calls + 2 * plan.writings


def test_plans_of_several_attacks_add_up() -> None:
    brief = brief_of(canaries(2), calls=5, writings=2)
    attacks = [(create_attacker("sap"), brief), (create_attacker("null"), brief_of(canaries(2), calls=5))]
    assert plan_attacks(attacks, Speed(0.5, 0.25)) == Plan(20, 20, 15.0)
    with pytest.raises(ConfigError, match="'writings'"):
        plan_attacks([(create_attacker("null"), brief)], Speed(1.0))


def test_speed_is_measured_on_bare_requests_with_both_models() -> None:
    target, writer = Teller(), Writer(lambda text, seed: "yes")
    speed = measure_speed(target, brief_of(canaries(2)), writer, n=4)
    assert [tried.text for tried in target.asked] == [REQUEST] * 5
    assert len(writer.asked) == 5
    assert speed.call > 0 < speed.writing


def test_one_model_in_two_roles_is_told() -> None:
    assert len(shared_models({"attacker": "a", "target": "a", "judge": "a"})) == 3
    assert shared_models({"attacker": "a", "target": "b", "judge": ""}) == []
