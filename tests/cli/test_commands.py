from __future__ import annotations

import csv
import json
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from typer.main import get_command

import reverie
from reverie.cli.main import app
from reverie.data.sources.load import list_datasets
from reverie.models import list_models
from reverie.models.shelf import MODELS
from reverie.rl.recipe import LONG_TERM
from reverie.study.rows import COLUMNS
from reverie.testing import tiny_dataset
from reverie.training.recipe import suite_cells, suite_files
from reverie.training.run import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

VERBS = [
    *(name for name in get_command(app).commands if name not in ("data", "recipes", "redteam", "video")),  # type: ignore[attr-defined]  # groups
    *(f"data {name}" for name in ("list", "fetch", "describe", "convert")),
    *(f"recipes {name}" for name in ("list", "copy", "validate")),
    *(f"redteam {name}" for name in ("run", "harden", "build", "replay", "serve", "report")),
    *(f"video {name}" for name in ("prepare", "study", "embed", "mix")),
]


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_an_example(ask: Callable, verb: str) -> None:
    answer = ask(*verb.split(), "--help")
    assert answer.code == 0
    assert f"reverie {verb}" in answer.out.split("Example", 1)[1]


def test_the_command_itself(ask: Callable) -> None:
    assert ask("--version").out == f"reverie {reverie.__version__}\n"
    for words in ((), ("data",), ("recipes",), ("redteam",), ("video",)):
        answer = ask(*words)
        assert "Usage" in answer.out + answer.err


