from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch

import reverie as rv
from reverie.cli import main
from reverie.data.readers.writing import write_dataset
from reverie.data.splits import leave_one_out
from reverie.evaluation import recommend_all
from reverie.models import create_model, save_model
from reverie.testing.data import tiny_dataset, tiny_split

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run the command in a folder with a log and two systems' lists; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    write_dataset(tiny_dataset(), tmp_path / "log.parquet")
    split = leave_one_out(rv.read_events(tmp_path / "log.parquet"))
    for name in ("popularity", "markov"):
        model = create_model(name, split)
        rv.fit(model, split, show=False)
        lists = recommend_all(model, split.test, k=12)
        lists.drop("score").write_csv(tmp_path / f"{name}.csv")
        lists.drop("rank").rename({"user": "user_id", "item": "item_id"}).write_parquet(tmp_path / f"{name}-scores.parquet")
    vocabulary, test = split.vocabulary, split.test
    truth = {"user": vocabulary.users.gather(test.users), "item": vocabulary.items.gather(test.targets - 1)}
    pl.DataFrame(truth).write_csv(tmp_path / "truth.tsv", separator="\t")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["reverie", *arguments])
        code = 0
        try:
            main.run()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return run


SPLIT = ("--dataset", "log.parquet", "--protocol", "leave_one_out")


def test_systems_beside_baselines(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("judge", "a=popularity.csv", "b=markov.csv,markov-scores.parquet", *SPLIT, "--json", "--results", "out.csv")
    found = json.loads(out)
    rows = {row["system"]: row for row in found["rows"]}
    assert code == 0
    assert set(rows) == {"a", "b", "popularity", "recent-popularity", "markov"}
    assert rows["b"]["seeds"] == 2
    assert len(found["pairs"]) == 10
    assert rows["a"]["metrics"]["ndcg@10"]["low"] < rows["a"]["metrics"]["ndcg@10"]["value"]
    table = pl.read_csv(tmp_path / "out.csv")
    assert table.filter(pl.col("metric") == "recall@10")["model"].sort().to_list() == sorted(rows)
    code, out, _ = call("judge", "popularity.csv", "--name-is-not-an-option")
    assert code == 2


def test_table_and_warnings(call: Call) -> None:
    lists = pl.read_csv("markov.csv")
    lists = pl.concat([lists.filter(pl.col("user") != lists["user"][0]), pl.DataFrame({"user": [9], "item": ["zz"], "rank": [1]})])
    lists.cast({"item": pl.String}).write_csv("odd.csv")
    code, out, _ = call("judge", "odd.csv", *SPLIT, "-k", "5")
    assert code == 0
    for words in ("ndcg@5", "baseline", "1 of 48 users have no list", "lists of 1 users nobody asks about", "Holm-corrected"):
        assert words in " ".join(out.split())


def test_truth_file_with_and_without_history(call: Call) -> None:
    pl.read_parquet("log.parquet").write_csv("history.csv")
    code, out, _ = call("judge", "a=markov.csv", "--truth", "truth.tsv", "--history", "history.csv", "--json")
    found = json.loads(out)
    assert code == 0
    assert [w for w in found["warnings"] if "48 of 48 truths also stand in the history" in w]
    code, out, _ = call("judge", "a=markov.csv", "--truth", "truth.tsv", "--json")
    (row,) = json.loads(out)["rows"]
    assert code == 0
    assert list(row["metrics"]) == ["recall@10", "ndcg@10", "mrr@10"]


def test_seen_items_and_a_suspicious_system(call: Call) -> None:
    tiny_dataset().events.unique(["user", "item"], keep="first", maintain_order=True).write_parquet("log.parquet")
    split = leave_one_out(rv.read_events("log.parquet"))
    model = create_model("popularity", split)
    rv.fit(model, split, show=False)
    recommend_all(model, split.test, k=20, exclude_seen=False).drop("score").write_csv("seen.csv")
    texts = [" ".join(call("judge", "seen.csv", *SPLIT, *more)[1].split()) for more in ((), ("--drop-seen",))]
    assert "shown is the former" in texts[0]
    assert "shown is the latter" in texts[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("markov.csv",), "say what is true: --dataset with --protocol, or --truth"),
        (("markov.csv", *SPLIT, "--truth", "truth.tsv"), "say what is true"),
        (("markov.csv", *SPLIT, "--on", "train"), "--on train is not possible"),
        (("markov.csv", "--dataset", "log.parquet", "--protocol", "leave_one"), "unknown protocol 'leave_one'"),
        (("a=markov.csv", "--dataset", "log.parquet", "--protocol", "by_sequence"), "asks several times about a user"),
        (("markov.csv", *SPLIT), "'markov.csv' needs a name of its own"),
        (("a=markov.csv", "a=popularity.csv", *SPLIT), "needs a name of its own"),
        (("a=", *SPLIT), "'a=' names no file"),
        (("a=markov.csv", *SPLIT, "-k", "15"), "a has lists of at most 12 items, so nothing can be said at 15; ask for -k 12"),
        (("a=nothing.csv", *SPLIT), "nothing.csv"),
        (("a=empty.csv", *SPLIT), "empty.csv"),
        (("a=markov.csv", *SPLIT, "--user", "member"), "has no column 'member'"),
        (("a=truth.tsv", *SPLIT), "no rank or score column"),
        (("a=twice.csv", *SPLIT), "more than once, in rows 1 and 13"),
        (("a=markov.csv", *SPLIT, "--by", "luck"), "by='luck'"),
    ],
)
def test_bad_requests_are_one_sentence(call: Call, arguments: tuple[str, ...], message: str) -> None:
    Path("empty.csv").write_text("")
    lists = pl.read_csv("markov.csv")
    pl.concat([lists.head(12), lists.head(1)]).write_csv("twice.csv")
    code, _, errors = call("judge", *arguments)
    assert code == 2
    assert message in errors
    assert len([line for line in errors.strip().splitlines() if not line.startswith("read as: ")]) == 1


def test_export(call: Call) -> None:
    save_model(create_model("sasrec", tiny_split(), dim=8, history=6), "model")
    code, out, _ = call("export", "model", "exported", "--json")
    manifest = json.loads(out)
    assert code == 0
    program = torch.export.load(Path("exported") / manifest["encoder"]).module()
    assert program(torch.tensor([[3, 4, 0]]), torch.tensor([2])).shape == (1, 8)
    assert call("export", "model", "other", "--format", "tflite")[:1] == (2,)
    assert "no model" in call("export", "nowhere", "other")[2]
