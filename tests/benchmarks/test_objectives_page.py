from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reverie.contrast.recipe import CONTRAST
from reverie.contrast.study import run_contrast
from reverie.contrast.summary import summarise
from reverie.testing import tiny_dataset
from reverie.training.comparison import compare_recipes
from reverie.training.recipe import RECIPES

if TYPE_CHECKING:
    from reverie.contrast.task import MeasuredStudy

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = ("glance", "compared", "measured")
ADNCE = {"kind": "adnce", "variant": "graph", "mu": 0.7, "sigma": 1.0, "temperature": 0.3}
STUDY: dict[str, Any] = {
    "name": "tiny",
    "task": {"kind": "graph", "data": "synthetic", "epochs": 1, "folds": 3, "inner_folds": 2},
    "against": "info-nce-tuned",
    "seeds": 2,
    "tuning_seeds": [10],
    "rows": {
        "untrained": {"baseline": "untrained"},
        "info-nce-tuned": {"loss": {"kind": "info_nce"}, "grid": {"temperature": [0.1, 0.3]}},
        "adnce-tuned": {"loss": ADNCE | {"sigma": 0.5}},
        "adnce-shuffled": {"loss": ADNCE | {"shuffled": True}},
    },
}


@pytest.fixture(scope="module")
def page() -> Iterator[dict[str, Any]]:
    """The modules of the page, as its script imports them."""
    added = [str(BENCHMARKS), str(BENCHMARKS / "tables")]
    sys.path[:0] = added
    yield {name: importlib.import_module(f"objectives_page.{name}") for name in MODULES}
    for place in added:
        sys.path.remove(place)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("objectives_page", "claims")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> MeasuredStudy:
    """Two losses and no training at all, on made-up graphs."""
    return run_contrast(CONTRAST.parse(STUDY, "tiny"), tmp_path_factory.mktemp("study"), show=False)


def test_one_line_per_data_set_with_the_numbers_of_the_study(page: dict[str, Any], study: MeasuredStudy) -> None:
    lines = page["glance"].glance([study], {}).splitlines()
    assert len(lines) == 3
    cells = [cell.strip() for cell in lines[2].split("|")[1:-1]]
    rows = {row.name: row for row in summarise(study).rows}
    assert cells[:3] == [study.dataset, "accuracy", f"{rows['info-nce-tuned'].mean:.4f}"]
    for cell, name in zip(cells[3:5], ("adnce-tuned", "adnce-shuffled"), strict=True):
        found = re.match(r"\**([+-][\d.]+)", cell)
        assert found is not None
        assert float(found[1]) == pytest.approx(rows[name].mean - rows["info-nce-tuned"].mean, abs=1e-4)
    assert cells[5:] == ["", f"{rows['untrained'].mean:.4f}"]  # the recipe has no InfoNCE at a given temperature


def test_a_difference_is_bold_by_the_corrected_test_alone(page: dict[str, Any]) -> None:
    test = {"other": "mf-info-nce", "other_value": 0.25, "difference": -0.02, "low": -0.03, "high": -0.01, "seeds": "3/3"}
    tests = {"data": {"mf-adnce": test | {"p_holm": 0.04}, "mf-adnce-shuffled": test | {"p_holm": 0.06}}}
    line = page["glance"].glance([], tests).splitlines()[-1]
    assert line == "| data, MF | ndcg@20 | 0.2500 | **-0.0200** [-0.0300, -0.0100] | -0.0200 [-0.0300, -0.0100] |  |  |"
    alone = {"data": {"mf-adnce": test | {"p_holm": 0.04, "seeds": "3/1"}}}
    assert "**" not in page["glance"].glance([], alone)


def test_losses_are_tested_against_infonce_on_the_same_model(page: dict[str, Any], tmp_path: Path) -> None:
    tiny_dataset().events.write_csv(tmp_path / "clicks.csv")
    options = {"dim": 4, "cosine": True}
    common = {"dataset": {"name": str(tmp_path / "clicks.csv")}, "training": {"epochs": 1, "batch_size": 16}}
    recipes = [
        RECIPES.parse(common | {"name": f"{row}-tiny", "model": model}, row)
        for row, model in {
            "mf-info-nce": {"name": "mf"} | options,
            "mf-adnce": {"name": "mf", "dim": 8},
            "lightgcn-adnce": {"name": "popularity"},
        }.items()
    ]
    compare_recipes(recipes, tmp_path / "compare-collaborative-tiny", show=False)
    table = tmp_path / "claims.csv"
    tests = page["compared"].compared("tiny", tmp_path, table)
    assert list(tests) == ["mf-adnce"]  # LightGCN has no InfoNCE to stand beside
    assert tests["mf-adnce"]["other"] == "mf-info-nce"
    assert tests["mf-adnce"]["p"] <= tests["mf-adnce"]["p_holm"] <= 1
    assert table.read_text(encoding="utf-8").count("\n") == 2


def test_what_was_not_run_says_so(page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page["measured"], "RESULTS", tmp_path)
    assert page["measured"].staircase() == "Not run yet: `python benchmarks/mi_staircase.py`."
    head = "benchmark,case,system,version,metric,value,unit,machine,date,commit\n"
    measured = [("2, 9 steps, seed 0", 1.5), ("2, 9 steps, seed 0", 1.9), ("2, 9 steps, seed 1", 2.0), ("10, 9 steps, seed 0", 4.0)]
    lines = "".join(f'mi,"deep, NWJ, truth {case}",reverie,1,estimate,{value},nats,m,d,c\n' for case, value in measured)
    (tmp_path / "mi_staircase.csv").write_text(head + lines)
    table = page["measured"].staircase().splitlines()
    assert table[-3] == "| critic | estimator | truth 2 | truth 10 | seeds |"
    assert table[-1] == "| deep | NWJ | 1.95 | 4.00 | 2 |"  # of a repeated run the last
    assert page["measured"].speed().count("not run yet") == 3
