from __future__ import annotations

import csv
import json
import os
import threading
from pathlib import Path

import av
import numpy as np
import pytest
from video_files import encode, grey, levels

from reverie.errors import ConfigError, DataError, RunError
from reverie.files import sealed
from reverie.video.decoding import read_frames
from reverie.video.layouts import read_layout
from reverie.video.prepare import Prepared, prepare_folder
from reverie.video.preparing import growing
from reverie.video.preparing.growing import GrowingArrays
from reverie.video.preparing.index import open_prepared
from reverie.video.preparing.journal import Journal
from reverie.video.preparing.one_clip import even_frames
from reverie.video.preparing.options import PrepareOptions
from reverie.video.preparing.summary import as_json, notes, tables

SMALL = PrepareOptions(size=16, frames=6)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five good clips of two classes and sizes, and six files that are none."""
    folder = tmp_path_factory.mktemp("videos")
    for label in ("down", "up"):
        (folder / label).mkdir()
    for number, (label, size) in enumerate(
        (("up", (32, 48)), ("down", (48, 32)), ("up", (32, 32)), ("down", (40, 64)), ("up", (32, 32)))
    ):
        encode(folder / label / f"clip{number}.mp4", grey(4 + 3 * number, *size, first=20 + number))
    whole = (folder / "up" / "clip4.mp4").read_bytes()
    (folder / "up" / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "up" / "empty.mp4").touch()
    (folder / "up" / "text.avi").write_text("this is no video " * 50)
    (folder / "down" / "noise.mkv").write_bytes(np.random.default_rng(0).bytes(3000))
    with av.open(str(folder / "down" / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with av.open(str(folder / "down" / "frameless.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        container.start_encoding()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def once(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare_folder(videos, tmp_path_factory.mktemp("place") / "out", SMALL, workers=1)


def test_good_clips_are_kept_and_others_listed(videos: Path, once: Prepared) -> None:
    clips = once.clips
    assert clips.ids == ("down/clip1.mp4", "down/clip3.mp4", "up/clip0.mp4", "up/clip2.mp4", "up/clip4.mp4")
    assert clips.classes == ("down", "up")
    assert clips.labels.tolist() == [0, 0, 1, 1, 1]
    assert clips.counts.tolist() == [6, 6, 4, 6, 6]
    np.testing.assert_allclose(clips.fps, [6 / 7 * 25, 6 / 13 * 25, 25, 6 / 10 * 25, 6 / 16 * 25])
    assert abs(levels(clips.frames(1)) - levels(grey(13, first=23))[[1, 3, 5, 7, 9, 11]]).max() < 3
    np.testing.assert_array_equal(clips.frames(2), read_frames(videos / "up" / "clip0.mp4", size=16))
    with (once.folder / "skipped.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    said = {
        "down/frameless.mp4": "no frame", "down/noise.mkv": "no video that can be read", "down/sound.mp4": "sound only",
        "up/cut.mp4": "no video that can be read", "up/empty.mp4": "it is empty", "up/text.avi": "no video that can be read",
    }  # fmt: skip
    assert {row["file"] for row in rows} == set(said)
    for row in rows:
        assert said[row["file"]] in row["reason"]
        assert str(videos) not in row["reason"]


def test_what_is_opened_again_is_the_same(once: Prepared) -> None:
    again = open_prepared(once.folder)
    assert again.digest == once.clips.digest
    chosen = np.array([4, 0, 2])
    np.testing.assert_array_equal(again.gather(chosen, np.array([[0, 5], [1, 1], [3, 2]]))[2, 0], once.clips.frames(2)[3])
    assert isinstance(again.shards.arrays[0], np.memmap)


def test_the_second_time_nothing_is_read_and_nothing_changes(videos: Path, once: Prepared) -> None:
    before = contents(once.folder)
    assert prepare_folder(videos, once.folder, SMALL).fresh == 0
    assert contents(once.folder) == before


@pytest.mark.parametrize("left", [0, 3, 7])
def test_what_was_cut_is_gone_on_with(videos: Path, once: Prepared, tmp_path: Path, left: int) -> None:
    """As after a kill: a line that is not whole, frames behind the last line, and neither index nor header."""
    out = tmp_path / "out"
    out.mkdir()
    whole = contents(once.folder)
    lines = whole["clips.jsonl"].splitlines(keepends=True)
    (out / "prepare.json").write_bytes(whole["prepare.json"])
    (out / "clips.jsonl").write_bytes(b"".join(lines[:left]) + lines[left][:20])
    frames = bytearray(whole["frames-00000.npy"])
    kept = sum(json.loads(line)["count"] for line in lines[:left])
    header = GrowingArrays(out, "frames", np.uint8, (16, 16, 3), {})._header(0)
    frames[: header[1]] = header[0]
    (out / "frames-00000.npy").write_bytes(bytes(frames[: header[1] + (kept + 1) * 16 * 16 * 3]) + b"\xff" * 100)
    found = prepare_folder(videos, out, SMALL, workers=3)
    assert found.fresh == 11 - left
    assert contents(out) == whole


def test_frames_that_are_not_there_are_read_again(videos: Path, once: Prepared, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name, data in contents(once.folder).items():
        (out / name).write_bytes(data[:4000] if name == "frames-00000.npy" else data)
    with pytest.raises(DataError, match="cannot be read as an array"):
        open_prepared(out)
    found = prepare_folder(videos, out, SMALL)
    assert found.clips.digest == once.clips.digest
    for i in range(5):
        np.testing.assert_array_equal(found.clips.frames(i), once.clips.frames(i))


def test_new_changed_and_missing_files(tmp_path: Path) -> None:
    videos, out = tmp_path / "videos", tmp_path / "out"
    (videos / "a").mkdir(parents=True)
    for number in range(3):
        encode(videos / "a" / f"{number}.mp4", grey(5, first=20 * number))
    first = prepare_folder(videos, out, SMALL)
    assert any("one class only" in line for line in notes(first))
    (videos / "b").mkdir()
    encode(videos / "b" / "3.mp4", grey(5, first=90))
    encode(videos / "a" / "1.mp4", grey(6, first=120))
    os.utime(videos / "a" / "1.mp4", (1, 1))
    (videos / "a" / "2.mp4").unlink()
    second = prepare_folder(videos, out, SMALL)
    assert second.fresh == 2
    assert second.clips.ids == ("a/0.mp4", "a/1.mp4", "b/3.mp4")
    for i, begin in enumerate((0, 120, 90)):
        assert abs(levels(second.clips.frames(i))[0] - begin) < 3


def test_arrays_go_on_in_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "LARGEST", 5 * 16 * 16 * 3)
    videos = tmp_path / "videos"
    for label in "ab":
        (videos / label).mkdir(parents=True)
        for number in range(2):
            encode(videos / label / f"{number}.mp4", grey(3, first=10 * (number + 1)))
    found = prepare_folder(videos, tmp_path / "out", SMALL).clips
    assert len(found.shards.arrays) == 4
    wanted = found.gather(np.array([3, 0]), np.array([[2, 0], [1, 1]]))
    np.testing.assert_array_equal(wanted, [found.frames(3)[[2, 0]], found.frames(0)[[1, 1]]])


def test_two_at_once_make_it_once(videos: Path, once: Prepared, tmp_path: Path) -> None:
    found: list[Prepared] = []
    work = [threading.Thread(target=lambda: found.append(prepare_folder(videos, tmp_path / "out", SMALL))) for _ in range(2)]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert sorted(one.fresh for one in found) == [0, 11]
    assert {one.clips.digest for one in found} == {once.clips.digest}


def test_another_folder_or_other_options_are_refused(videos: Path, once: Prepared, tmp_path: Path) -> None:
    before = contents(once.folder)
    with pytest.raises(RunError, match=r"prepared with size 16, not 24; choose another folder with --out"):
        prepare_folder(videos, once.folder, PrepareOptions(size=24, frames=6))
    with pytest.raises(RunError, match="prepared with source"):
        prepare_folder(videos / "up", once.folder, SMALL)
    assert contents(once.folder) == before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="is not empty"):
        prepare_folder(videos, tmp_path / "full", SMALL)
    assert [one.name for one in (tmp_path / "full").iterdir()] == ["thesis.txt"]


def test_no_good_clip_at_all(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_text("no")
    with pytest.raises(DataError, match=r"no clip in .*videos can be read \(a\.mp4: is no video"):
        prepare_folder(tmp_path / "videos", tmp_path / "out", SMALL)
    with pytest.raises(DataError, match="was not prepared to its end"):
        open_prepared(tmp_path / "out")
    with pytest.raises(DataError, match="is no prepared folder"):
        open_prepared(tmp_path)


def test_terms_of_use_are_named_and_what_is_prepared_is_not_prepared_again(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    encode(tmp_path / "videos" / "a.mp4", grey(3))
    (tmp_path / "videos" / "LICENSE").write_text("Do as you like.")
    found = prepare_folder(tmp_path / "videos", tmp_path / "out", SMALL)
    assert any(line.startswith("Terms of use: ") and line.endswith("videos/LICENSE") for line in notes(found))
    with pytest.raises(DataError, match="is prepared already"):
        prepare_folder(tmp_path / "out", tmp_path / "again", SMALL)


def test_a_place_among_the_videos_is_refused_before_it_is_made(videos: Path) -> None:
    with pytest.raises(ConfigError, match="whose folders are classes"):
        prepare_folder(videos, videos / "clips" / "out", SMALL)
    assert not (videos / "clips").exists()


def test_a_label_whose_clips_are_all_broken_is_no_class(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / "videos" / label).mkdir(parents=True)
    encode(tmp_path / "videos" / "a" / "0.mp4", grey(3))
    (tmp_path / "videos" / "b" / "0.mp4").write_text("no")
    found = prepare_folder(tmp_path / "videos", tmp_path / "out", SMALL)
    assert (found.clips.classes, found.lost) == (("a",), ("b",))
    assert any("No clip can be read of b" in line for line in notes(found))


def test_files_that_a_published_list_names_may_be_missing(tmp_path: Path) -> None:
    lists = tmp_path / "videos" / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text("1 Archery\n2 Biking\n")
    (lists / "trainlist01.txt").write_text("Archery/v_Archery_g01_c01.avi 1\nBiking/v_Biking_g01_c01.avi 2\n")
    (lists / "testlist01.txt").write_text("Biking/v_Biking_g02_c01.avi\n")
    for name in ("Archery/v_Archery_g01_c01", "Biking/v_Biking_g02_c01"):
        (tmp_path / "videos" / name).parent.mkdir()
        encode(tmp_path / "videos" / f"{name}.avi", grey(3), codec="mpeg4")
    found = prepare_folder(tmp_path / "videos", tmp_path / "out", SMALL)
    assert found.clips.parts == ("train", "test")
    assert [file for file, reason in found.skipped if "No such file" in reason] == ["Biking/v_Biking_g01_c01.avi"]
    assert prepare_folder(tmp_path / "videos", tmp_path / "out", SMALL).fresh == 0


def test_a_changed_index_or_journal_is_one_sentence(videos: Path, once: Prepared, tmp_path: Path) -> None:
    for name, data in contents(once.folder).items():
        (tmp_path / name).write_bytes(data)
    index = tmp_path / "index.json"
    index.write_bytes(index.read_bytes().replace(b'"up/clip0.mp4"', b'"up/other.mp4"'))
    with pytest.raises(DataError, match="was changed after it was written"):
        open_prepared(tmp_path)
    journal = tmp_path / "clips.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"start": 6', b'"start": "six"'))
    with pytest.raises(DataError, match=r"is wrong in 'start'.*delete .* and prepare it again"):
        prepare_folder(videos, tmp_path, SMALL)


def test_changed_frames_are_found_where_they_are_checked(once: Prepared, tmp_path: Path) -> None:
    for name, data in contents(once.folder).items():
        (tmp_path / name).write_bytes(data)
    assert open_prepared(tmp_path).digest == once.clips.digest
    frames = tmp_path / "frames-00000.npy"
    data = bytearray(frames.read_bytes())
    data[-5] ^= 1
    frames.write_bytes(data)
    assert len(open_prepared(tmp_path, check=False)) == 5
    with pytest.raises(DataError, match=r"frames of up/clip4\.mp4 were changed"):
        open_prepared(tmp_path)


def test_preparing_again_mends_frames_that_were_changed(videos: Path, once: Prepared, tmp_path: Path) -> None:
    for name, data in contents(once.folder).items():
        (tmp_path / name).write_bytes(data)
    frames, journal = tmp_path / "frames-00000.npy", tmp_path / "clips.jsonl"
    whole = frames.read_bytes()
    frames.write_bytes(whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
    assert prepare_folder(videos, tmp_path, SMALL).fresh == 1
    assert open_prepared(tmp_path).digest == once.clips.digest
    before, after = b'"start": 6, "count": 6', b'"start": 0, "count": 6'
    assert before in journal.read_bytes()
    journal.write_bytes(journal.read_bytes().replace(before, after))
    assert prepare_folder(videos, tmp_path, SMALL).fresh == 1
    assert open_prepared(tmp_path).digest == once.clips.digest


def _changed_index(once: Prepared, folder: Path, change: dict[str, int]) -> Path:
    """Copy a prepared folder, with the first number of some columns changed and the index sealed again."""
    for name, data in contents(once.folder).items():
        (folder / name).write_bytes(data)
    values = json.loads((folder / "index.json").read_text())
    for column, number in change.items():
        values["clips"][column][0] = number
    del values["digest"]
    (folder / "index.json").write_text(json.dumps(sealed(values)))
    return folder / "index.json"


@pytest.mark.parametrize("change", [{"labels": 10**30}, {"folds": 10**30}, {"start": 2**63 - 1}, {"counts": 2**63 - 1}])
def test_numbers_of_an_index_that_are_too_large(once: Prepared, tmp_path: Path, change: dict[str, int]) -> None:
    _changed_index(once, tmp_path, change)
    with pytest.raises(DataError, match=r"delete .* and prepare it again"):
        open_prepared(tmp_path)


def test_an_index_without_its_digest_is_refused(once: Prepared, tmp_path: Path) -> None:
    index = _changed_index(once, tmp_path, {})
    assert open_prepared(tmp_path).digest == once.clips.digest
    values = json.loads(index.read_text())
    del values["digest"]
    index.write_text(json.dumps(values))
    with pytest.raises(DataError, match="was changed after it was written"):
        open_prepared(tmp_path)


def test_the_summary_counts_classes_and_names_what_was_left_out(once: Prepared) -> None:
    first, second = tables(once)
    assert [[cell.text for cell in row] for row in first.cells] == [["down", "2"], ["up", "3"]]
    assert len(second.cells) == 5
    assert any(line.startswith("Left out: 6 files") for line in notes(once))
    said = as_json(once)
    assert said["classes"] == {"down": 2, "up": 3}
    assert len(said["skipped"]) == 6
    assert json.loads(json.dumps(said))["sha256"] == once.clips.digest


@pytest.mark.parametrize(
    ("count", "n", "expected"),
    [(8, 4, [1, 3, 5, 7]), (3, 5, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (7, 3, [1, 3, 5]), (4, 0, [0, 1, 2, 3])],
)
def test_frames_are_chosen_evenly(count: int, n: int, expected: list[int]) -> None:
    assert even_frames(np.arange(count) / 25, n).tolist() == expected


def test_frames_are_chosen_by_time_not_by_number() -> None:
    seconds = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 2.0, 3.5])
    assert even_frames(seconds, 4).tolist() == [5, 5, 6, 7]


def test_the_journal_is_read_in_the_order_of_the_files(videos: Path, once: Prepared) -> None:
    assert list(Journal(once.folder).read()) == [file.path.relative_to(videos).as_posix() for file in read_layout(videos)]
