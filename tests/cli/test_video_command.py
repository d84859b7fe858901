"""`reverie video study` on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from reverie.cli.main import run

TINY = "networks.tsm.set={widths: [8, 8], blocks: [1, 1], strides: [1, 2]}"


def _reverie(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["reverie", "video", *words])
    try:
        run()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_a_study_runs_and_says_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ("--set", TINY, "--set", "methods={none: {kind: none}}", "--set", "claims=[]", "--set", "training.steps=1")
    assert _reverie(monkeypatch, "study", "video-demo", "--smoke", *settings, "--json", "--results", "rows.csv") == 0
    said = json.loads(capsys.readouterr().out)
    assert {(row["weights"], row["checkpoint"]) for row in said["rows"]} >= {("ema", "valid"), ("student", "best-test")}
    assert said["files"] == ["runs/video-demo-smoke/report.html", "runs/video-demo-smoke/summary.json"]
    page = (tmp_path / said["files"][0]).read_text(encoding="utf-8")
    assert "reverie video study video-demo" in page
    assert (tmp_path / "rows.csv").read_text(encoding="utf-8").count("\n") > 10


def test_recipes_of_studies_are_listed_and_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _reverie(monkeypatch, "study", "--list", "--json") == 0
    parts = {f"video-{clips}-{network}" for clips in ("colours", "fight", "100", "500", "2000") for network in ("tsm", "mvit")}
    parts |= {f"video-{part}-{clips}" for part in ("ablations", "options") for clips in ("fight", "500")} | {
        "video-demo",
        "video-clip-world",
    }
    assert parts == {one["name"] for one in json.loads(capsys.readouterr().out)}
    monkeypatch.setattr(sys, "argv", ["reverie", "recipes", "copy", "video-500-mvit", str(tmp_path / "mine.yaml")])
    run()
    assert "shapes-500" in (tmp_path / "mine.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("video-dmo",), "no video recipe 'video-dmo' (did you mean 'video-demo'?); see 'reverie video study --list'"),
        (("video-demo", "--set", "traning.steps=2"), "unknown option 'traning' (did you mean 'training'?)"),
        (("video-demo", "--smoke", "--set", "sets.shapes-100.kind=no-such-set", "--set", "sets.shapes-100.set={}"), "no-such-set"),
        (("video-demo", "--smoke", "--set", "training.augment.flip=0.5"), "a mirror image of 'moving-shapes' is of another class"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _reverie(monkeypatch, "study", *words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").rglob("piece.json"))
