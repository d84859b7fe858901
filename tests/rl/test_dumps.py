"""The RecSys Challenge 2015 and Retailrocket as published, on tiny files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from reverie.data.readers import read_events
from reverie.data.rewards import with_rewards
from reverie.errors import ConfigError, DataError
from reverie.rl.dumps import read_rc15, read_retailrocket


def refused(make: object, *arguments: object, **options: object) -> str:
    """Return the one sentence with which something is refused."""
    with pytest.raises((DataError, ConfigError)) as caught:
        make(*arguments, **options)  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _write_rc15(folder: Path) -> None:
    clicks = ["3,2014-04-02T13:17:46.940Z,8,0", "1,2014-04-07T10:51:09.277Z,5,0", "1,2014-04-07T10:54:09.868Z,6,0",
              "1,2014-04-07T10:54:46.998Z,5,S", "2,2014-04-07T13:56:37.614Z,6,0", "3,2014-04-02T13:26:02.515Z,7,0",
              "3,2014-04-02T13:30:12.318Z,7,0", "4,2014-04-03T00:00:00.000Z,5,0"]  # fmt: skip
    (folder / "yoochoose-clicks.dat").write_text("\n".join(clicks) + "\n")
    (folder / "yoochoose-buys.dat").write_text("1,2014-04-07T10:55:00.100Z,5,1046,1\n2,2014-04-07T14:00:00.000Z,6,0,1\n")


def test_the_recsys_challenge_as_published(tmp_path: Path) -> None:
    _write_rc15(tmp_path)
    log = read_events(tmp_path, format="rc15", name="rc15")
    assert (log.order, log.kind_counts, log.vocabulary.n_users) == ("timestamp", {"click": 8, "buy": 2}, 4)
    assert log.events.row(0, named=True) == {
        "user": 3,
        "item": 8,
        "timestamp": 1396444666,
        "nanosecond": 940_000_000,
        "kind": "click",
    }
    assert log.notes == ("8 clicks of 4 sessions", "2 of 2 buys are counted")
    family = read_events(tmp_path, format="rc15-family")
    assert family.events.filter(pl.col("kind") == "buy").rows() == [(1, 5, 1396868100, 100_000_000, "buy")]
    assert sorted(family.vocabulary.users) == [1, 3]
    drawn, notes = read_rc15(tmp_path, family=True, sessions=1, seed=1)
    assert drawn["user"].n_unique() == 1
    assert notes[1] == "of the 2 sessions with three clicks or more, 1 are drawn with the seed 1"
    (tmp_path / "yoochoose-buys.dat").unlink()
    assert "clicks only" in read_events(tmp_path / "yoochoose-clicks.dat", format="rc15").notes[-1]
    assert "says where everything stands" in refused(read_events, tmp_path, format="rc15", user="u")
    (tmp_path / "yoochoose-clicks.dat").write_text("1,2014-04-07T10:51:09.277Z,5\n")
    assert "has 3 values in a row where user, timestamp, item, category are due" in refused(read_rc15, tmp_path)
    (tmp_path / "yoochoose-clicks.dat").write_text("session,time,item,category\n1,2014-04-07T10:51:09.277Z,5,0\n")
    assert "row 1, column 'timestamp'" in refused(read_rc15, tmp_path)
    (tmp_path / "yoochoose-clicks.dat").write_text("1,2014-04-07T10:51:09.277Z,5,0\n")
    assert "no session of three clicks" in refused(read_rc15, tmp_path, family=True)
    (tmp_path / "yoochoose-clicks.dat").unlink()
    assert "has no file yoochoose-clicks.dat" in refused(read_rc15, tmp_path)


def test_retailrocket_as_published(tmp_path: Path) -> None:
    rows = [
        "1433221332117,7,view,1,", "1433221333117,7,addtocart,1,", "1433221334117,7,transaction,1,4000",
        "1433221335117,7,view,2,", "1433221336117,8,view,1,", "1433221337117,8,view,1,", "1433221338117,8,view,3,",
        "1433221339117,9,view,1,",
    ]  # fmt: skip
    path = tmp_path / "events.csv"
    path.write_text("timestamp,visitorid,event,itemid,transactionid\n" + "\n".join(rows) + "\n")
    log = read_events(tmp_path, format="retailrocket")
    assert log.kind_counts == {"view": 6, "cart": 1, "buy": 1}
    assert log.notes == ("purchase=transaction: a transaction counts as the purchase",)
    assert log.events.row(0) == (7, 1, 1433221332, 117_000_000, "view")
    cart = read_events(path, format="retailrocket-cart")
    assert cart.kind_counts == {"view": 6, "buy": 1}
    assert cart.notes == ("purchase=cart: an addition to the cart counts as the purchase; 1 transactions are left out",)
    family = read_events(path, format="retailrocket-family")
    assert family.events.select("user", "item", "kind").rows() == [(7, 1, "view"), (7, 1, "buy"), (8, 1, "view"), (8, 1, "view")]
    assert family.notes[-1].endswith("4 of 7 events stay")
    paid = with_rewards(family, {"view": 0.2, "buy": 1.0})
    assert paid.sequences.columns["reward"].tolist() == pytest.approx([0.2, 1.0, 0.2, 0.2])
    path.write_text(path.read_text().replace("addtocart", "like"))
    assert "row 2, column 'event': 'like' is not view, addtocart or transaction" in refused(read_retailrocket, path)
    path.write_text("timestamp,visitorid,event,itemid\n1,2,view,3\n")
    assert "has no column 'transactionid'" in refused(read_retailrocket, path)
    assert "one of files" in refused(read_events, pl.DataFrame(), format="retailrocket")
