"""Readers of labels on small copies of published layouts; the clips are empty files, as labels do not look into them."""

import json
from pathlib import Path

import pytest

from reverie.errors import ConfigError, DataError
from reverie.video.layouts import LabelledFile, read_layout


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write(folder: Path, name: str, content: object) -> None:
    put(folder, name)
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def told(files: list[LabelledFile], folder: Path) -> list[tuple[object, ...]]:
    return [(file.path.relative_to(folder).as_posix(), file.label, file.group, file.fold, file.part) for file in files]


def test_class_folders(tmp_path: Path) -> None:
    put(tmp_path, "walk/a.mp4", "walk/deep/b.MKV", "run/c.avi", "walk/notes.txt", ".hidden/d.mp4", "run/._c.avi")
    assert told(read_layout(tmp_path), tmp_path) == [
        ("run/c.avi", "run", "", -1, ""), ("walk/a.mp4", "walk", "", -1, ""), ("walk/deep/b.MKV", "walk", "", -1, ""),
    ]  # fmt: skip


def test_folders_named_after_parts_hold_the_classes(tmp_path: Path) -> None:
    put(tmp_path, "train/walk/a.mp4", "val/walk/b.mp4", "test/run/c.mp4")
    assert [(file.label, file.part) for file in read_layout(tmp_path)] == [("run", "test"), ("walk", "train"), ("walk", "valid")]


def test_clips_without_folders_have_no_label(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.webm", "empty/readme.md")
    assert told(read_layout(tmp_path), tmp_path) == [("a.mp4", None, "", -1, ""), ("b.webm", None, "", -1, "")]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.txt"], "holds no video"),
        (["walk/a.mp4", "b.mp4"], "beside them, videos such as b.mp4"),
        (["walk/a.mp4", "run/notes.txt"], "label 'run' has no clips"),
        (["train/a.mp4", "test/walk/b.mp4"], "in no folder of a class"),
    ],
)
def test_folders_that_cannot_be_labels(tmp_path: Path, names: list[str], message: str) -> None:
    put(tmp_path, *names)
    with pytest.raises(DataError, match=message):
        read_layout(tmp_path)


def test_table(tmp_path: Path) -> None:
    put(tmp_path, "x/a.mp4", "x/b.mp4", "c.mp4")
    table = "file,action,source,fold,split,colour\nx/b.mp4,run,tape 2,1,test,red\nx/a.mp4,walk,tape 1,0,Train,red\nc.mp4,,,,,\n"
    write(tmp_path, "clips.csv", "\ufeff" + table)
    assert told(read_layout(tmp_path), tmp_path) == [
        ("c.mp4", None, "", -1, ""), ("x/a.mp4", "walk", "tape 1", 0, "train"), ("x/b.mp4", "run", "tape 2", 1, "test"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,label\na.mp4,run\n", "no column 'file'; its columns are name, label"),
        ("file,label\n", "has no rows"),
        ("file,label\na.mp4\n", "row 2: 1 values for 2 columns"),
        ("file,label,label\na.mp4,run,run\n", "two columns of one name"),
        ("file,label\na.mp4,run\na.mp4,walk\n", "names a.mp4 in 2 rows"),
        ("file,label\na.mp4,run\nb.mp4,run\nc.mp4,run\n", "2 files that are missing, such as b.mp4"),
        ("file,label\n../a.mp4,run\n", "row 2: '../a.mp4' is no file in"),
        ("file,label\n/a.mp4,run\n", "row 2: '/a.mp4' is no file in"),
        ("file,label,fold\na.mp4,run,first\n", "fold 'first' is no whole number"),
        ("file,label,split\na.mp4,run,tset\n", "part 'tset' is none of"),
        ('file,label\n"a.mp4,run\n', "is not valid CSV"),
    ],
)
def test_tables_that_are_wrong(tmp_path: Path, table: str, message: str) -> None:
    put(tmp_path, "a.mp4")
    write(tmp_path, "clips.csv", table)
    with pytest.raises(DataError, match=message):
        read_layout(tmp_path)


def test_table_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_bytes(b"file,label\n\xff\n")
    with pytest.raises(DataError, match="not UTF-8 at byte 11"):
        read_layout(tmp_path, "clips.csv")


@pytest.fixture
def ucf101(tmp_path: Path) -> Path:
    lists = "ucfTrainTestlist"
    write(tmp_path, f"{lists}/classInd.txt", "1 ApplyEyeMakeup\n2 Archery\n")
    write(tmp_path, f"{lists}/trainlist01.txt", "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1\nArchery/v_Archery_g09_c02.avi 2\n")
    write(tmp_path, f"{lists}/testlist01.txt", "Archery/v_Archery_g01_c01.avi\n")
    put(tmp_path, "UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi", "UCF-101/Archery/v_Archery_g01_c01.avi")
    return tmp_path


def test_ucf101(ucf101: Path) -> None:
    assert told(read_layout(ucf101), ucf101) == [
        ("Archery/v_Archery_g09_c02.avi", "Archery", "Archery_g09", -1, "train"),  # missing: named all the same
        ("UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi", "ApplyEyeMakeup", "ApplyEyeMakeup_g08", -1, "train"),
        ("UCF-101/Archery/v_Archery_g01_c01.avi", "Archery", "Archery_g01", -1, "test"),
    ]


@pytest.mark.parametrize(
    "line", ["Archery/v_Archery_g09_c02.avi 1", "Diving/v_Diving_g01_c01.avi 2", "Archery/archery.avi 2", "Archery"]
)
def test_ucf101_with_a_line_that_is_wrong(ucf101: Path, line: str) -> None:
    write(ucf101, "ucfTrainTestlist/trainlist01.txt", line + "\n")
    with pytest.raises(DataError, match=r"trainlist01.txt, line 1: "):
        read_layout(ucf101)


