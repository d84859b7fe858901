"""Which column is meant, told by values: times of any name, small numbers, single values, times split in two, owners."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from reverie.data.readers import read_events
from reverie.data.readers.layouts import CATALOG_NAMES, EVENT_NAMES
from reverie.errors import ReverieError

T = 1_717_230_006
"""2024-06-01 08:20:06 UTC."""
DAYS = ["2024-06-03", "2024-06-02", "2024-06-01"]


def _read(tmp_path: Path, columns: dict[str, list[Any]], **said: Any) -> Any:
    path = tmp_path / "log.csv"
    pl.DataFrame(columns).write_csv(path, separator=";")
    dataset = read_events(path, **said)
    assert dataset.read_as is not None
    return dataset


NAMES_OF_TIMES = (
    "purchase_datetime", "enroll_time", "ApplicationDate", "Erstelldatum", "event_ts_utc", "ClickedAt", "date_of_purchase",
    "last_played", "last_modified", "ctime", "enrolltime", "col 3",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES_OF_TIMES)
def test_times_of_any_name_are_taken(tmp_path: Path, name: str) -> None:
    log = {"user_id": [1, 1, 1], "item_id": ["C", "B", "A"], "price": [1.5, 2.5, 2.5], "year": [1999, 2001, 2024], name: DAYS}
    found = _read(tmp_path, log)
    assert found.read_as.columns["timestamp"] == name
    if name != "col 3":  # numbers are times by name alone
        assert _read(tmp_path, log | {name: [T + 2, T + 1, T]}).events["timestamp"].to_list() == [T + 2, T + 1, T]


@pytest.mark.parametrize(
    ("others", "warned"),
    [
        ({"seen_on_date": DAYS, "stored_date": DAYS}, "timestamp=seen_on_date"),
        ({"birth_date": DAYS}, ""),
        ({"release_date": DAYS, "valid_until": DAYS}, ""),
        ({"code": [T, T + 1, T + 2]}, ""),
        ({"watch_time": [30, 20, 10]}, ""),
        ({"date_updates": [1, 2, 3], "note": ["a", "b", "c"]}, ""),
    ],
)
def test_what_may_be_no_time_is_not_taken(tmp_path: Path, others: dict[str, list[Any]], warned: str) -> None:
    found = _read(tmp_path, {"user_id": [1, 1, 1], "item_id": ["C", "B", "A"], **others}).read_as
    assert found.times == "no times"
    assert [warned in one for one in found.warnings] == ([True] if warned else [])


def test_a_field_that_is_said_not_to_be_read_is_no_time() -> None:
    rows = [(1, "A", "2024-06-01"), (1, "B", "2024-06-02")]
    assert read_events(rows, columns="user,item,-").read_as.times == "no times"  # type: ignore[union-attr]  # it is there


NUMBERS: dict[str, tuple[list[Any], str, int]] = {
    "YYYYMMDDHH": ([2024060108, 2024060109, 2024060109], "2024-06-01", 0),
    "YYMMDD": ([240601, 240602, 240602], "2024-06-01", 0),
    "YYYYMM": ([202406, 202407, 202407], "2024-06-01", 0),
    "YYYYDDD": ([2024153, 2024154, 2024154], "2024-06-01", 0),
    "YYYYMMDDHHMMSSmmm": ([20240601082006123, 20240602082006123, 20240602082006123], "2024-06-01", 0),
    "seconds": ([T, T + 86_400, T + 86_400], "2024-06-01", 0),
    "a clock of its own": ([0, 5, 2_000_000], "1970-01-01", 0),
    "days": ([1, 2, 2], "1970-01-01", 1),
    "days of a spreadsheet": ([45444, 45445, 45445], "1970-01-01", 1),
    "parts of days of a spreadsheet": ([45444.5, 45445.25, 45445.25], "2024-06-01 12:00:00", 0),
    "Julian days": ([2460463, 2460464, 2460465], "1970-01-29", 1),
    "a month or a day": ([201206, 201207, 201208], "1970-01-03", 1),
    "the future": ([5717230006, 5717230007, 5717230008], "2151-03-04", 1),
    "none in some": ([0, T, T + 1], "1970-01-01", 1),
    "less than none in some": ([-1, T, T + 1], "1969-12-31", 1),
    "no day of a year": ([2024000, 2024153, 2024367], "1970-01-24", 1),
}


@pytest.mark.parametrize("case", NUMBERS.values(), ids=NUMBERS)
def test_numbers_are_dates_or_said_to_be_unlikely(tmp_path: Path, case: tuple[list[Any], str, int]) -> None:
    values, first, warnings = case
    found = _read(tmp_path, {"user_id": [1, 1, 2], "item_id": [7, 8, 9], "timestamp": values})
    assert found.read_as.times.startswith(first)
    assert len(found.read_as.warnings) == warnings
    assert all("timestamp" in one and "log.csv" in one for one in found.read_as.warnings)


@pytest.mark.parametrize(("day", "events"), [(2, 4), (45_444, 4), (T, 3)])
def test_repeats_are_dropped_only_where_times_may_be_seconds(tmp_path: Path, day: int, events: int) -> None:
    log = {"user_id": [1, 1, 2, 2], "item_id": [7, 8, 7, 7], "DAY": [day - 1, day - 1, day, day]}
    assert _read(tmp_path, log).n_events == events


MANY = ["a", "b", "c"]
RIVALS: dict[str, tuple[dict[str, list[Any]], dict[str, str]]] = {
    "small numbers beside dates": (
        {"user": MANY, "item": MANY, "time": [30, 30, 12], "created_at": DAYS}, {"timestamp": "created_at"}
    ),
    "small numbers beside dates of another name": (
        {"user": MANY, "item": MANY, "time": [30, 30, 12], "done_datetime": DAYS}, {"timestamp": "done_datetime"}
    ),
    "small numbers alone": ({"user": MANY, "item": MANY, "time": [30, 30, 12], "day": [1, 2, 3]}, {"timestamp": "time"}),
    "a track of an artist": ({"user": MANY, "artist_id": MANY, "track_id": MANY, "ts": DAYS}, {"item": "track_id"}),
    "one guest": ({"user": ["guest"] * 3, "customer_id": MANY, "product_id": MANY}, {"user": "customer_id"}),
    "one app": ({"user": MANY, "item": ["product"] * 3, "product_id": MANY}, {"item": "product_id"}),
    "one client": ({"client": ["ios"] * 3, "session_id": MANY, "item": MANY}, {"user": "session_id"}),
    "one user, one session": ({"user": [1] * 3, "session_id": [4] * 3, "item": MANY}, {"user": "user"}),
    "date and time": ({"date": DAYS, "time": ["08:20:06"] * 3, "user": MANY, "item": MANY}, {"timestamp": "date"}),
    "owners": ({"owner.user_id": MANY, "viewer.user_id": MANY, "item": MANY}, {"user": "viewer.user_id"}),
    "an envelope": (
        {"timestamp": DAYS, "value.ts": DAYS, "value.user_id": MANY, "value.item_id": MANY}, {"timestamp": "value.ts"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RIVALS.values(), ids=RIVALS)
def test_rivals(tmp_path: Path, case: tuple[dict[str, list[Any]], dict[str, str]]) -> None:
    log, expected = case
    found = _read(tmp_path, log).read_as
    assert expected.items() <= found.columns.items()
    for role, column in expected.items():
        other = next((one for one in log if one != column and one in EVENT_NAMES[role]), None)
        if other in ("user", "item"):
            assert any(f"{role}={other}" in one for one in found.warnings)
            assert _read(tmp_path, log, **{role: other}).read_as.columns[role] == other


def test_day_and_clock_are_read_together(tmp_path: Path) -> None:
    log = {"Datum": ["01.06.2024", "13.06.2024"], "Uhrzeit": ["08:20", "9:21"], "Kunde": [1, 2], "Artikel": [7, 8]}
    assert _read(tmp_path, log).events["timestamp"].to_list() == [T - 6, T - 6 + 12 * 86_400 + 3660]
    plain = {"date": ["20240601", "20240602"], "time": ["08:20:06", "08:20:06"], "user": [1, 2], "item": [7, 8]}
    assert _read(tmp_path, plain).events["timestamp"].to_list() == [T, T + 86_400]
    assert _read(tmp_path, log, timestamp="Datum").events["timestamp"].to_list() == [T - 30_006, T - 30_006 + 12 * 86_400]


@pytest.mark.parametrize("cell", ["7|8|9", "i1;i2", "[1, 2]"])
def test_lists_in_a_field_are_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(ReverieError, match="several ids in a field"):
        _read(tmp_path, {"session_id": [1, 2], "item_ids": [cell, cell]}, item="item_ids")


JSON: dict[str, tuple[list[dict[str, Any]], list[tuple[Any, ...]], int]] = {
    "lists of objects": ([{"user": 1, "items": []}, {"user": 1}, {"user": 2, "items": [{"item_id": 5}]}], [(2, 5)], 2),
    "ids as they are written": ([{"user": 1, "items": []}, {"user": 2, "items": [{"item_id": 5.0}]}], [(2, "5.0")], 1),
    "plain lists": ([{"user": 1, "items": []}, {"user": 2, "items": [5, 6]}], [(2, 5), (2, 6)], 1),
    "objects with an id": ([{"user": {"id": 1, "name": "a"}, "item": {"$oid": "5f"}}], [(1, "5f")], 0),
    "a search engine": ([{"_score": 1.0, "_source": {"user_id": 1, "item_id": 5, "@timestamp": "2024-06-01"}}], [(1, 5)], 0),
}


@pytest.mark.parametrize("case", JSON.values(), ids=JSON)
def test_objects(tmp_path: Path, case: tuple[list[dict[str, Any]], list[tuple[Any, ...]], int]) -> None:
    lines, rows, dropped = case
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_events(path)
    assert found.events.select("user", "item").rows() == rows
    assert found.read_as is not None
    assert sum(found.read_as.dropped.values()) == dropped
    assert "rating" not in found.read_as.columns


def test_an_object_that_is_no_id_is_refused_with_its_field(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"user": {"key": 1}, "item": 5}\n')
    with pytest.raises(ReverieError, match=r"user=user\.key") as caught:
        read_events(path)
    assert "Struct" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "titles", "said", "warnings"),
    [
        ("Nr;title", 2, {"item": "Nr"}, 0),
        ("Artikelnummer;Bezeichnung", 2, {}, 0),
        ("id_producto;título", 2, {}, 0),
        ("item;foo", 0, {}, 1),
        ("item;foo", 2, {"catalog_columns": "item,title"}, 0),
    ],
)
def test_a_catalogue_of_other_names(tmp_path: Path, header: str, titles: int, said: dict[str, str], warnings: int) -> None:
    path = tmp_path / "items.csv"
    path.write_text(f"{header}\n7;A\n8;B\n")
    found = _read(tmp_path, {"user": [1, 1], "item": [7, 8]}, catalog=path, **said).read_as
    assert found.titles == f"{titles} of 2 items have a title"
    assert len(found.warnings) == warnings
    with pytest.raises(ReverieError, match="no column 'Nix'"):
        _read(tmp_path, {"user": [1, 1], "item": [7, 8]}, catalog=path, item="Nix")


@pytest.mark.parametrize(
    "header",
    [
        "distinct_id,id_product", "buyer-email,asin", "id_customer,id_product", "profileName,productId",
        "student_id,course_id", "Kunden-Nr.,Artikel-Nr.", "session_id_hash,city_id", "usuario,producto", "id_cliente,id_articulo",
        "utente,prodotto", "cliente,produto", "klient,produkt", "gebruiker,artikel", "utilisateur,produit", "ユーザーID,商品ID",
    ],
)  # fmt: skip
def test_names_of_columns(tmp_path: Path, header: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"{header}\nu1,i1\nu2,i2\n")
    assert read_events(path).events.rows() == [("u1", "i1"), ("u2", "i2")]


def test_no_name_stands_for_two_roles_or_twice() -> None:
    for names in (EVENT_NAMES, CATALOG_NAMES):
        for role, usual in names.items():
            assert len(set(usual)) == len(usual), role
    roles = ("user", "item", "timestamp", "rating", "kind")
    every = [name for role in roles for name in EVENT_NAMES[role]]
    assert sorted(name for name in set(every) if every.count(name) > 1) == []
