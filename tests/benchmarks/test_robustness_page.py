"""The page of results of the robustness benchmark, from a table made here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tables" / "robustness.py"


@pytest.fixture(scope="module")
def page(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    return load_script(SCRIPT)


def _row(metric: str, value: float, low: float, high: float, **more: object) -> dict[str, object]:
    common: dict[str, object] = {
        "dataset": "toy", "protocol": "given", "slice": "all", "seed": "0-2", "victim": "mf", "attack": "random",
        "defence": "none", "budget": 0.01, "key": "0123456789ab",
    }  # fmt: skip
    return common | {"metric": metric, "value": value, "low": low, "high": high} | more


def test_lifts_defences_groups_and_detection_stand_in_tables(page: ModuleType) -> None:
    rows = []
    for victim, lift, low in (("mf", 0.02, 0.01), ("ease", 0.001, -0.002)):
        rows += [_row("lift_hr@10", lift, low, 0.03, victim=victim), _row("change_ndcg@10", -0.004, -0.01, 0.0, victim=victim)]
    rows += [_row("lift_hr@10", 0.015, 0.01, 0.02, slice="target:tail"), _row("lift_hr@10", 0.025, 0.01, 0.02, slice="target:head")]
    rows += [_row(m, 0.005, -0.01, 0.02, defence="oracle") for m in ("lift_hr@10", "change_ndcg@10")]
    rows += [_row(m, 0.0, 0.0, 0.0, defence="oracle", attack="null", budget=0.0) for m in ("lift_hr@10", "change_ndcg@10")]
    rows += [_row("detection_auc", value, 0, 0, defence="pca", seed=str(seed), victim="") for seed, value in enumerate((0.8, 0.9))]
    text = "\n".join(page.section("robustness-toy", pl.DataFrame(rows)))
    assert "| random | **+2.00** [+1.00, +3.00]; -0.0040 | +0.10 [-0.20, +3.00]; -0.0040 |" in text
    assert "### 1 % fake users: defences against random" in text
    assert "| oracle | +0.50 [-1.00, +2.00]; +0.0050 |" in text
    assert "### The price of defences: no attack" in text
    assert "| 1 % fake users | random | +1.50 | +2.50 |" in text
    assert "| pca | 0.85 / – |" in text


def test_detectors_measured_before_their_learners_changed_are_marked(page: ModuleType) -> None:
    old = [_row("detection_auc", 0.8, 0, 0, defence=name, victim="", key=None) for name in ("degree-sad", "pca")]
    new = [_row("detection_auc", 0.9, 0, 0, defence="co-detector", victim="")]
    text = "\n".join(page.section("robustness-toy", pl.DataFrame(old + new, infer_schema_length=None)))
    assert "| degree-sad † | 0.80 / – |" in text
    assert "| pca | 0.80 / – |" in text
    assert "| co-detector | 0.90 / – |" in text