def test_ucf101_without_the_list_of_a_split(ucf101: Path) -> None:
    with pytest.raises(DataError, match=r"trainlist03.txt does not exist"):
        read_layout(ucf101, split=3)


def test_hmdb51(tmp_path: Path) -> None:
    splits = "testTrainMulti_7030_splits"
    names = [f"April_09_brush_hair_u_nm_np1_ba_goo_{number}.avi" for number in range(3)]
    write(
        tmp_path,
        f"{splits}/brush_hair_test_split1.txt",
        "".join(f"{name} {part} \n" for name, part in zip(names, "120", strict=True)),
    )
    write(tmp_path, f"{splits}/brush_hair_test_split2.txt", f"{names[0]} 2\n")
    put(tmp_path, *(f"brush_hair/{name}" for name in names))
    found = read_layout(tmp_path)
    assert [(file.label, file.group, file.part) for file in found] == [
        ("brush_hair", "April_09", part) for part in ("train", "test", "")
    ]
    assert all(file.path.is_file() for file in found)
    assert [file.part for file in read_layout(tmp_path, "hmdb51", split=2)] == ["test"]
    write(tmp_path, f"{splits}/brush_hair_test_split1.txt", f"{names[0]} 3\n")
    with pytest.raises(DataError, match="is no name and 0, 1 or 2"):
        read_layout(tmp_path)


def test_something_something(tmp_path: Path) -> None:
    name = "something-something-v2"
    train = {"id": "7", "label": "holding a cup", "template": "Holding [something]", "placeholders": ["a cup"]}
    write(tmp_path, f"labels/{name}-labels.json", {"Holding something": "0", "Pushing something": "1"})
    write(tmp_path, f"labels/{name}-train.json", [train])
    write(tmp_path, f"labels/{name}-validation.json", [{**train, "id": "8", "template": "Pushing [something]"}])
    write(tmp_path, f"labels/{name}-test.json", [{"id": "9"}])
    put(tmp_path, "20bn-something-something-v2/7.webm", "20bn-something-something-v2/8.webm", "20bn-something-something-v2/9.webm")
    found = read_layout(tmp_path)
    assert [(file.path.stem, file.label, file.part) for file in found] == [
        ("7", "Holding something", "train"), ("8", "Pushing something", "valid"), ("9", None, "test"),
    ]  # fmt: skip
    write(tmp_path, f"labels/{name}-train.json", [{**train, "template": "Throwing [something]"}])
    with pytest.raises(DataError, match="entry 1: template 'Throwing something' is not in"):
        read_layout(tmp_path)
    write(tmp_path, f"labels/{name}-train.json", [{"id": "7"}])
    with pytest.raises(DataError, match="has no id and template"):
        read_layout(tmp_path)


def test_diving48(tmp_path: Path) -> None:
    write(tmp_path, "Diving48_vocab.json", [["Back", "15som", "05Twis", "FREE"], ["Forward", "Dive", "NoTwis", "PIKE"]])
    write(tmp_path, "Diving48_V2_train.json", [{"vid_name": "_8Vy3dlHg2w_00000", "label": 1, "start_frame": 0, "end_frame": 99}])
    write(tmp_path, "Diving48_V2_test.json", [{"vid_name": "_8Vy3dlHg2x_00001", "label": 0, "start_frame": 0, "end_frame": 99}])
    put(tmp_path, "rgb/_8Vy3dlHg2w_00000.mp4")
    assert told(read_layout(tmp_path), tmp_path) == [
        ("rgb/_8Vy3dlHg2w_00000.mp4", "Forward Dive NoTwis PIKE", "_8Vy3dlHg2w", -1, "train"),
        ("rgb/_8Vy3dlHg2x_00001.mp4", "Back 15som 05Twis FREE", "_8Vy3dlHg2x", -1, "test"),
    ]
    (tmp_path / "Diving48_vocab.json").unlink()
    assert [file.label for file in read_layout(tmp_path)] == ["01", "00"]
    (tmp_path / "rgb" / "_8Vy3dlHg2w_00000.mp4").unlink()
    with pytest.raises(DataError, match="none of the 2 clips that its lists name"):
        read_layout(tmp_path)
    write(tmp_path, "Diving48_V2_train.json", [{"vid_name": "a_0", "label": "1"}])
    with pytest.raises(DataError, match="entry 1: label '1' is no number of a class"):
        read_layout(tmp_path)


def test_names_of_layouts_and_folders(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown layout 'ucf-101' .did you mean 'ucf101'"):
        read_layout(tmp_path, "ucf-101")
    with pytest.raises(DataError, match="is no folder"):
        read_layout(tmp_path / "absent")
    with pytest.raises(DataError, match=r"classInd.txt does not exist"):
        read_layout(tmp_path, "ucf101")
    with pytest.raises(DataError, match="no split 4"):
        read_layout(tmp_path, split=4)


@pytest.mark.parametrize("fold", ["9223372036854775808", "1" * 5000, "1.5", "--1"])
def test_a_fold_that_is_no_number_of_a_fold(tmp_path: Path, fold: str) -> None:
    put(tmp_path, "a.mp4")
    write(tmp_path, "clips.csv", f"file,label,fold\na.mp4,x,{fold}\n")
    with pytest.raises(DataError, match=r"clips.csv, row 2: fold '.*' is no whole number below"):
        read_layout(tmp_path)
