"""The log behind a run has changed, has moved, or is another: what each command says and does."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest

from reverie.testing import tiny_dataset
from reverie.training.run import load_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECIPE = "name: tiny\ndataset: {name: clicks.csv, catalog: items.csv}\nmodel: {name: mf, dim: 4}\ntraining: {epochs: 2}\n"
CHANGED = "has changed since the run in runs/tiny was made from it"


@pytest.fixture
def finished(ask: Callable, clicks: Path, tmp_path: Path) -> Path:
    """A run of a matrix factorisation over relative paths."""
    (tmp_path / "own.yaml").write_text(RECIPE, encoding="utf-8")
    assert ask("train", "own.yaml", "--device", "cpu", "--quiet").code == 0
    return tmp_path / "runs/tiny"


def grow(log: Path) -> None:
    """Add a person whose id sorts first and makes all ids texts, and an item that one person met."""
    events = pl.read_csv(log, infer_schema=False)
    first = events["user"][0]
    more = pl.DataFrame({"user": ["0new"] * 4 + [first], "item": [*events["item"][:4], "zz"]})
    rest = [pl.lit(events[name].max()).alias(name) for name in events.columns if name not in more.columns]
    pl.concat([events, more.with_columns(rest).select(events.columns)]).write_csv(log)


def lists(ask: Callable, *words: str) -> tuple[pl.DataFrame, str]:
    answer = ask("recommend", "runs/tiny", "--all", "all.parquet", "-k", "4", *words)
    assert answer.code == 0, answer.err
    return pl.read_parquet("all.parquet"), answer.err


def test_lists_by_ids_after_the_log_grew(ask: Callable, finished: Path, clicks: Path) -> None:
    before, said = lists(ask)
    assert said == ""
    user = str(before["user"][0])
    known = json.loads(ask("recommend", "runs/tiny", "--user", user, "-k", "4", "--json").out)
    assert [(row["item"], row["score"]) for row in known] == before.filter(pl.col("user").cast(pl.String) == user).select(
        "item", "score"
    ).rows()
    shutil.copy(clicks, "then.csv")
    grow(clicks)
    after, said = lists(ask)
    assert said.startswith(f"note: {clicks} {CHANGED} (SHA-256 ")
    assert "items and users are matched by their ids\n" in said
    same = before.with_columns(pl.col("user").cast(pl.String))
    assert after.filter(pl.col("user") != "0new").sort("user", "rank").equals(same.sort("user", "rank"))
    assert after.filter(user="0new").height == 4
    assert ask("recommend", "runs/tiny", "--user", "0new", "-k", "2").code == 0
    assert lists(ask, "--log", "then.csv")[1] == ""


def test_what_measures_refuses_a_changed_log(ask: Callable, finished: Path, clicks: Path) -> None:
    kept = ask("evaluate", "runs/tiny", "--seen", "remove", "--json").out
    shutil.copy(clicks, "then.csv")
    grow(clicks)
    for words in (("evaluate", "runs/tiny", "--seen", "remove"), ("compare", "runs/tiny"), ("attack", "runs/tiny", "--smoke")):
        answer = ask(*words)
        assert (answer.code, answer.out) == (2, "")
        assert f"{clicks} {CHANGED}" in answer.err
        assert answer.err.endswith("give the log of then with --log, or train again in another folder\n")
        assert "--log" in ask(words[0], "--help").out
    assert ask("evaluate", "runs/tiny", "--seen", "remove", "--json", "--log", "then.csv").out == kept
    assert ask("compare", "runs/tiny", "--log", "then.csv").code == 0
    assert "which names its own" in ask("attack", "robustness-filmtrust", "--log", "then.csv").err
    assert "is none; leave it out" in ask("compare", "clicks.csv", "--log", "then.csv").err


def test_training_again_on_a_changed_log(ask: Callable, finished: Path, clicks: Path) -> None:
    first = json.loads(ask("train", "own.yaml", "--json").out)
    (finished / "result.json").rename("result.json")  # as if it had been cut before the end
    grow(clicks)
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    cut = ask("train", "own.yaml", "--device", "cpu")
    shutil.move("result.json", finished / "result.json")
    done = ask("train", "own.yaml")
    for answer in (cut, done):
        assert (answer.code, answer.out) == (2, "")
        assert f"clicks.csv {CHANGED}" in answer.err
        assert answer.err.endswith("choose another folder with --out, or delete it\n")
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.name != "result.json"}.items() <= before.items()
    clicks.unlink()
    assert json.loads(ask("train", "own.yaml", "--json").out) == first, "without its log a finished run is still read"


def test_a_comparison_of_a_grown_log_stops_before_anything_runs(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    assert ask("compare", "clicks.csv", "--models", "popularity", "--quiet").code == 0
    grow(clicks)
    for models in ("popularity", "markov,popularity"):
        answer = ask("compare", "clicks.csv", "--models", models)
        assert answer.code == 2
        assert "ndcg@10" not in answer.out
        assert "clicks.csv has changed since the run in runs/compare-clicks/popularity-clicks-seed0" in answer.err
    assert [path.name for path in (tmp_path / "runs/compare-clicks").iterdir() if path.is_dir()] == ["popularity-clicks-seed0"]
    assert ask("compare", "clicks.csv", "--models", "popularity", "--quiet", "--out", "again").code == 0


def test_a_run_opened_from_another_folder(
    ask: Callable, finished: Path, clicks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lists(ask)[0]
    other = tmp_path / "other"
    shutil.copytree(finished, other / "runs/tiny")
    monkeypatch.chdir(other)
    tiny_dataset(9).events.write_csv("clicks.csv")  # somebody else's log of that name
    assert lists(ask)[0].equals(before)
    clicks.rename(tmp_path / "moved.csv")
    (tmp_path / "items.csv").unlink()
    refused = ask("recommend", "runs/tiny", "--all", "x.parquet")
    assert refused.code == 2
    assert "clicks.csv has changed since" in refused.err
    assert "--log" in refused.err
    (other / "clicks.csv").unlink()
    gone = ask("recommend", "runs/tiny", "--all", "x.parquet")
    assert gone.err == f"error: the log of runs/tiny is not at {clicks}; say where it is now with --log\n"
    assert not (other / "x.parquet").exists()


def test_a_saved_model_with_a_log(ask: Callable, finished: Path, clicks: Path) -> None:
    before = lists(ask, "--seen", "remove")[0]
    assert ask("recommend", "runs/tiny/model", "--all", "b.parquet", "-k", "4", "--log", clicks).code == 0
    assert pl.read_parquet("b.parquet").equals(before)


def test_listed_ids_are_ids(ask: Callable, tmp_path: Path) -> None:
    titles = ["Apollo 13", "Heat", "Fargo", "Vertigo", "Psycho", "Alien"]
    rows = [(user, 100 + (user + step) % 6, step) for user in range(12) for step in range(4)]
    pl.DataFrame(rows, schema=["user", "item", "timestamp"], orient="row").write_csv("log.csv")
    pl.DataFrame({"item": range(100, 106), "title": titles}).write_csv("films.csv")
    assert ask("compare", "log.csv", "--catalog", "films.csv", "--models", "popularity", "--out", "runs", "--quiet").code == 0
    run = "runs/popularity-log-seed0"
    typed = ask("recommend", run, "13")
    assert (typed.code, typed.out) == (2, "")
    assert "no item has the id or title '13'" in typed.err

    def asked(content: bytes, option: str) -> tuple[int, set[int], str]:
        (tmp_path / "ids.txt").write_bytes(content)
        answer = ask("recommend", run, "102", "-k", "20", option, "ids.txt", "--json")
        return answer.code, {row["item"] for row in json.loads(answer.out or "[]")}, answer.err

    every = {100, 101, 103, 104, 105}
    code, items, said = asked(b"13\n101\n", "--deny")
    assert (code, items) == (0, every - {101})
    assert said.startswith("note: ids.txt: 1 of 2 lines are no id of an item of the model")
    assert asked(b"\xef\xbb\xbf100\r\n101\n\n", "--allow") == (0, {100, 101}, "")
    code, items, said = asked(b"apollo 13\n104", "--allow")
    assert (code, items, "1 of 2 lines" in said) == (0, {104}, True)
    code, items, said = asked(b"100\n110\n0100\n", "--allow")
    assert (code, items) == (0, {100})
    assert "2 of 3 lines" in said
    code, items, said = asked(b"13\n", "--allow")
    assert (code, items, said.count("\n")) == (2, set(), 1)
    assert "so nothing is left to recommend" in said


def test_lists_follow_the_rule_that_the_run_was_measured_under(ask: Callable, trained: Path, tmp_path: Path) -> None:
    shown = {}
    for rule in ((), ("--seen", "keep"), ("--seen", "remove")):
        answer = ask("recommend", str(trained), "--all", str(tmp_path / "lists.csv"), *rule)
        assert answer.code == 0, answer.err
        shown[rule] = (tmp_path / "lists.csv").read_text()
    assert load_run(trained).test.seen == "keep", "people of the tiny log come back to items"
    assert shown[()] == shown["--seen", "keep"] != shown["--seen", "remove"]
    assert "use remove or keep" in ask("recommend", str(trained), "--all", "x.csv", "--seen", "some").err


def test_a_log_of_other_items_is_told(ask: Callable, trained: Path, tmp_path: Path) -> None:
    events = pl.DataFrame(tiny_dataset().events)
    for share, code, said in (
        (0.5, 0, "of items that the model does not know"),
        (1.0, 2, "no item of the data is known to the model"),
    ):
        renamed = pl.int_range(pl.len()) < share * pl.len()
        item = pl.when(renamed).then(pl.format("other{}", "item")).otherwise("item").alias("item")
        events.with_columns(item).write_csv(tmp_path / "other.csv")
        answer = ask("recommend", str(trained), "--all", "lists.csv", "--log", str(tmp_path / "other.csv"))
        assert answer.code == code
        assert said in answer.err
