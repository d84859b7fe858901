"""The verbs on a tiny log and a random language model: they run, resume, repeat themselves, and refuse in one sentence."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
import yaml

from reverie.cli.main import run
from reverie.llm.interpreter.recipe import INTERPRETER
from reverie.testing import tiny_dataset

RECIPE = {
    "name": "small",
    "recommender": {
        "dataset": {"name": "clicks.csv", "catalog": "items.csv"},
        "split": {"protocol": "by_user", "valid": 0.2, "test": 0.2},
        "model": {"name": "dreamrec", "dim": 16, "history": 8},
        "training": {"epochs": 1, "batch_size": 16},
    },
    "backbone": {"name": "tiny"},
    "adapter": {"kind": "position", "tokens": 2, "start": "titles"},
    "windows": {"length": 4, "shortest": 3, "train": 40, "valid": 4, "test": 4},
    "training": {"steps": 4, "validate_every": 2, "checkpoint_seconds": 0, "warmup_steps": 0},
    "test": {"free": ["model", "shuffled", "random", "text-only"], "constrained": ["model"], "ranked": 9},
}

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log, a recipe and its finished run."""
    folder = tmp_path_factory.mktemp("world")
    data = tiny_dataset()
    data.events.write_csv(folder / "clicks.csv")
    data.catalog.write_csv(folder / "items.csv")
    (folder / "small.yaml").write_text(yaml.safe_dump(RECIPE))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("REVERIE_CACHE", str(folder / "cache"))
        patch.setattr(
            sys, "argv", ["reverie", "interpret", "small.yaml", "--quiet", "--device", "cpu", "--results", "language.csv"]
        )
        run()
    return folder


