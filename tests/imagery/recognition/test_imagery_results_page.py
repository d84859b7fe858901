"""The page of results and the claims table, from the files of a study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from test_imagery_study import recipe
from toy_pictures import ToyLab

from reverie.errors import ConfigError
from reverie.evaluation.effects import read_claims
from reverie.imagery.recognition.study import ImageryStudy
from reverie.study.rows import read_rows
from reverie.study.run import run_study

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "tables" / "imagery.py"


@pytest.fixture(scope="module")
def script(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    return load_script(SCRIPT)


def test_the_page_is_made_of_rows_and_claims(script: Any, tmp_path: Path) -> None:
    small = recipe(conditions=["A", "O", "E-shuffled"], grid=[], seeds=1, sheet=None)
    study = ImageryStudy(small, tmp_path / "toy", ToyLab())
    with pytest.raises(ConfigError, match="run 'reverie imagery toy' first"):
        script.write_study_claims(study, {}, tmp_path / "claims.csv")
    done = run_study(study, results=tmp_path / "imagery.csv", show=False)
    script.write_study_claims(study, done, tmp_path / "claims.csv")
    claims = read_claims(tmp_path / "claims.csv")
    assert {row["dataset"] for row in claims} == {"toy-concepts"}
    assert {row["detectable"] for row in claims} != {""}
    page = script.page(read_rows(tmp_path / "imagery.csv"), claims)
    assert "## toy-concepts" in page
    line = next(line for line in page.splitlines() if line.startswith("| A |"))
    assert "25.0\u00a0%" in line  # first on an empty prompt, or on a picture that only the word is asked of
    assert "| E-shuffled |" in page
    assert "with feedback" in page
    assert "**No human ratings**" in page
    with pytest.raises(ConfigError, match="no pictures of condition D"):
        script.write_pictures(study, done, tmp_path, tmp_path / "notes.md")


def test_the_worst_pictures_come_with_the_reason(script: Any, tmp_path: Path) -> None:
    small = recipe(conditions=["D"], grid=[], seeds=1, sheet=None, loop=None, claims=[], settings={"objects": 1})
    study = ImageryStudy(small, tmp_path / "toy", ToyLab())
    script.write_pictures(study, run_study(study, show=False), tmp_path / "figures", tmp_path / "notes.md")
    notes = (tmp_path / "notes.md").read_text(encoding="utf-8")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"imagery-fifty.jpg", "imagery-worst.jpg"}
    first = next(line for line in notes.splitlines() if line.startswith("1. "))
    assert "the judge names" in first
    assert "shows st" in first  # a stick or a stone, which say nothing
    assert "Credit: toy icons by nobody, CC0-1.0" in notes


def test_without_rows_the_page_says_how_to_measure(script: Any) -> None:
    assert "reverie imagery imagery-concepts" in script.page([], [])
