"""Named datasets from a local folder, the cache, or their mirrors, and event logs by path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.read_as import untold
from reverie.data.readers import read_events
from reverie.data.readers.counted import of_kinds
from reverie.data.sources.entries import ENTRIES
from reverie.data.sources.entry import Local, Made, Remote, SourceEntry
from reverie.data.sources.fetch import cached_folder, drop, fetch_into_cache, is_cached
from reverie.errors import ConfigError, DataError, nearest, short, unknown


def list_datasets() -> list[str]:
    """Return the names that `load_dataset` knows.

    Returns
    -------
    list of str
        Sorted.
    """
    return sorted(ENTRIES)


def find_entry(name: str) -> SourceEntry:
    """Return what is known of a named dataset.

    Parameters
    ----------
    name : str
        A member of `list_datasets`.

    Returns
    -------
    SourceEntry
        Terms, protocol, mirrors and notes.

    Raises
    ------
    ConfigError
        If there is no such name; the nearest is named.
    """
    if name not in ENTRIES:
        if Path(name).suffix or Path(name).exists():
            raise ConfigError(
                f"'{short(name)}' is no dataset that is known by name; a file is read by rv.read_events('{short(name)}')"
            )
        if alike := [one for one in ENTRIES if one.startswith(_SHORT.get(name.casefold(), "\0"))]:
            raise ConfigError(f"unknown dataset '{name}'; here it is one of {', '.join(alike)}")
        raise unknown("dataset", name, ENTRIES)
    return ENTRIES[name]


_SHORT = {"movielens": "ml-", "amazon": "amazon-"}
"""Beginnings of names of datasets that go by another one."""


def default_protocol(name_or_path: str) -> str:
    """Return the split to use where nobody asks for another.

    Parameters
    ----------
    name_or_path : str
        A member of `list_datasets`, or anything else for a log of somebody's own.

    Returns
    -------
    str
        What the dataset's entry says; ``leave_one_out`` for a file.
    """
    return ENTRIES[name_or_path].protocol if name_or_path in ENTRIES else "leave_one_out"


def load_dataset(name: str, *, offline: bool = False) -> Dataset:
    """Load a named dataset, fetching it the first time.

    Parameters
    ----------
    name : str
        A member of `list_datasets`.
    offline : bool
        Use only local folders (``$REVERIE_DATA``) and the cache; also set by ``REVERIE_OFFLINE=1``.

    Returns
    -------
    Dataset
        With licence, citation and notes.

    Raises
    ------
    ConfigError
        If there is no such name.
    DataError
        If no mirror has it; the sentence gives the reason of each.
    """
    return load_entry(find_entry(name), offline=offline)


def load_entry(entry: SourceEntry, *, offline: bool = False, again: bool = False) -> Dataset:
    """Load the dataset of an entry; `again` fetches anew what is damaged in the cache, which is an error otherwise."""
    offline = offline or os.environ.get("REVERIE_OFFLINE") == "1"
    reasons: list[str] = []
    remotes = [mirror for mirror in entry.mirrors if isinstance(mirror, Remote)]
    for mirror in entry.mirrors:
        if isinstance(mirror, Made):
            return _dataset(entry, mirror, Path())
        if isinstance(mirror, Local) and (folder := _local_folder(mirror, reasons)) is not None:
            return _dataset(entry, mirror, folder)
    for remote in remotes:
        folder = cached_folder(entry.name, remote)
        try:
            if not is_cached(entry.name, remote):
                continue
        except DataError:
            if offline or not again:
                raise
            drop(entry.name, remote)
            continue
        try:
            return _dataset(entry, remote, folder)
        except DataError as error:
            if getattr(error.__cause__, "errno", None) is not None:  # the system's fault, not the file's, such as a full disk
                raise
            reasons.append(f"{folder}: {error}")
            if not offline:
                drop(entry.name, remote)
    if offline:
        if not any(cached_folder(entry.name, remote).is_dir() for remote in remotes):
            place = cached_folder(entry.name, remotes[0]).parent if remotes else "the cache"
            reasons.append(f"{place}: not fetched yet, and offline")
        remotes = []
    for remote in remotes:
        try:
            fetch_into_cache(entry.name, remote, partial(_dataset, entry, remote))
        except DataError as error:
            address = next(iter(remote.files.values()))
            reasons.append(f"{address.partition('!')[0]}: {error}")
        else:
            return _dataset(entry, remote, cached_folder(entry.name, remote))
    todo = (
        f"get it from {entry.homepage} and set REVERIE_DATA" if not offline else "run once without --offline, or set REVERIE_DATA"
    )
    raise DataError(f"dataset '{entry.name}' cannot be had ({'; '.join(reasons)}): {todo}")


def _local_folder(mirror: Local, reasons: list[str]) -> Path | None:
    root = os.environ.get("REVERIE_DATA")
    if not root:
        reasons.append("local folder: REVERIE_DATA is not set")
        return None
    folder = Path(root) / mirror.folder
    missing = [name for name in mirror.files if not any((folder / f"{name}{suffix}").is_file() for suffix in ("", ".xz"))]
    if missing:
        reasons.append(f"{folder}: has no {missing[0]}")
        return None
    return folder


def _dataset(entry: SourceEntry, mirror: Local | Remote | Made, folder: Path) -> Dataset:
    """Return the dataset in a folder; what its layout cannot read is an error of one sentence."""
    try:
        with untold():
            loaded = mirror.layout(folder)
        notes = (*entry.notes, *loaded.notes)
        if isinstance(mirror, Remote):
            unverified = sorted(set(mirror.files) - set(mirror.sha256))
            said = f"unverified, as no digest is stated for this mirror: {', '.join(unverified)}"
            notes = (*notes, *mirror.notes, *([said] if unverified else []))
        known = (entry.name, loaded.order, entry.licence, entry.citation, notes)
        dataset = Dataset(loaded.events, loaded.catalog, *known, content=loaded.content)
    except (pl.exceptions.PolarsError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{folder} cannot be read as {entry.name} ({reason}); fetch the dataset again") from error
    if not dataset.n_events:
        raise DataError(f"{folder} holds no events; fetch the dataset again")
    return dataset


def open_dataset(
    name_or_path: str | Path,
    *,
    user: str | None = None,
    item: str | None = None,
    timestamp: str | None = None,
    rating: str | None = None,
    kind: str | None = None,
    reward: str | bool | None = None,
    propensity: str | bool | None = None,
    weight: str | bool | None = None,
    kinds: Sequence[str] | None = None,
    catalog: Any = None,
    offline: bool = False,
    **said: Any,
) -> Dataset:
    """Open a registered dataset or a file.

    Parameters
    ----------
    name_or_path : str or path
        A member of `list_datasets`, else the path of an event log.
    user, item, timestamp, rating, kind, reward, propensity, weight, catalog
        For a file, see `read_events`.
    kinds : sequence of str, optional
        Count only events of these kinds.
    offline : bool
        For a name, see `load_dataset`.
    **said
        More of a file, such as ``columns`` and ``format``: see `read_events`.

    Returns
    -------
    Dataset
        Events with their catalogue.

    Raises
    ------
    DataError
        If it is neither; the nearest name is given. Also whatever the readers raise.
    """
    name = str(name_or_path)
    if name in list_datasets():
        dataset = load_dataset(name, offline=offline)
        return dataset if kinds is None else of_kinds(dataset, kinds)
    if os.path.exists(name):
        columns: dict[str, Any] = {"user": user, "item": item, "timestamp": timestamp, "rating": rating, "kind": kind}
        asked: dict[str, Any] = {"reward": reward, "propensity": propensity, "weight": weight}
        return read_events(name, **columns, **asked, kinds=kinds, catalog=catalog, **said)
    if any(sign in name for sign in "*?["):
        raise DataError(f"no file is named '{name}', and a path is no pattern here: give one file, or the folder of all parts")
    raise DataError(
        f"'{name}' is no dataset{nearest(name, list_datasets())} and no such file exists; see 'reverie data list' or check the path"
    )
