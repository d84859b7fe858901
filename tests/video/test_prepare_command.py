from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from video_files import encode, grey

from reverie.cli.main import run


@pytest.fixture
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two clips with labels, and one that is none; the working folder is beside them."""
    monkeypatch.chdir(tmp_path)
    for label in ("down", "up"):
        (tmp_path / "videos" / label).mkdir(parents=True)
        encode(tmp_path / "videos" / label / "a.mp4", grey(5, first=30 if label == "up" else 90))
    (tmp_path / "videos" / "up" / "b.mp4").write_text("no")
    return tmp_path / "videos"


def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run a command, and return its exit code and what it printed."""
    monkeypatch.setattr(sys, "argv", ["reverie", "video", *map(str, words)])
    capsys.readouterr()
    code: int | str | None = 0
    try:
        run()
    except SystemExit as stop:
        code = stop.code
    printed = capsys.readouterr()
    return int(code or 0), printed.out, printed.err


def test_prepare_says_what_is_there_and_as_json_the_same(
    videos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ask(monkeypatch, capsys, "prepare", videos, "--size", 16)
    assert code == 0
    assert "3 files; at most 0 MB to write into clips/videos-16px" in err
    assert "2 clips of 5 frames, 16 x 16 pixels" in out
    assert "up/b.mp4" in out
    code, out, err = ask(monkeypatch, capsys, "prepare", videos, "--size", 16, "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["clips"], found["read_now"], found["classes"]) == (2, 0, {"down": 1, "up": 1})
    assert [one["file"] for one in found["skipped"]] == ["up/b.mp4"]
    assert ask(monkeypatch, capsys, "prepare", videos, "--size", 16, "--quiet") == (0, "", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere is no folder"),
        (("videos/up/a.mp4",), "is no folder"),
        (("empty",), "empty holds no video"),
        (("videos/only",), "no clip in videos/only can be read (b.mp4: is no video that can be read"),
        (("videos", "--out", "videos/up/x"), "choose another folder with --out"),
        (("videos", "--out", "full"), "full is not empty"),
        (("videos", "--layout", "movies"), "unknown layout 'movies'"),
        (("videos", "--layout", "ucf101"), "does not exist"),
        (("tabled",), "names a file that is missing, such as gone.mp4"),
        (("unlabelled",), "label 'two' has no clips"),
    ],
)
def test_bad_input_is_one_sentence(
    videos: Path, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("empty", "full", "tabled", "unlabelled/one", "unlabelled/two"):
        Path(name).mkdir(parents=True)
    Path("full/notes.txt").write_text("mine")
    Path("tabled/clips.csv").write_text("file,label\ngone.mp4,up\n")
    os.link(videos / "up" / "a.mp4", "unlabelled/one/a.mp4")
    if words[0] == "videos/only":
        (videos / "only").mkdir()
        os.link(videos / "up" / "b.mp4", videos / "only" / "b.mp4")
    code, out, err = ask(monkeypatch, capsys, "prepare", *words)
    lines = [line for line in err.splitlines() if not line.startswith("note: ")]
    assert (code, out, len(lines)) == (2, "", 1)
    assert lines[0].startswith("error: ")
    assert said in lines[0]
    assert sorted(one.name for one in Path("full").iterdir()) == ["notes.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_name_that_is_no_text_is_refused_before_anything_is_written(
    videos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    os.link(videos / "up" / "a.mp4", os.fsencode(videos / "up") + b"/\xff.mp4")
    code, _, err = ask(monkeypatch, capsys, "prepare", videos)
    assert code == 2
    assert "is not UTF-8; rename the file" in err
    assert not Path("clips").exists()
