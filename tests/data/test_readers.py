from __future__ import annotations

import gzip
import lzma
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import reverie as rv
from reverie.data.readers import read_catalog, read_events
from reverie.data.readers.events import drop_repeats
from reverie.data.readers.writing import write_dataset

LOG = pl.DataFrame(
    {
        "user": [7, 3, 7, 3, 7],
        "item": [10, 30, 20, 10, 10],
        "timestamp": [1_000_000_500, 1_000_000_100, 1_000_000_000, 1_000_000_100, 1_000_000_500],
        "rating": [4.0, 3.5, 5.0, 1.0, 2.0],
    }
)
"""The last row repeats the first one's user, item and time, with another rating."""


def _written(folder: Path, suffix: str) -> Path:
    path = folder / f"log{suffix}"
    if suffix == ".csv":
        LOG.write_csv(path)
    elif suffix == ".tsv":
        LOG.write_csv(path, separator="\t")
    elif suffix == ".parquet":
        LOG.write_parquet(path)
    elif suffix == ".jsonl":
        LOG.write_ndjson(path)
    else:
        names = {"user": "user_id:token", "item": "item_id:token", "timestamp": "timestamp:float", "rating": "rating:float"}
        LOG.rename(names).write_csv(path, separator="\t")
    return path


@pytest.mark.parametrize("packing", ["", ".xz", ".gz"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".jsonl", ".inter"])
def test_every_format_gives_the_same_dataset(tmp_path: Path, suffix: str, packing: str) -> None:
    path = _written(tmp_path, suffix)
    if packing:
        packed = path.with_name(path.name + packing)
        packed.write_bytes((lzma if packing == ".xz" else gzip).compress(path.read_bytes()))
        path = packed
    dataset = rv.read_events(path)
    assert dataset.name == "log"
    assert dataset.order == "timestamp"
    assert dataset.events["rating"].to_list() == [4.0, 3.5, 5.0, 1.0]
    assert dataset.sha256 == read_events(LOG).sha256
    sequences = dataset.sequences
    ids = dataset.vocabulary.items
    assert [ids[int(code) - 1] for code in sequences.row(0)] == [30, 10]
    assert [ids[int(code) - 1] for code in sequences.row(1)] == [20, 10]


def test_frames_of_three_packages_give_the_same_dataset() -> None:
    columns = LOG.to_dict(as_series=False)
    frames = [LOG, LOG.lazy(), pd.DataFrame(columns), pa.table(columns)]
    assert len({read_events(frame).sha256 for frame in frames}) == 1


def test_lines_of_users_keep_the_source_order_and_have_no_time(tmp_path: Path) -> None:
    path = tmp_path / "users.txt"
    path.write_text("2 5 4 5\r\n\n1\t9  8\n3\n")
    dataset = read_events(path)
    assert dataset.events.rows() == [(2, 5), (2, 4), (2, 5), (1, 9), (1, 8)]
    assert dataset.order == "source"
    assert not dataset.has_time


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1_700_000_000, 1_700_000_001], [1_700_000_000, 1_700_000_001]),
        ([1_700_000_000_900, 1_700_000_001_000], [1_700_000_000, 1_700_000_001]),
        ([1_700_000_000_000_900, 1_700_000_001_000_000], [1_700_000_000, 1_700_000_001]),
        ([1_700_000_000_000_000_900, 1_700_000_001_000_000_000], [1_700_000_000, 1_700_000_001]),
        ([1_700_000_000.75, 1_700_000_001.0], [1_700_000_000, 1_700_000_001]),
        (["2023-11-14 22:13:20", "2023-11-14 22:13:21.5"], [1_700_000_000, 1_700_000_001]),
        (["2023-11-14T22:13:20Z", "2023-11-14T22:13:21Z"], [1_700_000_000, 1_700_000_001]),
        (["2023-11-15T00:13:20+02:00", "2023-11-14T22:13:21+00:00"], [1_700_000_000, 1_700_000_001]),
        (["2023-11-14", "2023-11-15"], [1_699_920_000, 1_700_006_400]),
        (["11 14, 2023", "11 15, 2023"], [1_699_920_000, 1_700_006_400]),
        (["1700000000", "1700000001.5"], [1_700_000_000, 1_700_000_001]),
        ([date(2023, 11, 14), date(2023, 11, 15)], [1_699_920_000, 1_700_006_400]),
        (
            [datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), datetime(2023, 11, 14, 22, 13, 21, tzinfo=UTC)],
            [1_700_000_000, 1_700_000_001],
        ),
    ],
)
def test_times_become_seconds(values: list[object], expected: list[int]) -> None:
    events = read_events(pl.DataFrame({"user": [1, 1], "item": [1, 2], "time": values})).events
    assert events["timestamp"].to_list() == expected
    assert events["timestamp"].dtype == pl.Int64


