"""`reverie attack`, `defend` and `robustness` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

RECIPE = """
name: tiny
dataset: {{name: {clicks}, catalog: items.csv}}
budgets: [0.1]
size: 5
seeds: 1
victims: {{popularity: {{model: popularity}}}}
attacks: {{random: {{kind: random}}}}
defences: {{}}
"""


@pytest.fixture
def recipe(clicks: Path) -> Path:
    path = clicks.parent / "threat.yaml"
    path.write_text(RECIPE.format(clicks=clicks))
    return path


def test_an_attack_is_printed_and_written_as_a_page(ask: Callable, recipe: Path) -> None:
    answer = ask("attack", recipe)
    assert answer.code == 0, answer.err
    assert "10 % fake users" in answer.out
    assert "random" in answer.out
    assert "written:" in answer.out
    assert Path("runs/tiny/report.html").exists()
    told = json.loads(ask("robustness", recipe, "--json").out)
    assert told["attacked"][0]["victim"] == "popularity"
    assert told["summary"]


def test_the_packaged_recipes_are_listed(ask: Callable) -> None:
    answer = ask("robustness", "--list")
    assert answer.code == 0
    assert "robustness-filmtrust" in answer.out


@pytest.mark.parametrize(
    ("words", "fragment"),
    [
        ((), "say which recipe"),
        (("nothing",), "no robustness recipe 'nothing'"),
        (("threat.yaml", "--set", "goal.targets=['Tale 99']"), "Tale 99"),
        (("threat.yaml", "--set", "budgets=[0]"), "budgets"),
        (("threat.yaml", "--set", "budgets=[9999]"), "9999 fake users"),
        (("threat.yaml", "--set", "threshold=11"), "threshold 11 is outside"),
    ],
)
def test_mistakes_end_in_one_sentence(ask: Callable, recipe: Path, words: tuple[str, ...], fragment: str) -> None:
    answer = ask("attack", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert fragment in answer.err
    assert not Path("runs").exists()
