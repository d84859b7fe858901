"""The page of results and the claims table, from the files of a study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from test_redteam_study import recipe
from toy_lab import ToyLab

from reverie.evaluation.effects import read_claims, write_claims
from reverie.redteam.claims import claim_rows
from reverie.redteam.outputs import read_done, write_outputs
from reverie.redteam.recipe import RED_TEAM
from reverie.redteam.study import RedTeamStudy
from reverie.redteam.summary import Summary
from reverie.study.rows import read_rows
from reverie.study.run import run_study

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tables" / "redteam.py"


@pytest.fixture(scope="module")
def script(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    return load_script(SCRIPT)


def test_the_page_is_made_of_rows_and_claims(script: Any, tmp_path: Path) -> None:
    study = RedTeamStudy(recipe(), tmp_path / "toy", ToyLab(recipe()))
    done = run_study(study, results=tmp_path / "redteam.csv", show=False)
    script.write_study_claims(study, done, tmp_path / "claims.csv")
    claims = read_claims(tmp_path / "claims.csv")
    assert {row["dataset"] for row in claims} == {"parrot"}
    assert len(claims) == 7
    page = script.page(read_rows(tmp_path / "redteam.csv"), claims)
    assert "## parrot: toy" in page
    line = next(line for line in page.splitlines() if line.startswith("| null"))
    assert "0.0\u00a0%" in line
    assert "| learn-r2 |" in page
    assert "harmful requests" in page


def test_claims_are_made_of_rows_alone_and_leave_those_of_other_recipes(script: Any, tmp_path: Path) -> None:
    done = run_study(RedTeamStudy(recipe(), tmp_path / "toy", ToyLab(recipe())), results=tmp_path / "redteam.csv", show=False)
    study = RedTeamStudy(recipe(), tmp_path / "elsewhere", ToyLab(recipe()))
    known = read_done(study, tmp_path / "redteam.csv")
    assert set(known) == set(done)
    assert claim_rows(Summary(recipe(), known)) == claim_rows(Summary(recipe(), done))
    one, mine = RED_TEAM.load("redteam-demo").claims[0], claim_rows(Summary(recipe(), done))[0]
    kept = mine | {"first": one.first, "other": one.other, "why": one.why}
    write_claims(tmp_path / "claims.csv", "parrot", [kept, kept | {"first": "other", "why": "?"}])
    script.write_study_claims(study, known, tmp_path / "claims.csv")
    asked = [row["why"] for row in read_claims(tmp_path / "claims.csv")]
    assert (asked.count(one.why), asked.count("?"), len(asked)) == (1, 0, 8)
    assert write_outputs(study, known)  # texts are not in rows: the page has no examples


def test_without_rows_the_page_says_how_to_measure(script: Any) -> None:
    assert "reverie redteam harden redteam-demo" in script.page([], [])
