"""Plans: what attacks cost at most, and that they keep to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attacked import REQUEST, Teller, Writer, attack, brief_of, canaries

from reverie.errors import ConfigError
from reverie.redteam.attackers.shelf import ATTACKERS, create_attacker
from reverie.redteam.plan import measure_speed, most_writings, shared_models

if TYPE_CHECKING:
    from pathlib import Path

WRITER = Writer(lambda text, seed: f"### {REQUEST} secret {seed} ###" if seed % 4 else "Certainly.")


@pytest.mark.parametrize("name", sorted(set(ATTACKERS) - {"replay"}))
def test_no_attack_writes_more_than_was_said_before(name: str, tmp_path: Path) -> None:
    brief = brief_of(canaries(2), calls=5)
    log = attack(tmp_path, name, brief, writer=WRITER)
    assert len(log.attempts) <= 10
    assert log.writings <= most_writings(create_attacker(name), brief)


def test_options_say_how_much_is_written() -> None:
    assert most_writings(create_attacker("sap"), brief_of(canaries(2), calls=5, writings=2)) == 20
    with pytest.raises(ConfigError, match="'writings'"):
        most_writings(create_attacker("null"), brief_of(canaries(2), calls=5, writings=2))


def test_speed_is_measured_on_bare_requests_with_both_models() -> None:
    target, writer = Teller(), Writer(lambda text, seed: "yes")
    speed = measure_speed(target, brief_of(canaries(2)), writer, n=4)
    assert [tried.text for tried in target.asked] == [REQUEST] * 5
    assert len(writer.asked) == 5
    assert speed.call > 0 < speed.writing


def test_one_model_in_two_roles_is_told() -> None:
    assert len(shared_models({"attacker": "a", "target": "a", "judge": "a"})) == 3
    assert shared_models({"attacker": "a", "target": "b", "judge": ""}) == []