def test_train_then_evaluate_then_compare_runs(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    train = ("train", "tiny.yaml", "--device", "cpu", "--set", "training.epochs=1", "--results", "results.csv")
    first = ask(*train)
    assert (first.code, first.err) == (0, "")
    assert "sasrec on clicks (leave_one_out) · best epoch 1" in first.out
    assert (tmp_path / "runs/tiny/report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with (tmp_path / "results.csv").open(encoding="utf-8") as handle:
        rows = list(csv.reader(handle))
    assert tuple(rows[0]) == COLUMNS
    assert [row[COLUMNS.index("metric")] for row in rows[1:]] == list(METRICS)
    again = ask(*train, "--json")
    assert json.loads(again.out)["best_epoch"] == 1
    table = (tmp_path / "results.csv").read_text()
    assert len(table.splitlines()) == 1 + len(METRICS), "nothing is written twice"
    report = (tmp_path / "runs/tiny/report.html").read_text(encoding="utf-8")
    (tmp_path / "results.csv").unlink()
    (tmp_path / "runs/tiny/report.html").unlink()
    assert ask(*train, "--quiet").code == 0
    assert (tmp_path / "results.csv").read_text() == table, "a finished run is written where it is missing"
    assert (tmp_path / "runs/tiny/report.html").read_text(encoding="utf-8") == report
    (tmp_path / "runs/tiny/report.html").unlink()
    clicks.rename(tmp_path / "moved.csv")
    assert ask(*train, "--quiet").code == 0, "a finished run needs its data only for the longer report"
    assert (tmp_path / "runs/tiny/report.html").exists()
    (tmp_path / "moved.csv").rename(clicks)
    measured = {row["metric"]: row["value"] for row in json.loads(again.out)["test"]}

    answer = ask("evaluate", "runs/tiny", "--metrics", "recall@20,mrr@10", "--json")
    assert {row["metric"]: row["value"] for row in json.loads(answer.out)}["recall@20"] == measured["recall@20"]
    assert ask("evaluate", "runs/tiny", "--quiet").out == ""
    removed = json.loads(ask("evaluate", "runs/tiny", "--seen", "remove", "--json", "--metrics", "ndcg@10", "--on", "valid").out)
    kept = json.loads(ask("evaluate", "runs/tiny", "--json", "--metrics", "ndcg@10", "--on", "valid").out)
    assert removed[0]["value"] != kept[0]["value"]
    shown = ask("evaluate", "runs/tiny").out
    assert "n=48" in shown
    assert "seen items: keep (" in shown
    assert "each is a miss" in ask("evaluate", "runs/tiny", "--seen", "remove").out

    (tmp_path / "tiny2.yaml").write_text((tmp_path / "tiny.yaml").read_text().replace("name: tiny", "name: tiny2"))
    assert ask("train", "tiny2.yaml", "--device", "cpu", "--quiet").out == ""
    both = ask("compare", "runs/tiny", "runs/tiny2", "--out", "both")
    assert both.code == 0
    assert "report: both/report.html" in both.out


def test_a_table_that_cannot_be_written_is_an_error_before_anything_is_trained(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("a,b\n1,2\n")
    for table, words in (("old.csv", "has other columns"), ("old.csv/new.csv", "cannot write")):
        answer = ask("train", "tiny.yaml", "--device", "cpu", "--results", table)
        assert answer.code == 2
        assert words in answer.err
        assert answer.err.count("\n") == 1
        assert not (tmp_path / "runs").exists()


def test_compare_a_file(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    words = ["compare", "clicks.csv", "--catalog", "items.csv", "--models", "popularity,markov,sasrec"]
    words += ["--set", "training.epochs=1", "--refit", "--device", "cpu", "--results", "results.csv"]
    answer = ask(*words)
    assert (answer.code, answer.err) == (0, "")
    for text in (
        "popularity",
        "markov",
        "sasrec",
        "seen items: keep",
        " repeats)",
        "48",
        "report: runs/compare-clicks/report.html",
    ):
        assert text in answer.out
    report = (tmp_path / "runs/compare-clicks/report.html").read_text(encoding="utf-8")
    assert "Tale 0" in report
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 1 + 6 * 5
    board = json.loads(ask(*words[:-2], "--json").out)
    assert len(board["leaderboard"]) > 0
    assert board["skipped"] == {}


def test_compare_all_models_on_a_file(ask: Callable, clicks: Path) -> None:
    words = ("compare", "clicks.csv", "--models", "all", "--set", "training.epochs=1", "--device", "cpu", "--json")
    answer = ask(*words)
    assert (answer.code, answer.err) == (0, "")
    found = json.loads(answer.out)
    rewarded = {name for name in list_models() if "needs-reward" in MODELS[name].tags}
    featured = {name for name in list_models() if "needs-content" in MODELS[name].tags}
    assert set(found["skipped"]) == {"collm"} | rewarded | featured
    assert all("needs features of items" in found["skipped"][name] for name in featured)
    assert "needs labelled events" in found["skipped"]["collm"]
    assert all("needs rewards" in found["skipped"][name] for name in rewarded)
    assert {row["model"] for row in found["leaderboard"]["rows"]} == set(list_models()) - {"collm"} - rewarded - featured
    alone = ask("compare", "clicks.csv", "--models", "collm")
    assert alone.code == 2
    assert "no model can be compared on 'clicks': collm: needs labelled events" in alone.err


def test_a_comparison_begins_with_its_plan_and_can_end_there(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    said = ask("compare", "clicks.csv", "--plan")
    assert (said.code, said.err) == (0, "")
    for text in ("plan: 48 users, 20 items", "sasrec", "Together about", "not tried by default; --models all", "needs rewards"):
        assert text in said.out
    plan = json.loads(ask("compare", "clicks.csv", "--plan", "--json").out)
    counting = {name for name in list_models() if {"counts"} == MODELS[name].tags & {"counts", "by-name"}}
    assert {row["model"] for row in plan["rows"]} == counting | {"sasrec", "blend"}
    assert plan["seconds"] == pytest.approx(sum(row["seconds"] for row in plan["rows"]))
    assert {row["model"] for row in plan["rows"]} | set(plan["left_out"]) == set(list_models())
    named = json.loads(ask("compare", "clicks.csv", "--models", "gru4rec", "--plan", "--json").out)
    assert [row["model"] for row in named["rows"]] == ["gru4rec"]
    assert not (tmp_path / "runs").exists()


def test_a_comparison_within_minutes(ask: Callable, clicks: Path) -> None:
    words = ("compare", "clicks.csv", "--models", "popularity,markov,dreamrec", "--minutes", "0.01", "--json")
    found = json.loads(ask(*words).out)
    assert "popularity" in {row["model"] for row in found["leaderboard"]["rows"]}
    assert "0.01 minutes" in found["skipped"]["dreamrec"]
    assert ask("compare", "clicks.csv", "--minutes", "0").code == 2


def test_compare_by_every_protocol_that_a_file_allows(ask: Callable, clicks: Path) -> None:
    for protocol in ("temporal", "by_user", "by_sequence"):
        answer = ask("compare", "clicks.csv", "--models", "popularity", "--protocol", protocol, "--out", protocol)
        assert (answer.code, protocol in answer.out) == (0, True)
    answer = ask("compare", "clicks.csv", "--models", "popularity", "--protocol", "given", "--out", "given")
    assert answer.code == 2
    assert "does not come split" in answer.err


def test_compare_recipes(ask: Callable, clicks: Path) -> None:
    answer = ask("compare", "tiny.yaml", "--set", "training.epochs=1", "--device", "cpu", "--quiet", "--out", "out")
    assert (answer.code, answer.out) == (0, "")
    assert Path("out/tiny-seed0/result.json").exists()
    assert Path("out/report.html").exists()


def test_recommend_by_titles_user_and_for_all(ask: Callable, trained: Path, tmp_path: Path) -> None:
    answer = ask("recommend", trained, "tale 03", "Tale 06", "-k", "3", "--device", "cpu")
    assert answer.code == 0
    assert answer.out.count("Tale") == 3
    near = json.loads(ask("recommend", trained, "Talee 03", "a06", "-k", "3", "--json", "--seen", "remove").out)
    assert [row["rank"] for row in near] == [1, 2, 3]
    assert not {"a03", "a06"} & {row["item"] for row in near}
    (tmp_path / "allow.txt").write_text("a01\na02\na03\na04\n")
    (tmp_path / "deny.txt").write_text("a02\n\n")
    user = json.loads(ask("recommend", trained, "--user", "100", "--json").out)
    assert 0 < len(user) <= 10
    lists = ask(
        "recommend", trained, "--all", "all.parquet", "-k", "2", "--allow", "allow.txt", "--deny", "deny.txt", "--seen", "remove"
    )
    assert lists.code == 0
    frame = pl.read_parquet(tmp_path / "all.parquet")
    assert frame.columns == ["user", "item", "rank", "score"]
    assert set(frame["item"]) <= {"a01", "a03", "a04"}
    seen = tiny_dataset().events.select("user", "item").unique()
    assert frame.join(seen, on=["user", "item"], how="inner").is_empty()


def test_data_verbs(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    listed = json.loads(ask("data", "list", "--json").out)
    assert sorted(row["name"] for row in listed) == list_datasets()
    assert all(row["licence"] for row in listed)
    assert "amazon-beauty" in ask("data", "list").out
    facts = json.loads(ask("data", "describe", "clicks.csv", "--catalog", "items.csv", "--json").out)
    assert (facts["users"], facts["items"], facts["titles"], facts["order"]) == (48, 20, 1.0, "timestamp")
    assert facts["splits"]["leave_one_out"] == "yes"
    assert "no column 'part'" in facts["splits"]["given"]
    assert "same time neighbours" in ask("data", "describe", "clicks.csv").out
    for name in ("out.parquet", "out.csv", "out.inter"):
        answer = ask("data", "convert", "clicks.csv", name, "--catalog", "items.csv")
        assert (answer.code, "wrote" in answer.out) == (0, True)
        again = json.loads(ask("data", "describe", name, "--json").out)
        assert again["sha256"] == facts["sha256"]


def test_models_and_recipes(ask: Callable, tmp_path: Path) -> None:
    assert sorted(json.loads(ask("models", "--json").out)) == list_models()
    assert all(name in ask("models").out for name in list_models())
    options = json.loads(ask("models", "sasrec", "--json").out)
    assert options["dim"] == {"default": 64, "description": "Width of item vectors and states."}
    assert all(option["description"] for option in options.values())
    assert "Width of item vectors" in ask("models", "sasrec").out
    names = [row["name"] for row in json.loads(ask("recipes", "list", "--json").out)]
    assert "sasrec-beauty" in names
    listed = ask("recipes", "list").out
    assert "sasrec-beauty" in listed
    for name in suite_files():
        example = re.search(rf"suite {name}: .* e\.g\. (\S+)", listed)
        assert example is not None
        assert suite_cells()[example[1]][0].name == name
    assert ask("recipes", "copy", "sasrec-beauty").out == "sasrec-beauty.yaml\n"
    assert ask("recipes", "validate", "sasrec-beauty.yaml").out == "sasrec-beauty.yaml: valid (sasrec on amazon-beauty)\n"
    assert "exists; choose another name" in ask("recipes", "copy", "sasrec-beauty").err
    assert ask("recipes", "copy", "rl-session").out == "rl-session.yaml\n"
    assert LONG_TERM.load("./rl-session.yaml") == LONG_TERM.load("rl-session")
    assert "reverie rl --list" in listed


def test_doctor(ask: Callable, tmp_path: Path) -> None:
    facts = json.loads(ask("doctor", "--json").out)
    assert facts["cache"] == str(tmp_path / "cache")
    assert facts["cache writable"] == "yes"
    assert facts["datasets"] == len(list_datasets())
    text = ask("doctor").out
    assert "REVERIE_DATA     not set" in text
    assert "extras:" in text
    offered = set(distribution("reverie").metadata.get_all("Provides-Extra"))
    assert facts["extras"].keys() == offered
    assert all(said in ("installed", f"pip install 'reverie[{name}]'") for name, said in facts["extras"].items())


def test_the_demo_on_a_small_log_in_the_layout_of_movielens(
    ask: Callable, tmp_path: Path, small_movielens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIE_DATA", str(small_movielens))
    answer = ask("demo", "--smoke", "--offline", "--device", "cpu", "--out", "demo")
    assert (answer.code, answer.err) == (0, "")
    for text in ("1/4", "2/4", "3/4", "4/4", "48 users, 20 items", "popularity", "sasrec", "done in"):
        assert text in answer.out
    report = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    assert "Toy Story" in report
    assert "https://" not in report.split("<body", 1)[0]