def test_ids_are_integers_only_where_all_are_and_none_has_a_leading_zero(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("visitorid,movieId\n1,0119488\n2,1074638\n")
    events = read_events(path).events
    assert events.rows() == [(1, "0119488"), (2, "1074638")]
    late = "\n".join(f"{n},{n}" for n in range(12_000))
    path.write_text(f"uid,product_id\n{late}\n5,B00X\n")
    events = read_events(path).events
    assert events.schema == {"user": pl.Int64, "item": pl.String}
    assert events.row(-1) == (5, "B00X")


def test_columns_can_be_chosen_and_kind_tells_events_apart(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("who,what,when,event,user\n1,5,100000,view,x\n1,5,100000,buy,x\n1,5,100000,view,x\n")
    dataset = read_events(path, user="who", item="what", timestamp="when", name="shop", licence="CC0", order="source")
    assert dataset.events.select("user", "item", "timestamp", "kind").rows() == [(1, 5, 100_000, "view"), (1, 5, 100_000, "buy")]
    assert (dataset.name, dataset.licence, dataset.order) == ("shop", "CC0", "source")


def test_catalogue_joins_titles_and_categories(tmp_path: Path) -> None:
    path = tmp_path / "films.item"
    path.write_text('item_id:token\tmovie_title:token_seq\tclass:token_seq\n10\tHeat\tCrime Drama\n20\tToy "Story"\tAnimation\n')
    dataset = read_events(LOG, catalog=path)
    assert dataset.catalog["categories"].to_list() == ["Crime|Drama", "Animation"]
    assert dataset.vocabulary.titles is not None
    assert dataset.vocabulary.titles.to_list() == ["Heat", 'Toy "Story"', None]
    lists = read_catalog(pl.DataFrame({"asin": ["a"], "name": ["A"], "genres": [["x", "y"]]}))
    assert lists.row(0) == ("a", "A", "x|y")


def test_the_column_of_the_item_is_also_that_of_the_catalogue(tmp_path: Path) -> None:
    log = pl.DataFrame({"user": [1, 1], "article": [10, 20], "id": [7, 8]})
    items = pl.DataFrame({"id": [1, 2], "article": [10, 20], "name": ["Heat", "Ran"]})
    path = tmp_path / "items.item"
    items.rename({"id": "id:token", "article": "article:token", "name": "name:token_seq"}).write_csv(path, separator="\t")
    for catalog in (items, path):
        titles = read_events(log, item="article", catalog=catalog).vocabulary.titles
        assert titles is not None
        assert titles.to_list() == ["Heat", "Ran"]
    assert read_events(log, item="article", catalog=items.drop("article")).catalog["item"].to_list() == [1, 2]


def test_a_sku_is_an_item_in_logs_and_catalogues() -> None:
    dataset = read_events(
        pl.DataFrame({"user": [1, 1], "sku": ["a", "b"]}), catalog=pl.DataFrame({"SKU": ["b", "a"], "title": ["B", "A"]})
    )
    assert dataset.vocabulary.titles is not None
    assert dataset.vocabulary.titles.to_list() == ["A", "B"]


ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2), st.sampled_from("ab")), min_size=1, max_size=40)


@given(ROWS)
def test_repeats_are_dropped_as_a_naive_loop_drops_them(rows: list[tuple[int, int, int, str]]) -> None:
    frame = pl.DataFrame(rows, schema=["user", "item", "timestamp", "kind"], orient="row").with_row_index("row")
    kept = list(dict.fromkeys(rows))
    result = drop_repeats(frame)
    assert result.drop("row").rows() == kept
    assert result["row"].to_list() == [rows.index(row) for row in kept]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".inter"])
def test_written_datasets_are_read_back(tmp_path: Path, suffix: str) -> None:
    split = LOG.with_columns(part=pl.Series(["train", "train", "valid", "test", "train"]), kind=pl.lit("view"))
    dataset = read_events(split, catalog=pl.DataFrame({"item": [10, 20], "title": ["Heat", "Toy Story"]}))
    events, catalog = write_dataset(dataset, tmp_path / f"out{suffix}")
    again = read_events(events, catalog=catalog)
    assert_frame_equal(again.events, dataset.events, check_column_order=False)
    assert again.sha256 == dataset.sha256
    assert again.catalog["title"].to_list() == ["Heat", "Toy Story"]
