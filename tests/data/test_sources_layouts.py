from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverie.data.sources import movielens, sequence_files
from reverie.data.sources.entries import LAYOUTS
from reverie.data.sources.sequence_files import LASTFM_PADDING, ZHIHU_PADDING, rebuild, table_files, zhihu
from reverie.errors import ReverieError


def _rows(sequences: list[list[int]], width: int = 10) -> pl.DataFrame:
    rows = []
    for sequence in sequences:
        for at, target in enumerate(sequence):
            past = sequence[max(0, at - width) : at]
            rows.append((past + [ZHIHU_PADDING] * (width - len(past)), max(len(past), 1), target))
    return pl.DataFrame(rows, schema={"seq": pl.List(pl.Int64), "seq_len": pl.Int64, "tgt": pl.Int64}, orient="row")


def _rebuild(frame: pl.DataFrame) -> list[list[int]]:
    targets = frame["tgt"].to_numpy()
    numbers = rebuild(frame["seq"].list.to_array(10).to_numpy(), frame["seq_len"].to_numpy(), targets, "rows", ZHIHU_PADDING)
    return [targets[numbers == number].tolist() for number in range(int(numbers[-1]) + 1)]


SEQUENCES = st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=14), min_size=1, max_size=6)


@given(SEQUENCES)
def test_sequences_are_rebuilt_from_their_prefixes(sequences: list[list[int]]) -> None:
    assert _rebuild(_rows(sequences)) == sequences


def test_rows_that_are_no_prefixes_are_refused() -> None:
    frame = _rows([[1, 2, 3], [4, 5]])
    with pytest.raises(ReverieError, match="row 3 does not continue"):
        _rebuild(frame.with_columns(tgt=pl.Series([1, 9, 3, 4, 5])))
    with pytest.raises(ReverieError, match="row 1 does not begin"):
        _rebuild(frame[1:])
    with pytest.raises(ReverieError, match="row 2 does not continue"):
        _rebuild(frame.with_columns(seq_len=pl.Series([1, 4, 2, 1, 1])))


def test_zhihu_numbers_sequences_through_its_parts(tmp_path: Path) -> None:
    for name, sequences in {"train": [[1, 2], [3]], "val": [[2, 1]], "test": [[3, 3, 1]]}.items():
        _rows(sequences).write_parquet(tmp_path / f"{name}_data.parquet")
    loaded = zhihu(tmp_path)
    assert loaded.order == "source"
    assert loaded.events["user"].to_list() == [0, 0, 1, 2, 2, 3, 3, 3]
    assert loaded.events["item"].to_list() == [1, 2, 3, 2, 1, 3, 3, 1]
    assert loaded.events["part"].to_list() == ["train"] * 3 + ["valid"] * 2 + ["test"] * 3


def test_lastfm_takes_a_held_out_row_as_a_whole_user(tmp_path: Path) -> None:
    def rows(*given: tuple[list[int], int, int]) -> pl.DataFrame:
        padded = [(past + [LASTFM_PADDING] * (10 - len(past)), length, target) for past, length, target in given]
        return pl.DataFrame(padded, schema={"seq": pl.List(pl.Int64), "len_seq": pl.Int64, "next": pl.Int64}, orient="row")

    rows(([], 1, 4), ([4], 1, 2), ([], 1, 3)).write_parquet(tmp_path / "train_data.parquet")
    rows(([2, 4], 2, 3)).write_parquet(tmp_path / "Val_data.parquet")
    rows(([1], 1, 2), ([3, 2, 1], 3, 4)).write_parquet(tmp_path / "Test_data.parquet")
    (tmp_path / "id2name.txt").write_text("1::AC/DC\n2::Café Del Mar\n3::!!!\n4::Air\n", encoding="utf-8")
    loaded = sequence_files.lastfm(tmp_path)
    assert loaded.order == "source"
    assert loaded.events["user"].to_list() == [0, 0, 1, 2, 2, 2, 3, 3, 4, 4, 4, 4]
    assert loaded.events["item"].to_list() == [4, 2, 3, 2, 4, 3, 1, 2, 3, 2, 1, 4]
    assert loaded.events["part"].to_list() == ["train"] * 3 + ["valid"] * 3 + ["test"] * 6
    assert loaded.catalog.rows() == [(1, "AC/DC"), (2, "Café Del Mar"), (3, "!!!"), (4, "Air")]


