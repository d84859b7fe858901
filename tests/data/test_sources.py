from __future__ import annotations

import functools
import http.server
import json
import lzma
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import reverie as rv
from reverie.data.sources import movielens
from reverie.data.sources.entries import ENTRIES
from reverie.data.sources.entry import Local, Made, Remote, SourceEntry
from reverie.data.sources.load import default_protocol, load_entry, open_dataset
from reverie.errors import ReverieError
from reverie.files import sha256

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t10\t5\t900\n2\t10\t3\t800\n1\t11\t4\t900\n1\t12\t1\t850\n"
ITEM = (
    "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "10\tToy Story\t1995\tAnimation Comedy\n11\tCérémonie, La\t1995\tDrama\n12\tunkonwn\tunkonwn\tunknown\n"
)
DATA = "1\t10\t5\t900\n2\t10\t3\t800\n1\t11\t4\t900\n1\t12\t1\t850\n"


def _u_item() -> bytes:
    rows = [("10", "Toy Story (1995)", {3, 5}), ("11", "Cérémonie, La (1995)", {8}), ("12", "unknown", {0})]
    lines = [f"{i}|{title}|01-Jan-1995||url|" + "|".join(str(int(g in genres)) for g in range(19)) for i, title, genres in rows]
    return ("\n".join(lines) + "\n").encode("latin-1")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("REVERIE_DATA", raising=False)
    monkeypatch.delenv("REVERIE_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "site"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Silent, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _atomic(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "ml-100k.inter.xz").write_bytes(lzma.compress(INTER.encode()))
    (folder / "ml-100k.item").write_text(ITEM, encoding="utf-8")
    return folder


def _zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ml-100k/u.data", DATA)
        archive.writestr("ml-100k/u.item", _u_item())
    return path


def _entry(url: str, digests: dict[str, str] | None = None) -> SourceEntry:
    files = {name: f"{url}/ml-100k.zip!ml-100k/{name}" for name in ("u.data", "u.item")}
    return replace(ENTRIES["ml-100k"], mirrors=(Remote("publisher", files, movielens.publisher_100k, digests or {}),))


def test_both_layouts_of_movielens_100k_are_one_dataset(
    tmp_path: Path, site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = site
    _zipped(folder / "ml-100k.zip")
    publisher = load_entry(_entry(url))
    _atomic(tmp_path / "data" / "ml-100k")
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path / "data"))
    local = rv.load_dataset("ml-100k")
    assert local.sha256 == publisher.sha256
    assert local.catalog.rows() == publisher.catalog.rows()
    assert local.catalog["title"].to_list() == ["Toy Story (1995)", "Cérémonie, La (1995)", "unknown"]
    assert local.catalog["categories"].to_list() == ["Animation|Comedy", "Drama", "unknown"]
    assert local.licence.startswith("GroupLens")
    assert "Harper" in local.citation


def test_what_was_fetched_is_cached_and_used_offline(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = site
    archive = _zipped(folder / "ml-100k.zip")
    entry = _entry(url)
    with pytest.raises(ReverieError, match=r"offline.*run once without --offline"):
        load_entry(entry, offline=True)
    first = load_entry(entry)
    archive.unlink()
    assert load_entry(entry, offline=True).sha256 == first.sha256
    cached = tmp_path / "cache" / "datasets" / "ml-100k" / "publisher"
    assert json.loads((cached / "origin.json").read_text())["unverified"] == ["u.data", "u.item"]
    (cached / "u.data").write_text(DATA[:-4])
    with pytest.raises(ReverieError, match=r"u\.data is missing or damaged.*delete"):
        load_entry(entry)


def test_the_environment_can_forbid_the_network(site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, url = site
    _zipped(folder / "ml-100k.zip")
    monkeypatch.setenv("REVERIE_OFFLINE", "1")
    with pytest.raises(ReverieError, match="without --offline"):
        load_entry(_entry(url))


@pytest.mark.parametrize("damage", ["digest", "short", "member", "gone"])
def test_a_damaged_download_leaves_nothing_behind(site: tuple[Path, str], tmp_path: Path, damage: str) -> None:
    folder, url = site
    archive = _zipped(folder / "ml-100k.zip")
    digests: dict[str, str] = {}
    if damage == "digest":
        digests = {"u.data": "0" * 64}
    elif damage == "short":
        archive.write_bytes(archive.read_bytes()[:-60])
    elif damage == "member":
        with zipfile.ZipFile(archive, "w") as empty:
            empty.writestr("readme", "")
    else:
        archive.unlink()
    words = {"digest": "SHA-256", "short": "damaged", "member": "holds no file", "gone": "refused"}[damage]
    with pytest.raises(ReverieError, match=words):
        load_entry(_entry(url, digests))
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_digests_are_checked_and_the_next_mirror_is_tried(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = site
    _zipped(folder / "ml-100k.zip")
    (folder / "u.data").write_text(DATA)
    (folder / "u.item").write_bytes(_u_item())
    files = {name: f"{url}/{name}" for name in ("u.data", "u.item")}
    good = {name: sha256(folder / name) for name in files}
    bad = _entry(url, {"u.data": "0" * 64}).mirrors[0]
    entry = replace(ENTRIES["ml-100k"], mirrors=(bad, Remote("second", files, movielens.publisher_100k, good)))
    assert load_entry(entry).n_events == 4
    origin = json.loads((tmp_path / "cache/datasets/ml-100k/second/origin.json").read_text())
    assert origin["unverified"] == []


def test_where_all_mirrors_fail_each_reason_is_given(
    site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url = site
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    local = Local("ml-100k", ("ml-100k.inter",), movielens.atomic_100k)
    entry = replace(_entry(url), mirrors=(local, *_entry(url).mirrors))
    with pytest.raises(ReverieError) as caught:
        load_entry(entry)
    message = str(caught.value)
    assert "has no ml-100k.inter" in message
    assert f"{url}/ml-100k.zip: the server refused" in message
    assert "\n" not in message


def test_names_paths_and_what_is_neither(tmp_path: Path) -> None:
    assert rv.list_datasets() == sorted(ENTRIES)
    with pytest.raises(ReverieError, match="did you mean 'ml-100k'"):
        rv.load_dataset("ml-100kk")
    with pytest.raises(ReverieError, match=r"did you mean 'zhihu'.*no such file exists"):
        open_dataset("zhihoo")
    path = tmp_path / "log.csv"
    path.write_text("who,item\n1,2\n")
    assert open_dataset(path, user="who").events.rows() == [(1, 2)]
    assert default_protocol("zhihu") == "given"
    assert default_protocol(str(path)) == "leave_one_out"


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_entries_are_complete(entry: SourceEntry) -> None:
    assert entry.protocol in {"leave_one_out", "temporal", "by_user", "by_sequence", "given"}
    assert all((entry.summary, entry.licence, entry.citation, entry.homepage.startswith("https://")))
    assert any(isinstance(mirror, Local | Made) for mirror in entry.mirrors)
    for mirror in entry.mirrors:
        if isinstance(mirror, Remote):
            assert all(address.startswith(("https://", "pypi:")) for address in mirror.files.values())
            assert set(mirror.sha256) <= set(mirror.files)
