"""Readers of the sets of attack papers, on files made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverie.data.dataset import Dataset
from reverie.data.sources import attacked
from reverie.data.splits import given
from reverie.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "user_id,item_id,rating,timestamp\n"


def test_recad_files_keep_their_parts_and_times(tmp_path: Path) -> None:
    (tmp_path / "toy_train.csv").write_text(HEADER + "7,1,5,30\n7,2,2,20\n9,1,4,5\n9,3,4,6\n")
    (tmp_path / "toy_valid.csv").write_text(HEADER + "7,3,4,40\n")
    (tmp_path / "toy_test.csv").write_text(HEADER + "9,2,5,50\n")
    loaded = attacked.recad("toy")(tmp_path)
    assert loaded.order == "timestamp"
    split = given(Dataset(loaded.events, loaded.catalog, order=loaded.order))
    assert split.train.row(0).tolist() == [2, 1], "in the order of time"
    assert (split.valid.targets.tolist(), split.test.targets.tolist()) == ([3], [2])
    assert split.train.columns["rating"][split.train.positions()].tolist() == [2, 5, 4, 4]
    (tmp_path / "toy_test.csv").unlink()
    with pytest.raises(DataError, match=r"no file toy_test\.csv"):
        attacked.recad("toy")(tmp_path)


def test_a_pair_in_both_files_is_a_training_pair(tmp_path: Path) -> None:
    (tmp_path / "toy_train.dat").write_text("0\t4\t2.0\n0\t5\t5.0\n1\t4\t3.0\n")
    (tmp_path / "toy_test.dat").write_text("0\t4\t1.0\n1\t5\t4.0\n")
    loaded = attacked.shilling("toy")(tmp_path)
    assert loaded.order == "none"
    assert loaded.events.rows() == [(0, 4, 2.0, "train"), (0, 5, 5.0, "train"), (1, 4, 3.0, "train"), (1, 5, 4.0, "test")]
    (tmp_path / "toy_test.dat").write_text("0\tfour\t1.0\n")
    with pytest.raises(DataError, match=r"toy_test\.dat has a line that is not user, item and rating"):
        attacked.shilling("toy")(tmp_path)
