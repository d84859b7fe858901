"""Claims about the strongest attack, from a small benchmark run here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from reverie.robustness.recipe import ROBUSTNESS
from reverie.robustness.study import run_robustness
from reverie.testing import tiny_dataset

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tables" / "robustness_claims.py"
RECIPE = """
name: tiny
dataset: {{name: {clicks}}}
goal: {{kind: promote, draw: {{each: 1, groups: [tail, head]}}}}
budgets: [0.2]
size: 6
seeds: 3
victims: {{popularity: {{model: popularity}}, item-knn: {{model: item-knn}}}}
attacks: {{random: {{kind: random}}, target-only: {{kind: target-only}}}}
"""


def test_the_strongest_attack_is_compared_with_refitting_and_with_the_next(
    load_script: Callable[[Path], ModuleType], tmp_path: Path
) -> None:
    script = load_script(SCRIPT)
    tiny_dataset(users=80).events.write_csv(tmp_path / "clicks.csv")
    (tmp_path / "tiny.yaml").write_text(RECIPE.format(clicks=tmp_path / "clicks.csv"))
    done = run_robustness(ROBUSTNESS.load(str(tmp_path / "tiny.yaml")), tmp_path / "runs", show=False)
    rows = script.claims(done)
    assert len(rows) == 4
    for victim, (refit, following) in {"popularity": rows[:2], "item-knn": rows[2:]}.items():
        lifts = {one.attack: one.lift["hr@10"] for one in done.attacked if one.victim == victim and one.fakes}
        best, second = sorted(lifts, key=lambda name: -lifts[name].value)
        assert (refit["first"], refit["other"]) == (f"{best} on {victim}, budget 0.2", f"refitting {victim}")
        assert refit["difference"] == pytest.approx(lifts[best].value)
        assert following["other"] == f"{second} on {victim}"
        assert following["difference"] == pytest.approx(lifts[best].value - lifts[second].value)
        assert refit["seeds"] == "3/3"
        assert refit["p_holm"] is None or refit["p_holm"] >= refit["p"]
        assert lifts[best].interval == "targets_x_clusters(6,1000)"
