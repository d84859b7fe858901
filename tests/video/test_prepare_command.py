from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from video_files import encode, grey

from reverie.cli.main import run
from reverie.errors import ReverieError
from reverie.video.prepare import prepare_folder
from reverie.video.preparing.options import PrepareOptions


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


BAD = (
    (("nowhere", "out", "auto"), "nowhere is no folder"),
    (("videos/up/a.mp4", "out", "auto"), "is no folder"),
    (("empty", "out", "auto"), "empty holds no video"),
    (("only", "out", "auto"), "no clip in only can be read (b.mp4: is no video that can be read"),
    (("videos", "videos/up/x", "auto"), "choose another folder with --out"),
    (("videos", "full", "auto"), "full is not empty"),
    (("videos", "out", "movies"), "unknown layout 'movies'"),
    (("videos", "out", "ucf101"), "does not exist"),
    (("tabled", "out", "auto"), "names a file that is missing, such as gone.mp4"),
    (("unlabelled", "out", "auto"), "label 'two' has no clips"),
)


def test_bad_input_is_one_sentence(videos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("empty", "full", "only", "tabled", "unlabelled/one", "unlabelled/two"):
        Path(name).mkdir(parents=True)
    Path("full/notes.txt").write_text("mine")
    Path("tabled/clips.csv").write_text("file,label\ngone.mp4,up\n")
    os.link(videos / "up" / "a.mp4", "unlabelled/one/a.mp4")
    os.link(videos / "up" / "b.mp4", "only/b.mp4")
    for (folder, out, layout), said in BAD:
        with pytest.raises(ReverieError) as found:
            prepare_folder(folder, out, PrepareOptions(layout=layout, size=16))
        assert said in str(found.value)
        assert "\n" not in str(found.value)
    code, out, err = ask(monkeypatch, capsys, "prepare", "empty")
    assert (code, out, err) == (2, "", "error: empty holds no video; name a folder of clips\n")
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
