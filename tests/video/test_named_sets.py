"""Sets of clips by name: generated ones, recorded ones on small copies, and prepared folders."""

from pathlib import Path

import numpy as np
import pytest

from reverie.errors import ConfigError, DataError
from reverie.video.cells import RecognitionCell
from reverie.video.encoding import write_clip
from reverie.video.named_sets import NAMED, open_clip_set, open_named_set
from reverie.video.prepare import prepare_folder
from reverie.video.preparing.options import PrepareOptions
from reverie.video.recipe import VIDEO
from reverie.video.tasks import Tasks


def put_clip(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = np.full((8, 32, 48, 3), shade, np.uint8)
    frames[:, 8:16, 8:16] = 255 - shade
    frames[np.arange(8), :4] += np.arange(8, dtype=np.uint8)[:, None, None, None]
    write_clip(path, frames, 8.0)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ``REVERIE_DATA`` with small copies of the two recorded sets."""
    root = tmp_path_factory.mktemp("shelf")
    lines = ["file,action,color,shape,rep,frames"]
    for pair in range(5):
        for action in ("circular", "vertical"):
            name = f"{action}/c{pair}_circle_1.mp4"
            put_clip(root / "colored-shape-actions" / name, 20 * pair + 10 * (action == "vertical"))
            lines.append(f"{name},{action},c{pair},circle,1,8")
    (root / "colored-shape-actions" / "clips.csv").write_text("\n".join(lines) + "\n")
    lines = ["file,label,source,orig_frames,orig_fps,orig_size,frames,size,fold"]
    for k in range(6):
        put_clip(root / "fight-300" / f"fight/f{k}.mp4", 30 * k)
        lines.append(f"fight/f{k}.mp4,{k % 2},tape{k // 2},40,25.000,{640 if k % 2 else 320}x360,8,48x32,{k // 2}")
    (root / "fight-300" / "clips.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(autouse=True)
def places(shelf: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_DATA", str(shelf))
    monkeypatch.setenv("REVERIE_CACHE", str(shelf / "cache"))


def test_moving_shapes_by_name() -> None:
    opened = open_named_set("moving-shapes-20", 24, valid=10, test=10, frames=4)
    assert (len(opened.clips), opened.clips.size, opened.clips.name) == (40, (24, 24), "moving-shapes-20")
    assert opened.masks is not None
    assert opened.masks.shape == (40, 4, 24, 24)
    split = opened.split(seed=3)
    assert [len(part) for part in (split.train, split.valid, split.test)] == [20, 10, 10]
    assert not opened.facts.mirror
    assert opened.baselines()["majority"] == 0.1
    again = open_clip_set("moving-shapes", 24, clips=20, valid=10, test=10, frames=4)
    assert again.digest == opened.clips.digest
    with pytest.raises(ConfigError, match="has no folds"):
        opened.split(fold=0)


def test_colored_shapes_stand_in_one_fold_by_colour_and_shape() -> None:
    opened = open_named_set("colored-shape-actions", 24)
    assert opened.clips.classes == ("circular", "vertical")
    assert opened.folds == (0, 1, 2, 3, 4)
    split = opened.split(2)
    groups = [{opened.clips.groups[i] for i in part} for part in (split.train, split.valid, split.test)]
    assert [len(one) for one in groups] == [3, 1, 1]
    assert not groups[0] & groups[2]
    assert opened.facts.licence == "Apache-2.0"
    assert open_clip_set("colored-shape-actions", 24).digest == opened.clips.digest


def test_fights_are_never_shown_and_their_metadata_are_a_baseline() -> None:
    opened = open_named_set("fight-300", 24)
    assert opened.clips.classes == ("no fight", "fight")
    assert opened.clips.groups == ("tape0", "tape0", "tape1", "tape1", "tape2", "tape2")
    assert not opened.facts.pictures
    assert opened.metadata == tuple(f"{size}x360 25.000" for size in (320, 640) * 3)
    found = opened.baselines()
    assert (found["majority"], found["metadata"]) == (0.5, 1.0)
    with pytest.raises(ConfigError, match="measured fold by fold; choose one of 0, 1, 2"):
        opened.split()


def test_a_prepared_folder(shelf: Path, tmp_path: Path) -> None:
    out = tmp_path / "prepared"
    prepare_folder(shelf / "fight-300", out, PrepareOptions(size=24))
    opened = open_named_set(out, 24)
    assert len(opened.clips) == 6
    assert opened.facts.pictures
    with pytest.raises(DataError, match="frames of 24 pixels, not 32; prepare it again with --size 32"):
        open_named_set(out, 32)
    with pytest.raises(DataError, match="is no prepared folder"):
        open_named_set(shelf / "fight-300", 24)


def test_a_folder_of_ones_own_is_put_into_folds_by_source(tmp_path: Path) -> None:
    lines = ["file,label,source"]
    for number in range(12):
        put_clip(tmp_path / f"{number}.mp4", 10 * number)
        lines.append(f"{number}.mp4,{'ab'[number % 2]},s{number // 3}")
    for table, protocol in ((lines, "source-disjoint folds"), ([line.rpartition(",")[0] for line in lines], "folds")):
        (tmp_path / "clips.csv").write_text("\n".join(table))
        out = tmp_path.parent / f"{tmp_path.name}-{protocol}"
        prepare_folder(tmp_path, out, PrepareOptions(size=24))
        recipe = VIDEO.load("video-demo", (f"sets={{mine: {{kind: '{out}', folds: 2}}}}", "training.size=19"), smoke=True)
        tasks = Tasks(recipe)
        found = [tasks.open(RecognitionCell("mine", "tsm", "none", fold, fold)) for fold in range(2)]
        assert [task.protocol for task in found] == [protocol] * 2
        assert sorted(np.concatenate([task.test for task in found]).tolist()) == list(range(12))
        assert tasks.baselines("mine", "").n == 12
        facts = tasks.facts(RecognitionCell("mine", "tsm", "none", 0, 0))
        other = Tasks(recipe.model_copy(update={"sets": {"mine": recipe.sets["mine"].model_copy(update={"folds": 3})}}))
        assert other.facts(RecognitionCell("mine", "tsm", "none", 0, 0)) != facts


def test_folds_that_are_never_tested_are_said(shelf: Path, tmp_path: Path) -> None:
    prepare_folder(shelf / "fight-300", tmp_path / "out", PrepareOptions(size=24))
    settings = (f"sets={{mine: {{kind: '{tmp_path / 'out'}', folds: 2}}}}", "training.size=19")
    said: list[str] = []
    Tasks(VIDEO.load("video-demo", settings, smoke=True), said.append).opened("mine")
    assert said == ["mine has 3 folds, and 2 are tested on: 2 clips are never test clips"]


def test_sets_that_are_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown set of clips 'fight-30' .did you mean 'fight-300'"):
        open_named_set("fight-30")
    with pytest.raises(ConfigError, match="fight-300 is not generated and takes no option such as 'clips'"):
        open_named_set("fight-300", clips=3)
    with pytest.raises(ConfigError, match="did you mean 'frames'"):
        open_named_set("moving-shapes", frame=3)
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"fight-300 is not there; get it from https://github.com/seymanurakti"):
        open_named_set("fight-300")
    monkeypatch.delenv("REVERIE_DATA")
    with pytest.raises(DataError, match="below REVERIE_DATA, which is not set"):
        open_named_set("colored-shape-actions")


def test_a_table_without_sources_is_not_enough_for_fights(shelf: Path, tmp_path: Path) -> None:
    put_clip(tmp_path / "a.mp4", 3)
    put_clip(tmp_path / "b.mp4", 99)
    (tmp_path / "clips.csv").write_text("file,label\na.mp4,0\nb.mp4,1\n")
    with pytest.raises(DataError, match=r"clips.csv must have the columns file, label .0 or 1., source, fold"):
        open_named_set("fight-300", 24, folder=tmp_path)


def test_every_named_set_says_whose_it_is() -> None:
    for name, facts in NAMED.items():
        assert facts.name == name
        assert facts.licence
        assert facts.credit
