from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from reverie.evaluation.effects import CLAIM_COLUMNS, write_claims
from reverie.testing import tiny_dataset
from reverie.training.comparison import compare_recipes
from reverie.training.recipe import RECIPES

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "tables" / "claims.py"


@pytest.fixture(scope="module")
def script(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    return load_script(SCRIPT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs under the names of the suite, of models that take no time."""
    data, runs = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("runs")
    tiny_dataset().events.write_csv(data / "clicks.csv")
    rows: dict[str, dict[str, Any]] = {
        "daydream": {"name": "sasrec", "dim": 8, "history": 8},
        "daydream-still": {"name": "mf", "dim": 8},
        "daydream-affine": {"name": "popularity"},
        "co-occurrence": {"name": "co-occurrence", "trials": 1},
        "sasrec-full": {"name": "popularity"},
        "sasrec-sampled": {"name": "markov"},
        "ease": {"name": "popularity"},
        "daydream-wide": {"name": "popularity"},
    }
    common: dict[str, Any] = {"dataset": {"name": str(data / "clicks.csv")}, "training": {"epochs": 2, "batch_size": 16}}
    recipes = [RECIPES.parse(common | {"name": f"{row}-tiny", "model": model}, row) for row, model in rows.items()]
    compare_recipes(recipes[:2], runs, seeds=2, show=False)
    compare_recipes(recipes[2:], runs, show=False)
    return runs


def test_what_is_compared_and_how(script: Any, folder: Path) -> None:
    rows = script.finished(folder, "tiny")
    counted = {row: len(runs) for row, runs in rows.items()}
    once = dict.fromkeys(("daydream-affine", "co-occurrence", "sasrec-full", "sasrec-sampled", "ease", "daydream-wide"), 1)
    assert counted == {"daydream": 2, "daydream-still": 2} | once
    best = max(("sasrec-full", "sasrec-sampled"), key=lambda row: rows[row][0].valid.value("ndcg@10"))
    ours = max(("daydream", "daydream-wide"), key=lambda row: np.mean([run.valid.value("ndcg@10") for run in rows[row]]))
    assert [(first, other) for first, other, _ in script.pairs(rows)] == [
        ("daydream", "daydream-still"),
        (ours, "co-occurrence"),
        (ours, best),
        ("daydream-wide", "daydream"),
        ("daydream", "daydream-affine"),
    ]
    lines = script.claims("tiny", rows)
    assert len(lines) == 10
    for line in lines:
        assert set(line) == set(CLAIM_COLUMNS)
        sides = [np.mean([run.test.value(line["metric"]) for run in rows[line[side]]]) for side in ("first", "other")]
        assert line["difference"] == pytest.approx(sides[0] - sides[1])
        assert line["low"] <= line["difference"] <= line["high"]
        assert line["p"] <= line["p_holm"] <= 1
    for metric in script.METRICS:
        family = sorted((line["p"], line["p_holm"]) for line in lines if line["metric"] == metric)
        assert family[0][1] == pytest.approx(min(1.0, 5 * family[0][0]))


def test_a_dataset_takes_the_place_of_its_own_lines_only(script: Any, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    lines = script.claims("tiny", script.finished(folder, "tiny"))
    write_claims(path, "other", [line | {"dataset": "other"} for line in lines])
    write_claims(path, "tiny", lines)
    write_claims(path, "tiny", lines[:3])
    with path.open(newline="") as handle:
        kept = [row["dataset"] for row in csv.DictReader(handle)]
    assert kept == ["other"] * 10 + ["tiny"] * 3