def test_movietweetings_keeps_leading_zeros(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::0074638::7::1365029107\n2::0104257::8::1364690142\n")
    (tmp_path / "movies.dat").write_text("0074638::À l'ombre (1976)::\n0104257::A: B (1992)::Drama|War\n", encoding="utf-8")
    loaded = movielens.movietweetings(tmp_path)
    assert loaded.events["item"].to_list() == ["0074638", "0104257"]
    assert loaded.catalog.rows() == [("0074638", "À l'ombre (1976)", None), ("0104257", "A: B (1992)", "Drama|War")]


def test_movielens_1m_in_both_layouts(tmp_path: Path) -> None:
    (tmp_path / "movies.dat").write_bytes("5::Café (1997)::Drama\n7::Heat (1995)::Crime\n".encode("latin-1"))
    (tmp_path / "ratings.dat").write_text("1::5::4::100\n1::7::5::50\n")
    (tmp_path / "ml-1m.sequences.txt").write_text("1 7 5\n")
    full, bare = movielens.publisher_1m(tmp_path), movielens.sequences_1m(tmp_path)
    assert full.order == "timestamp"
    assert bare.order == "source"
    assert bare.events["item"].to_list() == full.events.sort("timestamp")["item"].to_list()
    assert bare.catalog["title"].to_list() == ["Café (1997)", "Heat (1995)"]


def test_short_and_wrongly_encoded_lines_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::2::3\n")
    with pytest.raises(ReverieError, match="line 1 has fewer than 4 fields"):
        movielens.publisher_1m(tmp_path)
    (tmp_path / "ratings.dat").write_bytes(b"1::\xe9::3::4\n")
    with pytest.raises(ReverieError, match="is not utf-8 at byte 3"):
        movielens.movietweetings(tmp_path)
    with pytest.raises(ReverieError, match=r"has no file movies\.csv"):
        movielens.csv_small(tmp_path)


def test_latest_small(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,5,2.5,100\n")
    (tmp_path / "movies.csv").write_text('movieId,title,genres\n5,"American President, The (1995)",(no genres listed)\n')
    loaded = movielens.csv_small(tmp_path)
    assert loaded.catalog.rows() == [(5, "American President, The (1995)", None)]


def test_s3rec_takes_titles_or_texts_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "Toys.txt").write_text("1 4 5 6\n2 5 4 4\n")
    layout = table_files("Toys.txt", "Toys.item_titles.tsv", format="sequences")
    assert layout(tmp_path).notes == ("this copy has no titles",)
    (tmp_path / "Toys.item_titles.tsv").write_text('item_id\tasin\ttitle\n4\tB1\t5" drum\n5\tB2\tKite\n')
    loaded = layout(tmp_path)
    assert loaded.events.rows() == [(1, 4), (1, 5), (1, 6), (2, 5), (2, 4), (2, 4)]
    assert loaded.catalog["title"].to_list() == ['5" drum', "Kite"]
    (tmp_path / "Sports_and_Outdoors.txt").write_text("1 4 5 6\n2 5 4 4\n")
    assert sequence_files.amazon_sports(tmp_path).notes == ("this copy has no titles",)
    (tmp_path / "Sports_and_Outdoors.item_text.tsv").write_text("item_id\tasin\tidgenrec_textual_id\n4\tB1\tred drum\n")
    words = sequence_files.amazon_sports(tmp_path)
    assert words.catalog.to_dicts() == [{"item": 4, "text": "red drum"}]


def test_microlens_steam_and_retailrocket(tmp_path: Path) -> None:
    (tmp_path / "MicroLens-50k_pairs.tsv").write_bytes(b"1\t19 6 15\r\n2\t6 9\r\n")
    (tmp_path / "MicroLens-50k_titles.csv").write_bytes(b'item,title\r\n6,"Duck, fried"\r\n9,Song\r\n')
    videos = LAYOUTS["microlens"](tmp_path)
    assert videos.events.rows() == [(1, 19), (1, 6), (1, 15), (2, 6), (2, 9)]
    assert videos.catalog["title"].to_list() == ["Duck, fried", "Song"]
    (tmp_path / "game_purchase.dat").write_text("User_ID\tGame_ID\tPurchase\n1\t1\t1.0\n1\t2\t1.0\n")
    (tmp_path / "item_info.dat").write_text("Game_ID\tGame Name\n1\tFallout 4\n2\tPortal\n")
    games = LAYOUTS["steam"](tmp_path)
    assert (games.order, games.catalog["title"].to_list()) == ("none", ["Fallout 4", "Portal"])
    frame = pl.DataFrame({"user": [0, 0], "item": [3, 3], "event": ["view", "buy"], "timestamp": np.array([7, 7])})
    frame.write_parquet(tmp_path / "train_events.parquet")
    shop = LAYOUTS["retailrocket"](tmp_path)
    assert shop.events["kind"].to_list() == ["view", "buy"]
    assert shop.order == "timestamp"
