"""Rows of the table fitted again are those of `--refit`, with the epochs that the table holds."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from reverie.errors import DataError
from reverie.study.rows import COLUMNS

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "tables" / "refit.py"


@pytest.fixture(scope="module")
def script(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    return load_script(SCRIPT)


def _table(path: Path, *rows: tuple[str, int, str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        for recipe, seed, fit_on, epoch in rows:
            writer.writerow({"recipe": recipe, "seed": seed, "fit_on": fit_on, "best_epoch": epoch, "metric": "ndcg@10"})
    return path


def test_the_epochs_are_those_of_the_fit_on_train(script: Any, tmp_path: Path) -> None:
    table = _table(tmp_path / "t.csv", ("a", 0, "train", "3"), ("a", 1, "train", "5"), ("a", 0, "train+valid", "9"))
    assert script.best_epochs(table, "a") == {0: 3, 1: 5}
    with pytest.raises(DataError, match="no epochs of 'b'"):
        script.best_epochs(table, "b")
    with pytest.raises(DataError, match="does not exist"):
        script.best_epochs(tmp_path / "none.csv", "a")


def test_a_row_is_fitted_again_on_train_and_validation(
    script: Any, small_movielens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _table(tmp_path / "t.csv", ("mf-ml-100k", 0, "train", "2"))
    monkeypatch.setenv("REVERIE_DATA", str(small_movielens))
    words = ["refit.py", "ml-100k", "mf", "--seeds", "1", "--table", str(table), "--store", str(tmp_path / "runs")]
    monkeypatch.setattr(sys, "argv", words)
    script.main()
    with table.open(encoding="utf-8", newline="") as handle:
        made = [row for row in csv.DictReader(handle) if row["recipe"] == "mf-ml-100k+valid"]
    assert {row["fit_on"] for row in made} == {"train+valid"}
    assert {row["best_epoch"] for row in made} == {"2"}
    assert {"recall@10", "ndcg@10"} <= {row["metric"] for row in made}
