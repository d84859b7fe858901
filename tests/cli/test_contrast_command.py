from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reverie.contrast.recipe import CONTRAST
from reverie.contrast.task import KINDS
from reverie.registry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

TINY = """
name: tiny
task: {kind: vectors, epochs: 4}
against: tuned
seeds: 3
rows:
  raw: {baseline: raw}
  tuned: {loss: {kind: info_nce}, grid: {temperature: [0.1, 0.3, 0.9]}}
  adnce: {loss: {kind: adnce, variant: graph, mu: 0.7, sigma: 0.5, temperature: 0.2}}
  dcl: {loss: {kind: dcl, temperature: 0.2}, aside: true}
smoke: {epochs: 1}
"""


@pytest.fixture(autouse=True)
def _tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study of a task that lives among the tests."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "contrast"))
    monkeypatch.setitem(KINDS._entries, "vectors", Entry("contrast_vectors:open_task", "contrast_vectors:VectorTask"))
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")


def test_a_study_runs_goes_on_and_is_written_down(ask: Callable, tmp_path: Path) -> None:
    first = ask("contrast", "tiny.yaml", "--results", "results.csv")
    assert first.code == 0
    for words in ("tiny · centres", "minus tuned", "not shown", "Holm", "runs/contrast-tiny/study.json"):
        assert words in first.out
    assert "each so far; at that pace" in first.err
    files = sorted(path.name for path in (tmp_path / "runs/contrast-tiny").iterdir())
    assert files == ["report.html", "rows.svg", "study.json", "study.yaml", "temperature.svg", "trainings"]
    with (tmp_path / "results.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 3 * 3 * 2
    trainings = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs/contrast-tiny/trainings").glob("*/piece.json")}

    again = ask("contrast", "tiny.yaml", "--results", "results.csv", "--json")
    assert again.err == ""
    said = json.loads(again.out)
    assert [row["row"] for row in said["rows"]] == ["raw", "tuned", "adnce"]
    assert said["rows"][1]["trials"] == 3
    assert said["files"][0] == "runs/contrast-tiny/study.json"
    assert json.loads((tmp_path / "runs/contrast-tiny/study.json").read_text()) == {k: v for k, v in said.items() if k != "files"}
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 1 + len(rows)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs/contrast-tiny/trainings").glob("*/piece.json")} == trainings
    assert ask("contrast", tmp_path / "runs/contrast-tiny/study.yaml", "--quiet").out == ""

    some = json.loads(ask("contrast", "tiny.yaml", "--rows", "dcl,tuned", "--seeds", "2", "--json").out)
    assert [(row["row"], len(row["metrics"]["accuracy"]["seeds"])) for row in some["rows"]] == [("tuned", 2), ("dcl", 2)]


def test_a_smoke_run_has_its_own_folder_and_name(ask: Callable, tmp_path: Path) -> None:
    words = ("contrast", "tiny.yaml", "--smoke", "--rows", "all", "--set", "seeds=1", "--out", "here", "--json")
    said = json.loads(ask(*words, "--results", "smoke.csv").out)
    assert (said["study"], said["seeds"], len(said["rows"]), said["rows"][1]["trials"]) == ("tiny-smoke", 1, 4, 2)
    stored = [json.loads(path.read_text()) for path in (tmp_path / "here/trainings").glob("*/piece.json")]
    assert {one["facts"]["task"]["epochs"] for one in stored} == {1}
    assert {row["recipe"] for row in csv.DictReader((tmp_path / "smoke.csv").read_text().splitlines())} == {"tiny-smoke"}


def test_a_packaged_study_of_graphs_runs(ask: Callable) -> None:
    pytest.importorskip("sklearn")
    words = ("--smoke", "--rows", "untrained,info-nce,adnce", "--set", "task.folds=2", "--seeds", "1", "--set", "against=info-nce")
    answer = ask("contrast", "graph-mutag", *words)
    assert answer.code == 0
    assert "graph-mutag-smoke · synthetic" in answer.out
    assert "temperature=0.15, variant=graph, mu=0.7, sigma=1" in " ".join(answer.out.split())


def test_the_studies_are_listed(ask: Callable) -> None:
    answer = ask("contrast", "--list")
    assert answer.code == 0
    assert all(name in answer.out for name in CONTRAST.files())
    assert [one["name"] for one in json.loads(ask("contrast", "--list", "--json").out)] == list(CONTRAST.files())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "say which recipe, e.g. 'reverie contrast graph-imdb-binary'"),
        (("graph-mutga",), "no study 'graph-mutga' (did you mean 'graph-mutag'?)"),
        (("tiny.yaml", "--rows", "adcne"), "unknown row of the study 'tiny' 'adcne' (did you mean 'adnce'?)"),
        (("tiny.yaml", "--rows", ","), "no row of the study 'tiny' is asked for; name some with --rows: raw, tuned"),
        (("tiny.yaml", "--set", "task.epoch=3"), "unknown option 'epoch' (did you mean 'epochs'?)"),
        (("tiny.yaml", "--set", "rows.adnce.loss.mu=x"), "row 'adnce': option 'loss.mu' must be a number, not 'x'"),
        (("tiny.yaml", "--seeds", "101"), "tuning seed 100 is also a test seed (0 to 100); choose from 101 on"),
        (("tiny.yaml", "--set", "task.kind=grap"), "unknown kind of task 'grap' (did you mean 'graph'?)"),
    ],
)
def test_mistakes_are_one_sentence(ask: Callable, words: tuple[str, ...], message: str) -> None:
    answer = ask("contrast", *words)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert message in answer.err
    assert answer.err.count("\n") == 1
