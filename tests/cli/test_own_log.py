"""A log of one's own on the command line: one set of options, what it was read as, and advice that the command takes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import typer

from reverie.cli.advice import in_flags
from reverie.cli.log_options import OPTIONS
from reverie.cli.main import app
from reverie.testing import tiny_dataset
from reverie.training.recipe import DatasetRecipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMAND: Any = typer.main.get_command(app)


def _commands(command: Any, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = getattr(command, "commands", {})
    return [found for name, one in inner.items() for found in _commands(one, (*words, name))] or [words]


@pytest.mark.parametrize("words", _commands(COMMAND), ids=" ".join)
def test_no_command_advises_an_option_that_it_lacks(words: tuple[str, ...]) -> None:
    command = COMMAND
    for word in words:
        command = command.commands[word]
    flags = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    for name in OPTIONS:
        advice = in_flags(f"the file has none: name one with {name}=", COMMAND, [*words, "log.csv"])
        assert f" {name}=" not in advice.replace(f"--set {name}=", "")
        flag = re.findall(r"--[a-z-]+", advice)[0]
        assert flag in flags or "of 'reverie data convert'" in advice
    if "--set" in flags:
        key = re.findall(r"dataset\.(\w+)", in_flags("say columns=user,item,-", COMMAND, words))
        assert not key or key[0] in DatasetRecipe.model_fields or "--columns" in flags


def test_values_of_advice_stay_and_sentences_of_python_too() -> None:
    said = "say columns=user,item,- ('-' skips one), or layout=gowalla; or day_first=True or day_first=False; in Python with top=25"
    words = "say --columns user,item,- ('-' skips one), or --layout gowalla; or --day-first or --month-first; in Python with top=25"
    assert in_flags(said, COMMAND, ["compare", "log.csv"]) == words
    assert "--set dataset.layout=gowalla" in in_flags(said, COMMAND, ["train", "mine.yaml"])


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A log without a header, its fields behind ``::``."""
    path = tmp_path / "bare.dat"
    path.write_text("".join(f"{u}::{i}::5::{t}\n" for u, i, t in tiny_dataset().events.select("user", "item", "timestamp").rows()))
    return path


def test_a_log_without_a_header_in_every_verb(ask: Callable, bare: Path, tmp_path: Path) -> None:
    tiny_dataset().catalog.select("item", "title").write_csv(tmp_path / "items.csv")
    for words in (
        ["data", "describe", bare],
        ["data", "convert", bare, "out.csv"],
        ["compare", bare, "--models", "popularity", "-q"],
    ):
        refused = ask(*words)
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert "--columns user,item,timestamp,-" in refused.err
    (tmp_path / "bare.yaml").write_text("name: bare\ndataset:\n  name: bare.dat\nmodel:\n  name: popularity\n")
    assert "--set dataset.columns=user,item" in ask("train", "bare.yaml").err
    said = ["--columns", "user,item,-,timestamp", "--catalog", "items.csv"]
    digests = set()
    for words in (["data", "describe", bare, *said], ["compare", bare, *said, "--models", "popularity"]):
        answer = ask(*words, "--json")
        assert answer.code == 0, answer.err
        found = json.loads(answer.out)
        assert found["read_as"]["columns"] == {"user": "user", "item": "item", "timestamp": "timestamp"}
        assert "'::' between fields, no header" in answer.read_as
        digests.add(found.get("sha256"))
    trained = ask("train", "bare.yaml", "--set", "dataset.columns=user,item,-,timestamp", "--json")
    assert trained.code == 0, trained.err
    assert json.loads(trained.out)["read_as"]["form"] == "'::' between fields, no header"
    run = next((tmp_path / "runs").glob("compare-bare/popularity*"))
    assert "columns: user,item,-,timestamp" in (run / "recipe.yaml").read_text()
    lists = ask("recommend", run, "--all", "lists.csv", "-k", "2")
    assert lists.code == 0, lists.err
    judged = ask("judge", "lists.csv", "--dataset", bare, "--columns", "user,item,-,timestamp", "-k", "2", "--json")
    assert judged.code == 0, judged.err


def test_rivals_kinds_and_repeats_are_said_in_one_line(ask: Callable, tmp_path: Path) -> None:
    rows = ["1,9,a,view,1577836800,2020-01-01", "1,9,a,view,1577836800,2020-01-01", "2,9,b,buy,1577923300,2020-01-02"]
    (tmp_path / "log.csv").write_text("user_id,session_id,sku,event,ts,date\n" + "\n".join(rows) + "\n")
    answer = ask("data", "convert", "log.csv", "out.csv", "--json")
    line = answer.said.splitlines()
    assert len(line) == 1
    for part in ("user 'user_id' (not session_id)", "timestamp 'ts' (not date)", "kinds ", "dropped 1 rows that repeat"):
        assert part in line[0]
    found = json.loads(answer.out)["read_as"]
    assert found["rivals"] == {"user": ["session_id"], "timestamp": ["date"]}
    assert found["kinds"] == {"view": 1, "buy": 1}
    assert ask("compare", "log.csv", "--models", "popularity", "--quiet").err.startswith("error: ")


def test_a_catalogue_of_other_ids_is_a_warning_with_an_id_of_each_side(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("item,title\nSKU-1,A\nSKU-2,B\n")
    answer = ask("data", "describe", clicks, "--catalog", "other.csv")
    assert answer.code == 0
    warning = answer.err.splitlines()[-1]
    assert warning.startswith("warning: the catalogue other.csv has 0 of the ")
    assert "'SKU-1'" in warning
    assert "--item" in warning


def test_a_typed_title_is_said_and_files_of_ids_hold_ids_alone(ask: Callable, trained: Path, tmp_path: Path) -> None:
    from reverie.models import load_model

    title = load_model(trained).card.vocabulary.title(1)
    answer = ask("recommend", trained, title.upper(), "-k", "2")
    assert answer.code == 0, answer.err
    assert f"note: '{title.upper()}' is taken for '{title}', item " in answer.err
    assert ask("recommend", trained, title, "-k", "2").err == ""
    (tmp_path / "deny.txt").write_text(f"{title}\n")
    assert "1 of 1 lines are no id of an item" in ask("recommend", trained, title, "-k", "2", "--deny", "deny.txt").err


def test_files_of_one_judgement_may_name_columns_differently(ask: Callable, tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("who,what\n1,10\n")
    (tmp_path / "recs.csv").write_text("user,item,rank\n1,10,1\n")
    judged = ask("judge", "recs.csv", "--truth", "truth.csv", "--user", "who", "--item", "what", "-k", "1")
    assert judged.code == 0, judged.err
    refused = ask("judge", "recs.csv", "--truth", "truth.csv", "--user", "whom", "--item", "what", "-k", "1")
    assert "no column 'whom' (did you mean 'who'?)" in refused.err
