"""Registries of named components (models, attacks, ...) as lazy entries, open to other packages by entry points."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import Any

from reverie.errors import ConfigError, unknown


@dataclass(frozen=True, slots=True)
class Entry:
    """One registered thing.

    Parameters
    ----------
    build : str
        ``module:name`` of a function or class that takes ``(config, vocabulary)``. Written in code or in an installed package's
        entry point, never taken from a user's file.
    config : str
        ``module:name`` of its frozen pydantic configuration, readable without torch.
    summary : str
        One line for lists.
    paper : str
        Key of the source in PAPERS.md.
    tags : frozenset of str
        For models: ``counts`` or ``learns``, and where true ``needs-time``, ``needs-user``, ``needs-labels``, ``needs-reward``
        (learns from the column ``reward``), ``needs-titles``, ``needs-content`` (features of items), ``needs-package:<module>``,
        ``cold-users``, ``cold-items``, ``weights`` (losses are weighted by the column ``weight`` of the training events).
    """

    build: str
    config: str
    summary: str = ""
    paper: str = ""
    tags: frozenset[str] = frozenset()


def load_object(target: str) -> Any:
    """Import ``module:name``.

    Parameters
    ----------
    target : str
        A target written in an `Entry`.

    Returns
    -------
    object
        What the module calls so.
    """
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


class Registry(Mapping[str, Entry]):
    """Entries of one kind: ours, and those that rooms and other installed packages offer under an entry-point group.

    Parameters
    ----------
    kind : str
        What it holds, for messages, e.g. ``"model"``.
    entries : mapping
        Our own entries.
    group : str
        Entry-point group; each entry point's object is an `Entry`.
    """

    def __init__(self, kind: str, entries: Mapping[str, Entry], group: str) -> None:
        self.kind, self.group, self._ours = kind, group, dict(entries)

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        entries = dict(self._ours)
        for point in metadata.entry_points(group=self.group):
            if point.name in entries:
                raise ConfigError(f"two packages register the {self.kind} '{point.name}'; uninstall one of them")
            entries[point.name] = point.load()
        return entries

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise unknown(self.kind, name, self._entries) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def config(self, name: str) -> Any:
        """Return the configuration class of an entry.

        Parameters
        ----------
        name : str
            A registered name.

        Returns
        -------
        type
            A pydantic model.
        """
        return load_object(self[name].config)

    def build(self, name: str) -> Any:
        """Return the build function of an entry.

        Parameters
        ----------
        name : str
            A registered name.

        Returns
        -------
        callable
            ``build(config, vocabulary)``.
        """
        return load_object(self[name].build)


def family(package: str, rows: Mapping[str, tuple[str, ...]]) -> dict[str, Entry]:
    """Return the entries of a package whose options are all in its ``config``: those of ``some-name`` are ``SomeNameConfig``.

    Each row holds ``module:name`` of what is built, the summary, the paper, and tags.
    """
    entries = {}
    for name, (target, summary, paper, *tags) in rows.items():
        config = "".join(word.capitalize() for word in name.split("-"))
        entries[name] = Entry(f"{package}.{target}", f"{package}.config:{config}Config", summary, paper, frozenset(tags))
    return entries
