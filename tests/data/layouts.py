"""The same small log in the layouts of public logs and of exports of shops and trackers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

Event = tuple[int, int, int, int]
"""User 1…20, item 1…15, a number 1…5, and seconds since 1970."""


def _events() -> list[Event]:
    random, made = Random(3), []
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
        rows(lambda u, i, r, t: f"AE{u},B{i}X,{r}.0,{t}123", "user_id,parent_asin,rating,timestamp\n"), ",", True,
    ),
    "gowalla.txt": (rows(lambda u, i, r, t: f"{u}\t{at(t, ISO)}\t30.26{i}\t-97.7{i}\t{22000 + i}"), "\t", False),
    "foursquare.txt": (
        rows(lambda u, i, r, t: f"{u}\t4b{i:06x}\tc{i % 3}\tBar & Grill\t40.7\t-74.0\t-240\t{at(t, '%a %b %d %H:%M:%S +0000 %Y')}"),
        "\t", False,
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
    "taobao.csv": (rows(lambda u, i, r, t: f"{u},{i},{40 + i % 7},{'pv pv fav cart buy'.split()[r - 1]},{t}"), ",", False),
    "tmall.csv": (
        rows(
            lambda u, i, r, t: f"{u},{i},{i % 3},{i % 5},{i % 4},{at(t, '%m%d')},{r % 4}",
            "user_id,item_id,cat_id,seller_id,brand_id,time_stamp,action_type\n",
        ),
        ",", True,
    ),
    "tenrec.csv": (
        rows(lambda u, i, r, t: f"{u},{i},{r % 2},0,0,0,{r},1,2", "user_id,item_id,click,follow,like,share,video_category,watching_times,gender\n"),
        ",", True,
    ),
    "kuairec.csv": (
        rows(
            lambda u, i, r, t: f"{u},{i},{r * 1000},8000,{at(t, PLAIN)}.0,{at(t, '%Y%m%d')},{t}.5,{r / 5}",
            "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n",
        ),
        ",", True,
    ),
    "retailrocket.csv": (
        rows(lambda u, i, r, t: f"{t}000,{u},{KINDS[r - 1]},{i},{r if r == 5 else ''}", "timestamp,visitorid,event,itemid,transactionid\n"),
        ",", True,
    ),
    "yoochoose.dat": (rows(lambda u, i, r, t: f"{u},{at(t, '%Y-%m-%dT%H:%M:%S')}.{r}51Z,{2140 + i},S"), ",", False),
    "diginetica.csv": (
        rows(lambda u, i, r, t: f"{u};NA;{i};{t % 86400 * 1000};{at(t, '%Y-%m-%d')}", "sessionId;userId;itemId;timeframe;eventdate\n"),
        ";", True,
    ),
    "hm.csv": (
        rows(lambda u, i, r, t: f"{at(t, '%Y-%m-%d')},{u:064x},{i:010d},0.0508,2", "t_dat,customer_id,article_id,price,sales_channel_id\n"),
        ",", True,
    ),
    "instacart.csv": (rows(lambda u, i, r, t: f"{u},{i},{r},{r % 2}", "order_id,product_id,add_to_cart_order,reordered\n"), ",", True),
    "online-retail.csv": (
        rows(
            lambda u, i, r, t: f'5363{r},85{i}A,"LANTERN, RED {i}",{r},{at(t, "%m/%d/%Y %H:%M")},2.55,178{u},United Kingdom',
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n",
        ),
        ",", True,
    ),
    "dressipi.csv": (rows(lambda u, i, r, t: f"{u},{i},{at(t, PLAIN)}.{r:03d}", "session_id,item_id,date\n"), ",", True),
    "mind.tsv": (
        rows(lambda u, i, r, t: f"{t}\tU{u}\t{at(t, '%m/%d/%Y %I:%M:%S %p')}\tN{i} N{i + 1}\tN{i}-0 N{i + 2}-1"), "\t", False,
    ),
    "xing.csv": (rows(lambda u, i, r, t: f"{u}\t{i}\t{r % 4}\t{t}", "user_id\titem_id\tinteraction_type\tcreated_at\n"), "\t", True),
    "snowplow.tsv": (
        rows(
            lambda u, i, r, t: f"web\t{at(t, PLAIN)}.123\tpage_view\tab-{u}\tSKU{i}\tsaid: a, b; c",
            "platform\tcollector_tstamp\tevent_name\tdomain_userid\tproduct_id\tpage_title\n",
        ),
        "\t", True,
    ),
    "shopify.csv": (
        rows(
            lambda u, i, r, t: f'#10{r},ann{u}@shop.example,paid,{at(t, PLAIN)} +0000,{r},"Shirt, blue {i}",SKU-{i},12.50',
            "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem sku,Lineitem price\n",
        ),
        ",", True,
    ),
    "woocommerce.csv": (
        rows(
            lambda u, i, r, t: f'{r};{at(t, PLAIN)};{u};"Cap; {i}";{i};19,90',
            "Order ID;Order Date;Customer ID;Product Name;Product ID;Item Cost\n",
        ),
        ";", True,
    ),
    "matomo.csv": (
        rows(lambda u, i, r, t: f"{u:016x},{at(t, PLAIN)},ecommerceOrder,/p/{i},P{i}", "visitorId,serverTimePretty,type,url,productSku\n"),
        ",", True,
    ),
    "ga4.csv": (
        rows(
            lambda u, i, r, t: f"{at(t, '%Y%m%d')},{t}000000,{KINDS[r - 1]}_item,{u}.97,SKU_{i},Shirt {i}",
            "event_date,event_timestamp,event_name,user_pseudo_id,item_id,item_name\n",
        ),
        ",", True,
    ),
    "ml-100k.inter": (
        rows(lambda u, i, r, t: f"{u}\t{i}\t{r}\t{t}.0", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"), "\t", True,
    ),
    "excel.csv": (rows(lambda u, i, r, t: f"K{u};P{i};{at(t, SLASH)};{r},5", "Kunde;Artikel;Datum;Betrag\n"), ";", True),
    "pipes.psv": (rows(lambda u, i, r, t: f"{u}|{i}|{t}|a, b", "user|item|time|note\n"), "|", True),
    "hive.txt": (rows(lambda u, i, r, t: f"u{u}\x01i{i}\x01{t}"), "\x01", False),
    "quoted.csv": (rows(lambda u, i, r, t: f'"u{u}","i{i}","said ""yes"", then\nleft",{t}', "user,item,note,time\n"), ",", True),
    "texts.csv": (rows(lambda u, i, r, t: f"ann{u},film{i}", "user,item\n"), ",", True),
    "texts-bare.csv": (rows(lambda u, i, r, t: f"ann{u},film{i}"), ",", False),
}
"""Text, separator, and whether the first line is a header."""
