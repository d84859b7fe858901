"""Mirrors that misbehave, archives that cannot be unpacked, and a cache that was changed: one sentence, and the next mirror."""

from __future__ import annotations

import contextlib
import http.server
import io
import json
import resource
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
import requests  # noqa: F401  # so that importing it is no part of a measured time

from reverie.data.loaded import Loaded
from reverie.data.sources import cf, download
from reverie.data.sources.archives import extract_zipped
from reverie.data.sources.entries import ENTRIES
from reverie.data.sources.entry import Remote, SourceEntry
from reverie.data.sources.load import load_entry
from reverie.errors import DataError, ReverieError
from reverie.files import sha256

GOOD = b"user\titem\n" + b"".join(f"{u}\t{u % 7}\n".encode() for u in range(400))


def _layout(folder: Path) -> Loaded:
    events = pl.read_csv(folder / "log.tsv", separator="\t").select(pl.col("user", "item").cast(pl.Int64))
    return Loaded(events, pl.DataFrame({"item": events["item"].head(0)}), "source")


class _Odd(http.server.BaseHTTPRequestHandler):
    """A server that does what the address says."""

    asked: ClassVar[list[str]] = []

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        kind = self.path.strip("/")
        self.asked.append(kind)
        with contextlib.suppress(OSError):
            getattr(self, f"_{kind.partition('.')[0]}")()

    def _send(self, body: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length != -1:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _good(self) -> None:
        self._send(GOOD)

    def _stall(self) -> None:
        time.sleep(1)

    def _drip(self) -> None:
        self._send(b"u", length=len(GOOD))
        for byte in GOOD[1:12]:
            time.sleep(0.1)
            self.wfile.write(bytes([byte]))

    def _headers(self) -> None:
        for letter in b"HTTP/1.0 200":
            self.wfile.write(bytes([letter]))
            time.sleep(0.1)

    def _endless(self) -> None:
        self._send(b"", length=-1)
        while True:
            self.wfile.write(bytes(1 << 16))

    def _huge(self) -> None:
        self._send(b"", length=10**15)
        time.sleep(0.4)

    def _nothing(self) -> None:
        self.send_response(204)
        self.end_headers()

    def _empty(self) -> None:
        self._send(b"")

    def _login(self) -> None:
        self._send(b"\xef\xbb\xbf \r\n<!DOCTYPE html><html><body>Please log in</body></html>")

    def _json(self) -> None:
        self._send(b'{"error": "try again later"}')

    def _cut(self) -> None:
        self._send(GOOD[:100], length=len(GOOD))

    def _zeros(self) -> None:
        self._send(bytes(len(GOOD)))

    def _loop(self) -> None:
        self._send(b"", 302, Location="/loop")

    def _refused(self) -> None:
        self._send(b"no", 503)

    def _length(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "many")
        self.end_headers()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("REVERIE_DATA", "REVERIE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_Odd, "asked", [])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Odd)
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _remote(key: str, address: str, **options: object) -> Remote:
    return Remote(key, {"log.tsv": address}, _layout, **options)  # type: ignore[arg-type]  # digests and sizes


def _entry(*remotes: Remote) -> SourceEntry:
    return replace(ENTRIES["ml-100k"], mirrors=remotes)


def _cached(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache/datasets/ml-100k").iterdir())


ANSWERS = {
    "stall": "no answer",
    "drip": "too slow",
    "headers": "too slow",
    "endless": "without end",
    "huge": "larger than",
    "nothing": "nothing arrived",
    "empty": "nothing arrived",
    "login": "a web page arrived",
    "json": "cannot be read as ml-100k",
    "cut": "broke off",
    "zeros": "cannot be read as ml-100k",
    "loop": "no answer",
    "refused": "the server refused",
    "length": "no answer",
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_odd_answer_is_one_sentence_and_the_next_mirror_is_tried(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    slow = kind in ("stall", "drip", "headers")
    monkeypatch.setattr(download, "TIMEOUT", 0.5 if kind == "stall" else 5)
    monkeypatch.setattr(download, "WINDOW", 0.5 if slow and kind != "stall" else 10)
    monkeypatch.setattr(download, "LEAST", 100)
    monkeypatch.setattr(download, "MOST", 1 << 22)
    odd = _remote("odd", f"{site}/{kind}")
    with pytest.raises(DataError, match=ANSWERS[kind]) as caught:
        load_entry(_entry(odd))
    assert "\n" not in str(caught.value)
    assert _cached(tmp_path) == []
    if not slow:
        assert load_entry(_entry(odd, _remote("second", f"{site}/good"))).n_events == 400
        assert _cached(tmp_path) == ["second"]


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x", "https://", "http://127.0.0.1:1/x"])
def test_what_is_no_address_of_a_server_is_passed_over(site: str, address: str) -> None:
    assert load_entry(_entry(_remote("odd", address), _remote("second", f"{site}/good"))).n_events == 400


def test_sizes_are_checked_where_no_digest_is_stated_and_the_user_is_told(site: str) -> None:
    small = _remote("small", f"{site}/good", sizes={"log.tsv": (10**6, 10**7)})
    with pytest.raises(DataError, match=r"has 2,\d+ bytes and should have 1,000,000 to 10,000,000"):
        load_entry(_entry(small))
    dataset = load_entry(_entry(small, _remote("second", f"{site}/good", sizes={"log.tsv": (100, 10_000)})))
    assert "unverified, as no digest is stated for this mirror: log.tsv" in dataset.notes


def test_every_file_of_a_mirror_has_a_digest_or_a_range_of_sizes() -> None:
    for entry in ENTRIES.values():
        for mirror in entry.mirrors:
            if isinstance(mirror, Remote):
                assert set(mirror.files) == set(mirror.sha256) | set(mirror.sizes), entry.name
                assert all(0 < low < high for low, high in mirror.sizes.values())


def _zip(method: int = zipfile.ZIP_DEFLATED, body: bytes = GOOD * 20) -> bytearray:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("log.tsv", body)
    return bytearray(out.getvalue())


def _patched(data: bytearray, local: int, central: int, value: bytes) -> bytearray:
    for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        at = data.index(signature) + offset
        data[at : at + len(value)] = value
    return data


def _scratched(data: bytearray) -> bytearray:
    begin, end = 40, data.index(b"PK\x01\x02")
    for at in range(begin, end, 3):
        data[at] ^= 0xA5
    return data


ZIPS: dict[str, Callable[[], bytes | bytearray]] = {
    "deflate": lambda: _scratched(_zip()),
    "lzma": lambda: _scratched(_zip(zipfile.ZIP_LZMA)),
    "bz2": lambda: _scratched(_zip(zipfile.ZIP_BZIP2)),
    "stored": lambda: _scratched(_zip(zipfile.ZIP_STORED)),
    "encrypted": lambda: _patched(_zip(), 6, 8, b"\x01\x00"),
    "unknown method": lambda: _patched(_zip(), 8, 10, b"\x63\x00"),
    "no archive": lambda: b"PK\x03\x04 and nothing",
    "cut": lambda: _zip()[:-30],
    "other place": lambda: _patched(_zip(), 0, 42, b"\xff\xff\xff\x7f"),
}


@pytest.mark.parametrize("kind", ZIPS)
def test_an_archive_that_cannot_be_unpacked_is_one_sentence(tmp_path: Path, kind: str) -> None:
    (tmp_path / "odd.zip").write_bytes(ZIPS[kind]())
    with pytest.raises(DataError, match=r"odd\.zip (is damaged, or cannot be unpacked|holds no file)") as caught:
        extract_zipped(tmp_path / "odd.zip", "log.tsv", tmp_path / "log.tsv")
    assert "\n" not in str(caught.value)


def test_unpacking_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "bomb.zip").write_bytes(_zip(body=bytes(30 << 20)))
    with pytest.raises(DataError, match=r"larger than 1,000,000 bytes"):
        extract_zipped(tmp_path / "bomb.zip", "log.tsv", tmp_path / "log.tsv", 1_000_000)
    assert (tmp_path / "log.tsv").stat().st_size <= 1_000_000


def _tar(*members: tuple[str, bytes, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, kind, target in members:
            info = tarfile.TarInfo(f"set/{name}")
            info.type, info.linkname, info.size = kind, target, len(target) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(target.encode()))
    return out.getvalue()


TRAIN, TEST = ("train.txt", tarfile.REGTYPE, "1 2 3\n"), ("test.txt", tarfile.REGTYPE, "1 4\n")
TARS = {
    "whole": _tar(TRAIN, TEST),
    "missing": _tar(TRAIN),
    "link to nothing": _tar(TRAIN, ("test.txt", tarfile.SYMTYPE, "nowhere")),
    "links in a circle": _tar(TRAIN, ("test.txt", tarfile.SYMTYPE, "a"), ("a", tarfile.SYMTYPE, "test.txt")),
    "hard link to nothing": _tar(TRAIN, ("test.txt", tarfile.LNKTYPE, "set/nowhere")),
    "link out of the archive": _tar(TRAIN, ("test.txt", tarfile.SYMTYPE, "/etc/hostname")),
    "pipe": _tar(TRAIN, ("test.txt", tarfile.FIFOTYPE, "")),
    "folder": _tar(TRAIN, ("test.txt", tarfile.DIRTYPE, "")),
    "cut": _tar(TRAIN, TEST)[:-40],
    "no archive": b"\x1f\x8b nothing",
}


@pytest.mark.parametrize("kind", TARS)
def test_a_tar_archive_is_read_or_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    (tmp_path / "set.tar.gz").write_bytes(TARS[kind])
    read = cf.archived_lines("set.tar.gz", "set")
    if kind == "whole":
        assert read(tmp_path).events.rows() == [(1, 2, "train"), (1, 3, "train"), (1, 4, "test")]
        return
    with pytest.raises(DataError, match=r"set\.tar\.gz") as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_not_called_damage(site: str, tmp_path: Path) -> None:
    (tmp_path / "whole.zip").write_bytes(_zip(body=bytes(1 << 20)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            extract_zipped(tmp_path / "whole.zip", "log.tsv", tmp_path / "log.tsv")
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
        with pytest.raises(ReverieError, match=r"cannot write .*File too large; free some space or set REVERIE_CACHE"):
            load_entry(_entry(_remote("one", f"{site}/good"), _remote("two", f"{site}/good")))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert _Odd.asked == ["good"], "another mirror would not help"
    assert _cached(tmp_path) == []


@pytest.mark.parametrize("note", ["{}", "[]", "null", "not JSON", '{"sha256": []}', '{"sha256": {}}', None])
def test_a_note_that_tells_nothing_is_an_error_until_it_is_fetched_again(site: str, tmp_path: Path, note: str | None) -> None:
    entry = _entry(_remote("one", f"{site}/good"))
    load_entry(entry)
    folder = tmp_path / "cache/datasets/ml-100k/one"
    (folder / "origin.json").unlink() if note is None else (folder / "origin.json").write_text(note)
    for offline in (False, True):
        with pytest.raises(DataError, match=r"origin\.json does not tell what was fetched; delete \S+/one and run again"):
            load_entry(entry, offline=offline)
    with pytest.raises(DataError, match="does not tell"):
        load_entry(entry, offline=True, again=True)
    assert load_entry(entry, again=True).n_events == 400
    assert load_entry(entry, offline=True).n_events == 400


def test_a_cut_file_with_a_fitting_note_is_found_by_the_stated_digest_or_size(site: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(GOOD)
    for stated in ({"sha256": {"log.tsv": sha256(whole)}}, {"sizes": {"log.tsv": (2000, 3000)}}):
        entry = _entry(_remote("one", f"{site}/good", **stated))
        assert load_entry(entry).n_events == 400
        file = tmp_path / "cache/datasets/ml-100k/one/log.tsv"
        file.write_bytes(b"".join(GOOD.splitlines(keepends=True)[:101]))
        file.with_name("origin.json").write_text(json.dumps({"sha256": {"log.tsv": sha256(file)}}))
        with pytest.raises(DataError, match=r"log\.tsv is missing or damaged .*; delete \S+/one and run again"):
            load_entry(entry)
        assert load_entry(entry, again=True).n_events == 400


def test_what_the_cache_holds_and_cannot_be_read_is_dropped(site: str, tmp_path: Path) -> None:
    one = _remote("one", f"{site}/good")
    load_entry(_entry(one))
    file = tmp_path / "cache/datasets/ml-100k/one/log.tsv"
    file.write_text("Please log in\n")
    file.with_name("origin.json").write_text(json.dumps({"sha256": {"log.tsv": sha256(file)}}))
    with pytest.raises(DataError, match=r"cannot be read as ml-100k.*run once without --offline"):
        load_entry(_entry(one), offline=True)
    assert _cached(tmp_path) == ["one"]
    assert load_entry(_entry(replace(one, files={"log.tsv": f"{site}/login"}), _remote("two", f"{site}/good"))).n_events == 400
    assert _cached(tmp_path) == ["two"]


def test_what_the_system_refuses_drops_nothing(site: str, tmp_path: Path) -> None:
    def full(folder: Path) -> Loaded:
        raise DataError("cannot be unpacked") from OSError(28, "No space left on device")

    one = _remote("one", f"{site}/good")
    load_entry(_entry(one))
    with pytest.raises(DataError, match="cannot be unpacked"):
        load_entry(_entry(replace(one, layout=full)))
    assert _cached(tmp_path) == ["one"]


def test_those_that_want_one_mirror_at_once_fetch_it_once(site: str) -> None:
    entry = _entry(_remote("one", f"{site}/good"))
    with ThreadPoolExecutor(4) as pool:
        assert [dataset.n_events for dataset in pool.map(lambda _: load_entry(entry), range(4))] == [400] * 4
    assert _Odd.asked == ["good"]
