"""Logs in the layouts that people have: read as what they say, or refused with the first row and what to say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from reverie.data.read_as import untold
from reverie.data.readers import read_catalog, read_events
from reverie.data.readers.dialect import dialect_of
from reverie.data.readers.layouts import HEADER_NAMES, layouts
from reverie.errors import ReverieError

Event = tuple[int, int, int, int]
"""User 1…20, item 1…15, a number 1…5, and seconds since 1970."""


def _events() -> list[Event]:
    random, made = Random(3), []  # noqa: S311  # no secret
    for user in range(1, 21):
        time = 1_583_020_800 + random.randint(0, 9_000_000)
        for _ in range(random.randint(4, 12)):
            time += random.randint(60, 90_000)
            made.append((user, random.randint(1, 15), random.randint(1, 5), time))
    return made


EVENTS = _events()
FIRST, LAST = (datetime.fromtimestamp(end(e[3] for e in EVENTS), UTC).strftime("%Y-%m-%d") for end in (min, max))


def at(time: int, form: str) -> str:
    """Return a time as a text."""
    return datetime.fromtimestamp(time, UTC).strftime(form)


def rows(line: Callable[..., str], head: str = "") -> str:
    """Return a line an event under a header."""
    return head + "".join(line(*event) + "\n" for event in EVENTS)


def objects(make: Callable[..., Any]) -> str:
    """Return a JSON object a line."""
    return "".join(json.dumps(make(*event)) + "\n" for event in EVENTS)


def _of_user(user: int) -> list[Event]:
    return [event for event in EVENTS if event[0] == user]


USERS = sorted({event[0] for event in EVENTS})
ISO, PLAIN, SLASH = "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M"
KINDS = ("view", "view", "cart", "cart", "buy")

TABLES: dict[str, tuple[str, str, bool]] = {
    "ml-1m.dat": (rows(lambda u, i, r, t: f"{u}::{i}::{r}::{t}"), "::", False),
    "ml-100k.data": (rows(lambda u, i, r, t: f"{u}\t{i}\t{r}\t{t}"), "\t", False),
    "ml-25m.csv": (rows(lambda u, i, r, t: f"{u},{i},{r}.5,{t}", "userId,movieId,rating,timestamp\n"), ",", True),
    "movies.dat": ("".join(f"{i}::Film: part, {i} ({1990 + i})::Drama|War\n" for i in range(1, 16)), "::", False),
    "u.item": ("".join(f"{i}|Film, {i} ({1990 + i})|01-Jan-{1990 + i}||http://x/?q={i}|0|1|0\n" for i in range(1, 16)), "|", False),
    "movies.csv": ("movieId,title,genres\n" + "".join(f'{i},"Film, {i}",Drama|War\n' for i in range(1, 16)), ",", True),
    "amazon.csv": (rows(lambda u, i, r, t: f"A{u:09d},B{i:07d}X,{r}.0,{t}"), ",", False),
    "amazon-2023.csv": (
        rows(lambda u, i, r, t: f"AE{u},B{i}X,{r}.0,{t}123", "user_id,parent_asin,rating,timestamp\n"),
        ",",
        True,
    ),
    "gowalla.txt": (rows(lambda u, i, r, t: f"{u}\t{at(t, ISO)}\t30.26{i}\t-97.7{i}\t{22000 + i}"), "\t", False),
    "foursquare.txt": (
        rows(lambda u, i, r, t: f"{u}\t4b{i:06x}\tc{i % 3}\tBar & Grill\t40.7\t-74.0\t-240\t{at(t, '%a %b %d %H:%M:%S +0000 %Y')}"),
        "\t",
        False,
    ),
    "lastfm-1k.tsv": (rows(lambda u, i, r, t: f"user_{u:06d}\t{at(t, ISO)}\tid-{i}\tArtist; {i}\t\tSong, {i}"), "\t", False),
    "lastfm-360k.tsv": (rows(lambda u, i, r, t: f"{u:040x}\tid-{i}\tthe artist {i}\t{r * 7}"), "\t", False),
    "hetrec.dat": (rows(lambda u, i, r, t: f"{u}\t{i}\t{r}", "userID\tartistID\tweight\n"), "\t", True),
    "triplets.txt": (rows(lambda u, i, r, t: f"{u:040x}\tSO{i:016d}\t{r}"), "\t", False),
    "book-crossing.csv": (rows(lambda u, i, r, t: f'"{u}";"0{i:08d}X";"{r}"', '"User-ID";"ISBN";"Book-Rating"\n'), ";", True),
    "epinions.txt": (rows(lambda u, i, r, t: f"{u} {i} {r}"), " ", False),
    "padded.txt": (rows(lambda u, i, r, t: f"{u:>6} {i:>8}  {r}   {t}"), " ", False),
    "steam.csv": (rows(lambda u, i, r, t: f'{u},"Game, the {i}",play,{r}.0,0'), ",", False),
    "criteo.txt": (rows(lambda u, i, r, t: f"{t - 1583020800}\tu{u:x}\tc{i:x}\t{r % 2}\t\t{r / 7:.6f}"), "\t", False),
    "taobao.csv": (rows(lambda u, i, r, t: f"{u},{i},{40 + i % 7},{['pv', 'pv', 'fav', 'cart', 'buy'][r - 1]},{t}"), ",", False),
    "tmall.csv": (
        rows(
            lambda u, i, r, t: f"{u},{i},{i % 3},{i % 5},{i % 4},{at(t, '%m%d')},{r % 4}",
            "user_id,item_id,cat_id,seller_id,brand_id,time_stamp,action_type\n",
        ),
        ",",
        True,
    ),
    "tenrec.csv": (
        rows(
            lambda u, i, r, t: f"{u},{i},{r % 2},0,0,0,{r},1,2",
            "user_id,item_id,click,follow,like,share,video_category,watching_times,gender\n",
        ),
        ",",
        True,
    ),
    "kuairec.csv": (
        rows(
            lambda u, i, r, t: f"{u},{i},{r * 1000},8000,{at(t, PLAIN)}.0,{at(t, '%Y%m%d')},{t}.5,{r / 5}",
            "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n",
        ),
        ",",
        True,
    ),
    "retailrocket.csv": (
        rows(
            lambda u, i, r, t: f"{t}000,{u},{KINDS[r - 1]},{i},{r if r == 5 else ''}",
            "timestamp,visitorid,event,itemid,transactionid\n",
        ),
        ",",
        True,
    ),
    "yoochoose.dat": (rows(lambda u, i, r, t: f"{u},{at(t, '%Y-%m-%dT%H:%M:%S')}.{r}51Z,{2140 + i},S"), ",", False),
    "diginetica.csv": (
        rows(
            lambda u, i, r, t: f"{u};NA;{i};{t % 86400 * 1000};{at(t, '%Y-%m-%d')}", "sessionId;userId;itemId;timeframe;eventdate\n"
        ),
        ";",
        True,
    ),
    "hm.csv": (
        rows(
            lambda u, i, r, t: f"{at(t, '%Y-%m-%d')},{u:064x},{i:010d},0.0508,2",
            "t_dat,customer_id,article_id,price,sales_channel_id\n",
        ),
        ",",
        True,
    ),
    "instacart.csv": (
        rows(lambda u, i, r, t: f"{u},{i},{r},{r % 2}", "order_id,product_id,add_to_cart_order,reordered\n"),
        ",",
        True,
    ),
    "online-retail.csv": (
        rows(
            lambda u, i, r, t: f'5363{r},85{i}A,"LANTERN, RED {i}",{r},{at(t, "%m/%d/%Y %H:%M")},2.55,178{u},United Kingdom',
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n",
        ),
        ",",
        True,
    ),
    "dressipi.csv": (rows(lambda u, i, r, t: f"{u},{i},{at(t, PLAIN)}.{r:03d}", "session_id,item_id,date\n"), ",", True),
    "mind.tsv": (
        rows(lambda u, i, r, t: f"{t}\tU{u}\t{at(t, '%m/%d/%Y %I:%M:%S %p')}\tN{i} N{i + 1}\tN{i}-0 N{i + 2}-1"),
        "\t",
        False,
    ),
    "xing.csv": (
        rows(lambda u, i, r, t: f"{u}\t{i}\t{r % 4}\t{t}", "user_id\titem_id\tinteraction_type\tcreated_at\n"),
        "\t",
        True,
    ),
    "snowplow.tsv": (
        rows(
            lambda u, i, r, t: f"web\t{at(t, PLAIN)}.123\tpage_view\tab-{u}\tSKU{i}\tsaid: a, b; c",
            "platform\tcollector_tstamp\tevent_name\tdomain_userid\tproduct_id\tpage_title\n",
        ),
        "\t",
        True,
    ),
    "shopify.csv": (
        rows(
            lambda u, i, r, t: f'#10{r},ann{u}@shop.example,paid,{at(t, PLAIN)} +0000,{r},"Shirt, blue {i}",SKU-{i},12.50',
            "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem sku,Lineitem price\n",
        ),
        ",",
        True,
    ),
    "woocommerce.csv": (
        rows(
            lambda u, i, r, t: f'{r};{at(t, PLAIN)};{u};"Cap; {i}";{i};19,90',
            "Order ID;Order Date;Customer ID;Product Name;Product ID;Item Cost\n",
        ),
        ";",
        True,
    ),
    "matomo.csv": (
        rows(
            lambda u, i, r, t: f"{u:016x},{at(t, PLAIN)},ecommerceOrder,/p/{i},P{i}",
            "visitorId,serverTimePretty,type,url,productSku\n",
        ),
        ",",
        True,
    ),
    "ga4.csv": (
        rows(
            lambda u, i, r, t: f"{at(t, '%Y%m%d')},{t}000000,{KINDS[r - 1]}_item,{u}.97,SKU_{i},Shirt {i}",
            "event_date,event_timestamp,event_name,user_pseudo_id,item_id,item_name\n",
        ),
        ",",
        True,
    ),
    "ml-100k.inter": (
        rows(lambda u, i, r, t: f"{u}\t{i}\t{r}\t{t}.0", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"),
        "\t",
        True,
    ),
    "excel.csv": (rows(lambda u, i, r, t: f"K{u};P{i};{at(t, SLASH)};{r},5", "Kunde;Artikel;Datum;Betrag\n"), ";", True),
    "pipes.psv": (rows(lambda u, i, r, t: f"{u}|{i}|{t}|a, b", "user|item|time|note\n"), "|", True),
    "hive.txt": (rows(lambda u, i, r, t: f"u{u}\x01i{i}\x01{t}"), "\x01", False),
    "quoted.csv": (rows(lambda u, i, r, t: f'"u{u}","i{i}","said ""yes"", then\nleft",{t}', "user,item,note,time\n"), ",", True),
    "texts.csv": (rows(lambda u, i, r, t: f"ann{u},film{i}", "user,item\n"), ",", True),
    "texts-bare.csv": (rows(lambda u, i, r, t: f"ann{u},film{i}"), ",", False),
}
"""Text, separator, and whether the first line is a header."""


@pytest.mark.parametrize("name", TABLES)
def test_the_dialect_is_told_by_the_lines(name: str) -> None:
    text, separator, header = TABLES[name]
    found = dialect_of(text, HEADER_NAMES)
    assert found is not None
    assert (found.separator, found.header) == (separator, header)


READ: dict[str, dict[str, Any]] = {
    "ml-1m.dat": {"layout": "movielens-1m"},
    "ml-100k.data": {"columns": ["user", "item", "rating", "timestamp"]},
    "ml-25m.csv": {},
    "amazon.csv": {"layout": "amazon-2014"},
    "amazon-2023.csv": {},
    "gowalla.txt": {"columns": "user,timestamp,-,-,item"},
    "foursquare.txt": {"layout": "foursquare"},
    "lastfm-1k.tsv": {"layout": "lastfm-1k"},
    "lastfm-360k.tsv": {"layout": "lastfm-360k"},
    "hetrec.dat": {},
    "triplets.txt": {"columns": "user, item, rating"},
    "book-crossing.csv": {},
    "epinions.txt": {"layout": "epinions"},
    "padded.txt": {"columns": "user,item,rating,timestamp"},
    "steam.csv": {"layout": "steam-200k"},
    "criteo.txt": {"columns": "timestamp,user,item,-,-,-"},
    "taobao.csv": {"layout": "taobao"},
    "tmall.csv": {},
    "tenrec.csv": {},
    "kuairec.csv": {},
    "retailrocket.csv": {},
    "yoochoose.dat": {"layout": "yoochoose"},
    "diginetica.csv": {},
    "hm.csv": {},
    "instacart.csv": {"layout": "instacart"},
    "online-retail.csv": {},
    "dressipi.csv": {},
    "xing.csv": {},
    "snowplow.tsv": {},
    "shopify.csv": {},
    "woocommerce.csv": {},
    "matomo.csv": {},
    "ga4.csv": {},
    "ml-100k.inter": {},
    "excel.csv": {},
    "pipes.psv": {},
    "hive.txt": {"columns": "user,item,timestamp"},
    "quoted.csv": {},
    "texts.csv": {},
}
"""How each table is read."""
TIMELESS = {
    "lastfm-360k.tsv",
    "hetrec.dat",
    "triplets.txt",
    "book-crossing.csv",
    "epinions.txt",
    "steam.csv",
    "tenrec.csv",
    "instacart.csv",
    "texts.csv",
}
RELATIVE = {"criteo.txt", "tmall.csv"}
"""Tables without times, and with times that do not count from 1970."""


def _checked(dataset: Any, timeless: bool, relative: bool = False) -> None:
    counts = (dataset.vocabulary.n_users, dataset.vocabulary.n_items, dataset.n_events)
    assert counts == (len(USERS), 15, len(EVENTS))
    assert dataset.has_time != timeless
    if not timeless and not relative:
        days = pl.from_epoch(dataset.events["timestamp"].sort(), time_unit="s").dt.strftime("%Y-%m-%d")
        assert (days[0], days[-1]) == (FIRST, LAST)


@pytest.mark.parametrize("name", READ)
def test_tables(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TABLES[name][0])
    _checked(read_events(path, **READ[name]), name in TIMELESS, name in RELATIVE)


@pytest.mark.parametrize("name", [name for name, (_, _, header) in TABLES.items() if not header])
def test_without_a_header_nothing_is_guessed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TABLES[name][0])
    with pytest.raises(ReverieError, match="columns=") as caught:
        read_events(path)
    first = TABLES[name][0].splitlines()[0].split(TABLES[name][1])
    assert [field for field in first if field.strip()][-1].split()[0][:20] in str(caught.value)
    assert "\n" not in str(caught.value)


JSON: dict[str, str] = {
    "amazon-2018.json": objects(
        lambda u, i, r, t: {
            "overall": r,
            "reviewTime": "01 4, 2018",
            "reviewerID": f"A{u}",
            "asin": f"B{i}",
            "style": {"Size:": "L"},
            "unixReviewTime": t,
        }
    ),
    "yelp.json": objects(
        lambda u, i, r, t: {
            "review_id": f"r{t}",
            "user_id": f"u{u}",
            "business_id": f"b{i}",
            "stars": r,
            "text": "a\nb",
            "date": at(t, PLAIN),
        }
    ),
    "goodreads.json": objects(
        lambda u, i, r, t: {
            "user_id": f"{u:x}",
            "book_id": str(i),
            "rating": r,
            "date_added": at(t, "%a %b %d %H:%M:%S +0000 %Y"),
            "read_at": "",
        }
    ),
    "otto.jsonl": "".join(
        json.dumps({"session": u, "events": [{"aid": i, "ts": t * 1000, "type": KINDS[r - 1]} for _, i, r, t in _of_user(u)]})
        + "\n"
        for u in USERS
    ),
    "ga4.jsonl": objects(
        lambda u, i, r, t: {
            "event_date": at(t, "%Y%m%d"),
            "event_timestamp": str(t * 10**6),
            "event_name": "view_item",
            "user_id": None,
            "user_pseudo_id": f"{u}.9",
            "event_params": [{"key": "id", "value": {"string_value": "x"}}],
            "items": [{"item_id": f"S{i}", "item_name": "Cap"}],
        }
    ),
    "segment.json": objects(
        lambda u, i, r, t: {
            "anonymousId": f"x{u}",
            "userId": f"u{u}",
            "event": "Product Viewed",
            "properties": {"product_id": f"p{i}", "price": 1.5},
            "timestamp": at(t, "%Y-%m-%dT%H:%M:%S.250Z"),
            "context": {"page": {"url": "/"}},
        }
    ),
    "array.json": json.dumps([{"user": u, "item": i, "time": t} for u, i, _, t in EVENTS], indent=1),
    "document.json": json.dumps(
        {"took": 1, "hits": [{"user": u, "item": i, "at": {"time": t}} for u, i, _, t in EVENTS]}, indent=2
    ),
    "one-line.json": json.dumps(
        {"data": {"orders": [{"customer_id": u, "created_at": at(t, ISO), "product_id": i} for u, i, _, t in EVENTS]}}
    ),
    "mpd.json": json.dumps(
        {
            "info": {"slice": "0"},
            "playlists": [{"pid": u, "tracks": [{"pos": t, "track_uri": f"s:{i}"} for _, i, _, t in _of_user(u)]} for u in USERS],
        },
        indent=4,
    ),
}


@pytest.mark.parametrize("name", JSON)
def test_json(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(JSON[name])
    dataset = read_events(path, layout="spotify-mpd" if name == "mpd.json" else None)
    _checked(dataset, name == "mpd.json")


def test_nested_ids_that_are_numbers_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text('{"user": 1, "seen": [{"id": 1.0, "ts": 5}, {"id": 1.00, "ts": 6}]}\n{"user": 2, "seen": []}\n')
    assert read_events(path, item="seen.id", timestamp="seen.ts").events.rows() == [(1, "1.0", 5), (1, "1.00", 6)]


OTHERS = {
    "blocks": (
        "1:\n7,3,2005-09-06\n8,5,2005-05-13\n2:\n7,4,2005-10-19\n",
        {"layout": "netflix"},
        [("7", "1"), ("8", "1"), ("7", "2")],
    ),
    "utf-16": ("user,item\n1,é\n".encode("utf-16"), {}, [(1, "é")]),
    "utf-16 without a mark": ("user;item\n1;abc\n".encode("utf-16-be"), {}, [(1, "abc")]),
    "utf-8 with a mark": (b"\xef\xbb\xbfuser;item\r\n1;2\r\n", {}, [(1, 2)]),
    "json with a mark": (b'\xef\xbb\xbf{"user": 1, "item": 2}\n', {}, [(1, 2)]),
    "latin": ("user,item\n1,café\n".encode("latin-1"), {"encoding": "latin-1"}, [(1, "café")]),
    "sep=": ("sep=;\nuser;item;price\n1;2;2,5\n", {}, [(1, 2)]),
    "notes before a header": ("# exported\n# by hand\n\nuser,item\n1,2\n", {}, [(1, 2)]),
    "notes before rows": ("% bip weighted\n1 2 3\n4 5 6\n", {"columns": "user,item,-"}, [(1, 2), (4, 5)]),
    "a separator at the end": ("user;item;time;\n1;2;1600000000;\n", {}, [(1, 2)]),
    "blanks behind separators": ("user, item, time\n1, 2, 1600000000\n3, a b, 1600000001\n", {}, [(1, 2), (3, "a b")]),
    "an index without a name": (",user,item\n0,1,2\n1,3,4\n", {}, [(1, 2), (3, 4)]),
    "columns of a spreadsheet": ("user\titem\tdate\n1\tab\t13/02/2024 1:05 PM\n".encode("utf-16"), {}, [(1, "ab")]),
    "a separator beyond ASCII": ("user§item\n1§2\n", {"separator": "§"}, [(1, 2)]),
    "a separator by its name": ("user\titem\n1\t2\n", {"separator": "\\t"}, [(1, 2)]),
    "a separator that is none": ("user,item\n1,2\n", {"separator": "\n"}, "what stands between the fields"),
    "deep": ("[" * 100_000, {}, "not valid JSON"),
    "deeper": ('{"a":' * 100_000, {}, "not valid JSON"),
    "zeros in a row": ("user,item\n1,2\0\n", {}, "is no item id"),
    "a long line": ("user,item\n1," + "x" * 400_000 + "\n2,y\n", {}, [(1, "x" * 400_000), (2, "y")]),
    "single quotes": ("'user','item'\n'1','a, b'\n", {}, [(1, "a, b")]),
    "a named header": ("who,what\nann,Heat\n", {"user": "who", "item": "what"}, [("ann", "Heat")]),
    "columns over a header": ("a,b,c\n1,2,3.5\n", {"columns": "item,user,-"}, [(2, 1)]),
    "an empty first choice": ("user_id,visitor_id,item\n,5,1\n,6,2\n", {}, [(5, 1), (6, 2)]),
    "a list of ids in text": ("user,item\n1,i1 i2 i3\n2,i4 i5\n", {}, "several ids in a field, as 'i1 i2 i3'"),
    "the same layout twice": ("1,2,3\n", {"layout": "epinions", "columns": "user,item,-"}, "leave one of them out"),
    "too few columns": ("1,2,3\n4,5,6\n", {"columns": "user,item"}, "and a row of"),
    "an unknown role": ("1,2\n", {"columns": "user,itm"}, "did you mean 'item'"),
    "an unknown layout": ("1,2\n", {"layout": "movielens-1"}, "did you mean 'movielens-1"),
    "an unknown encoding": ("1,2\n", {"encoding": "latin-99"}, "unknown encoding"),
    "python": ("{'user': 1, u'item': 2}\n", {}, "Python dictionaries, not JSON"),
    "a workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), {}, "save the sheet as CSV"),
    "a page": ("<!DOCTYPE html>\n<html></html>\n", {}, "is a page or XML"),
    "a pickle": (b"\x80\x04\x95\x10\x00", {}, "which is never opened"),
    "one column": ("a\nb\nc\n", {}, "separator="),
    "a matrix": ("\n".join(",".join(["7", *["3.5"] * 60]) for _ in range(5)), {}, "a matrix of ratings"),
    "a matrix with a header": (
        "uid," + ",".join(f"joke{n}" for n in range(60)) + "\n" + ",".join(["1"] * 61),
        {},
        "one row a rating",
    ),
    "lists of lists": ("[[1, 2], [3, 4]]", {}, "which is no object"),
    "two lists": ('{"user": 1, "a": [{"item": 1}], "b": [{"time": 5}]}\n', {}, "take columns of one list"),
    "both may be the day": ("user,item,date\n1,2,03/04/2024\n1,3,05/06/2024\n", {}, "day_first=True or day_first=False"),
    "no kind has the item": (
        '{"user": 1, "event": "page", "item": null}\n{"user": 1, "event": "view", "item": 5}\n',
        {},
        "kinds=view",
    ),
}


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS)
def test_other_files(tmp_path: Path, case: tuple[str | bytes, dict[str, Any], list[tuple[Any, ...]] | str]) -> None:
    content, said, expected = case
    path = tmp_path / "log.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if isinstance(expected, str):
        with pytest.raises(ReverieError, match=re.escape(expected)) as caught:
            read_events(path, **said)
        assert "\n" not in str(caught.value)
    else:
        rows = read_events(path, **said).events.select("user", "item").rows()
        assert [tuple(map(str, row)) for row in rows] == [tuple(map(str, row)) for row in expected]


def test_rows_of_other_kinds_need_no_item(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"user": 1, "event": "page", "item": null}\n{"user": 1, "event": "view", "item": 5}\n')
    dataset = read_events(path, kinds=["view"])
    assert dataset.events.select("user", "item").rows() == [(1, 5)]
    assert dataset.read_as is not None
    assert sum(dataset.read_as.dropped.values()) == 1


MEMORY: dict[str, Callable[[], Any]] = {
    "tuples": lambda: [(u, i, t) for u, i, _, t in EVENTS],
    "lists from an iterator": lambda: ([u, i, t] for u, i, _, t in EVENTS),
    "an array": lambda: np.array([(u, i, t) for u, i, _, t in EVENTS]),
    "mappings from an iterator": lambda: ({"user": u, "item": i, "timestamp": t} for u, i, _, t in EVENTS),
    "columns": lambda: dict(
        zip(("user", "item", "timestamp"), zip(*[(u, i, t) for u, i, _, t in EVENTS], strict=True), strict=True)
    ),
    "a structured array": lambda: np.array(
        [(u, i, t) for u, i, _, t in EVENTS], dtype=[("user", "i8"), ("item", "i8"), ("timestamp", "i8")]
    ),
    "pandas": lambda: pd.DataFrame([(u, i, t) for u, i, _, t in EVENTS], columns=["user", "item", "timestamp"]),
    "arrow": lambda: pa.table(
        {"user": [e[0] for e in EVENTS], "item": [e[1] for e in EVENTS], "timestamp": [e[3] for e in EVENTS]}
    ),
    "nested": lambda: pl.DataFrame({"user": USERS, "seen": [[{"item": i, "ts": t} for _, i, _, t in _of_user(u)] for u in USERS]}),
}
BARE = ("tuples", "lists from an iterator", "an array")
"""Sources whose columns have no names."""


@pytest.mark.parametrize("name", MEMORY)
def test_sources_in_memory_give_the_same_dataset(name: str) -> None:
    expected = read_events(pl.DataFrame([(u, i, t) for u, i, _, t in EVENTS], schema=["user", "item", "timestamp"], orient="row"))
    found = read_events(MEMORY[name](), columns="user,item,timestamp" if name in BARE else None)
    assert found.sha256 == expected.sha256


@pytest.mark.parametrize(
    ("source", "said", "fragment"),
    [
        ([(1, 2)], {}, "say what each field is"),
        ([(1, 2), (3,)], {"columns": "user,item"}, "another number"),
        ([], {}, "no rows"),
        (["ab"], {}, "a tuple, a list or a mapping"),
        (3, {}, "from a int"),
        (np.zeros(3), {"columns": "user"}, "two dimensions"),
        ([{"user": 1, "item": 2}], {"columns": "user,item"}, "have names"),
    ],
)
def test_sources_in_memory_that_are_no_events(source: Any, said: dict[str, Any], fragment: str) -> None:
    with pytest.raises(ReverieError, match=fragment):
        read_events(source, **said)


def test_a_catalogue_without_a_header(tmp_path: Path) -> None:
    for name, layout in (("movies.dat", "movielens-1m"), ("movies.csv", None)):
        (tmp_path / name).write_text(TABLES[name][0], encoding="latin-1")
        (tmp_path / "log").write_text(TABLES["ml-1m.dat"][0])
        said = {"layout": layout} if layout else {"columns": "user,item,rating,timestamp"}
        dataset = read_events(tmp_path / "log", catalog=tmp_path / name, **said)  # type: ignore[arg-type]  # texts
        assert dataset.vocabulary.title(1).startswith("Film")
        assert dataset.read_as is not None
        assert dataset.read_as.titles == "15 of 15 items have a title"
    assert read_catalog(tmp_path / "movies.dat", columns="item,title,-").columns == ["item", "title"]
    with pytest.raises(ReverieError, match="columns="):
        read_catalog(tmp_path / "movies.dat")


@pytest.mark.parametrize("name", layouts())
def test_every_layout_has_roles_that_exist(name: str) -> None:
    with pytest.raises(ReverieError, match=r"no column '|another number|have no header|is one of files"):
        read_events([(1,) * 30], layout=name)


def test_sequences_only_where_no_table_fits(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("1 10 20\n2 20 10 30\n3 5\n")
    dataset = read_events(path)
    assert dataset.n_events == 6
    assert dataset.read_as is not None
    assert "a line a user" in dataset.read_as.line()
    path.write_text("1 10 20\n1 20 10 30\n3 5\n")
    with pytest.raises(ReverieError, match="1 10 20"):
        read_events(path)


def test_what_a_log_was_read_as_is_told_but_not_of_named_datasets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frame = pl.DataFrame({"user": [1, 1], "item": [1, 2], "session": [5, 6]})
    with caplog.at_level("INFO", logger="reverie.data"):
        read_events(frame, catalog=pl.DataFrame({"item": [7], "title": ["A"]}))
        told = [record.getMessage() for record in caplog.records]
        with untold():
            read_events(frame)
    assert len(told) == len(caplog.records) == 2
    assert "user (not session)" in told[0]
    assert "ids like 1 in the log against 7 in the catalogue" in told[1]
