"""Names that an atomic file cannot hold."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from reverie.data.dataset import Dataset
from reverie.data.readers import read_events
from reverie.data.readers.writing import write_dataset
from reverie.errors import DataError


@pytest.mark.parametrize("sign", ["\n", "\r", "\t"])
@pytest.mark.parametrize("column", ["user", "item"])
def test_a_name_with_a_line_break_is_refused_where_it_would_become_another(tmp_path: Path, sign: str, column: str) -> None:
    events = pl.DataFrame({"user": ["a b", "c"], "item": ["x", "y z"]})
    broken = events.with_columns(pl.col(column).str.replace(" ", sign))
    catalog = pl.DataFrame({"item": broken["item"], "title": [f"One{sign}title", "Two"]})
    dataset = Dataset(broken, catalog, "names", "source")
    with pytest.raises(DataError, match=rf"the {column} '.\\.+.' holds a tab or a line break.*write \.parquet or \.csv") as caught:
        write_dataset(dataset, tmp_path / "log.inter")
    assert sign not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    written = write_dataset(dataset, tmp_path / "log.parquet")[0]
    assert read_events(written).events.select("user", "item").rows() == broken.rows()


def test_a_title_with_a_line_break_becomes_one_line(tmp_path: Path) -> None:
    catalog = pl.DataFrame({"item": ["x"], "title": ["One\ntitle"]})
    write_dataset(Dataset(pl.DataFrame({"user": ["a"], "item": ["x"]}), catalog, "names", "source"), tmp_path / "log.inter")
    assert "One title" in (tmp_path / "log.item").read_text(encoding="utf-8")