@pytest.fixture
def ask(world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    monkeypatch.chdir(world)
    monkeypatch.setenv("REVERIE_CACHE", str(world / "cache"))

    def asked(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["reverie", *map(str, words), "--device", "cpu"])
        capsys.readouterr()
        try:
            run()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, "".join(line for line in err.splitlines(keepends=True) if not line.startswith("read as: "))

    return asked


def test_the_page_shows_people_and_what_was_imagined(world: Path) -> None:
    page = (world / "runs" / "small" / "report.html").read_text(encoding="utf-8")
    table = json.loads((world / "runs" / "small" / "table.json").read_text())
    recall = next(r for r in table["rows"] if (r["task"], r["row"], r["decoding"]) == ("recovery", "model", "free"))["metrics"][
        "recall"
    ]
    assert f"names {recall['value']:.0%} of a person's last 4 titles" in unescape(page)
    assert page.count('class="card example"') == 4
    assert 'id="imagined"' in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_added_item_is_ranked_among_drawn_titles(world: Path) -> None:
    table = json.loads((world / "runs" / "small" / "table.json").read_text())
    ranks = {row["row"]: row["metrics"]["rank"]["value"] for row in table["rows"] if "rank" in row["metrics"]}
    assert {"model", "shuffled", "text-only", "text-history", "nearest-after-dot", "nearest-residual-cosine"} <= set(ranks)
    assert all(1 <= rank <= 10 for rank in ranks.values())
    kept = json.loads((world / "runs" / "small" / "answers" / "residual-model-ranks.json").read_text())
    assert sum(kept) / len(kept) == pytest.approx(ranks["model"])


def test_the_table_has_all_controls(world: Path) -> None:
    with (world / "language.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    found = {(r["task"], r["row"], r["decoding"]) for r in rows}
    for task in ("recovery", "residual"):
        assert {(task, row, "free") for row in ("model", "shuffled", "random", "text-only")} <= found
        assert {(task, "model", "constrained"), (task, "popularity", "")} <= found
    assert {("recovery", name, "") for name in ("nearest-dot", "nearest-cosine", "linear-probe")} <= found
    assert {
        ("residual", "text-history", "free"),
        ("residual", "nearest-residual-dot", ""),
        ("residual", "nearest-after-cosine", ""),
    } <= found
    made_up = [r for r in rows if r["metric"] == "hallucination" and r["decoding"] == "constrained" and r["task"] == "recovery"]
    assert made_up
    assert all(float(r["value"]) == 0 for r in made_up)
    assert all(r["recipe"] == "small" and r["model"] == "dreamrec" for r in rows)
    assert {r["metric"] for r in rows} >= {
        "recall",
        "precision",
        "wrong_but_real",
        "order",
        "ave_recover",
        "gain:recall",
        "accuracy",
    }


def test_the_same_command_again_reads_what_is_there(world: Path, ask: Ask) -> None:
    before = (world / "language.csv").read_text()
    code, out, _ = ask("interpret", "small.yaml", "--json", "--results", "language.csv")
    assert code == 0
    assert json.loads(out)["table"] == json.loads((world / "runs/small/table.json").read_text())
    assert (world / "language.csv").read_text() == before


def test_a_cut_teaching_ends_at_the_same_weights(world: Path, ask: Ask) -> None:
    cut = world / "cut"
    cut.mkdir()
    shutil.copytree(world / "runs/small/recommender", cut / "recommender")
    shutil.copy(world / "runs/small/interpreter.yaml", cut)
    program = "reverie.llm.interpreter.session"
    module = sys.modules[program]
    original, calls = module.target_loss, []

    def failing(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "target_loss", failing)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            raise SystemExit(ask("interpret", "small.yaml", "--out", "cut", "--quiet")[0])
    assert (cut / "state" / "state.json").is_file()
    assert ask("interpret", "small.yaml", "--out", "cut", "--quiet")[0] == 0
    assert (cut / "adapter/adapter.safetensors").read_bytes() == (world / "runs/small/adapter/adapter.safetensors").read_bytes()


def test_explain_prints_and_repeats_itself(ask: Ask) -> None:
    code, out, _ = ask("explain", "--run", "runs/small", "--user", "100")
    assert code == 0
    for said in (
        "history: Tale",
        "the state says:",
        "faithfulness",
        "controls: shuffled",
        "oracle item, in words",
        "nearest items",
    ):
        assert said in out
    first = json.loads(ask("explain", "--run", "runs/small", "--user", "100", "--json")[1])
    assert first == json.loads(ask("explain", "--run", "runs/small", "--user", "100", "--json")[1])
    assert first["faithfulness"] == pytest.approx(first["recall"] - max(first["controls"].values()))
    assert len(first["imagined"]["nearest"]) == 5


def test_a_log_and_its_catalogue_are_explained_by_one_command(ask: Ask, world: Path) -> None:
    small = (
        "backbone.name=tiny",
        "training.steps=2",
        "training.warmup_steps=0",
        "windows.train=20",
        "recommender.training.epochs=1",
    )
    words = ["explain", "clicks.csv", "--catalog", "items.csv", "--json", *(word for one in small for word in ("--set", one))]
    code, out, _ = ask(*words)
    assert code == 0
    found = json.loads(out)
    assert found["part"] == "test"
    assert all(title.startswith("Tale") for title in found["history"])
    made = {path: path.stat().st_mtime_ns for path in (world / "runs/explain-clicks").rglob("*.safetensors")}
    assert json.loads(ask(*words, "--user", "100")[1])["user"] == "100"
    assert {path: path.stat().st_mtime_ns for path in made} == made, "nothing is trained twice"
    assert ask("explain", "--run", "runs/explain-clicks", "--user", "100")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("explain",), "give a log, as in"),
        (("explain", "clicks.csv", "--run", "runs/small"), "give a log, as in"),
        (("explain", "--run", "runs/small", "--catalog", "items.csv"), "options of a log, --set and --out belong to a log"),
        (("explain", "clicks.csv", "--log", "other.csv"), "clicks.csv is a log itself"),
        (("explain", "clicks.csv", "--out", "h", "--set", "backbone.name=tiny"), "the items have no titles"),
        (("explain", "nothing.csv", "--catalog", "items.csv", "--out", "h"), "nothing.csv"),
        (("explain", "--run", "runs/small", "--user", "nobody"), "user 'nobody' is not in the dataset"),
        (("explain", "--run", "runs/none", "--user", "100"), "holds no interpreter"),
        (("interpret", "recinterpreter-sasrec"), "did you mean"),
        (("interpret",), "say which recipe"),
        (("interpret", "small.yaml", "--out", "runs/small", "--set", "training.steps=5"), "of another recipe"),
        (("interpret", "small.yaml", "--set", "training.step=5"), "did you mean 'steps'"),
        (("interpret", "small.yaml", "--out", "a", "--set", "windows.length=9"), "the model reads 8 events and a window has 9"),
        (("interpret", "small.yaml", "--out", "b", "--set", "recommender.split={protocol: leave_one_out}"), "use by_user"),
        (("interpret", "small.yaml", "--out", "c", "--set", "tasks.recovery.template=item"), "no key"),
        (("interpret", "small.yaml", "--out", "d", "--set", "recommender.model={name: markov}"), "has no hidden states"),
        (("interpret", "small.yaml", "--out", "e", "--set", "backbone.name=nowhere"), "there is no folder nowhere"),
        (("interpret", "small.yaml", "--out", "f", "--set", "test.free=[modell]"), "unknown row 'modell'"),
        (
            ("interpret", "small.yaml", "--out", "g", "--set", "tasks={recovery: {template: recovery, share: 0}}"),
            "every share is 0",
        ),
    ],
)
def test_mistakes_are_one_sentence(ask: Ask, words: tuple[str, ...], said: str) -> None:
    if said == "no key":
        words = (*words[:-1], "tasks={recovery: {template: item}}")
        said = "lacks its slot {history}"
    code, _, err = ask(*words)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_a_changed_log_is_named_before_anything_runs(
    ask: Ask, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = world / "clicks.csv"
    then, files = log.read_text(), {path: path.stat().st_mtime_ns for path in (world / "runs").rglob("*")}
    (world / "then.csv").write_text(then)
    try:
        log.write_text(then.rstrip("\n").rpartition("\n")[0] + "\n")
        for words, remedy in (
            (("explain", "--run", "runs/small", "--user", "100"), "give the log of then with --log"),
            (("interpret", "small.yaml"), "choose another folder with --out"),
        ):
            code, out, err = ask(*words)
            assert (code, out) == (2, "")
            assert "has changed since the run in runs/small/recommender was made from it" in err
            assert remedy in err
        assert {path: path.stat().st_mtime_ns for path in (world / "runs").rglob("*")} == files
        said = ask("explain", "--run", "runs/small", "--user", "100", "--log", "then.csv", "--json")[1]
    finally:
        log.write_text(then)
    monkeypatch.chdir(tmp_path)  # where no such file lies
    assert ask("explain", "--run", world / "runs/small", "--user", "100", "--json")[1] == said


def test_a_folder_is_taken_only_when_the_input_is_good(ask: Ask, world: Path) -> None:
    (world / "twins.csv").write_text((world / "items.csv").read_text().replace("Tale 03", "Tale 02"))
    data = "recommender.dataset={name: clicks.csv, catalog: twins.csv}"
    said = ("interpret", "small.yaml", "--out", "twins", "--set", data, "--set", "test={free: [model], constrained: []}")
    code, _, err = ask(*said)
    assert (code, "set titles.duplicates: share" in err) == (2, True)
    assert not (world / "twins").exists()
    code, _, err = ask(*said, "--set", "titles.duplicates=share", "--quiet")
    assert (code, err) == (0, "")


def test_every_packaged_recipe_is_valid_and_has_a_smoke() -> None:
    for name in INTERPRETER.files():
        assert INTERPRETER.load(name).name == name
        assert INTERPRETER.load(name, smoke=True).backbone.name == "tiny"
