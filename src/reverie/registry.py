"""Registries of named components (models, attacks, ...) as lazy entries, open to other packages by entry points."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
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
    build : str or callable
        ``module:name`` of a function or class that takes ``(config, vocabulary)``. Written in code or in an installed package's
        entry point, never taken from a user's file. What a session registers is there itself.
    config : str or type
        ``module:name`` of its frozen pydantic configuration, readable without torch; or that itself.
    summary : str
        One line for lists.
    paper : str
        Key of the source in PAPERS.md.
    tags : frozenset of str
        For models: ``counts`` or ``learns``, and where true ``needs-time``, ``needs-user``, ``needs-labels``, ``needs-reward``
        (learns from the column ``reward``), ``needs-repeats`` (shows what was seen, so the protocol has to keep it),
        ``needs-titles``, ``needs-content`` (features of items), ``needs-package:<module>``, ``by-name`` (no part of the
        default set of a comparison), ``cold-users``, ``cold-items``, ``weights`` (losses are weighted by the column ``weight`` of
        the training events).
    """

    build: str | Callable[[Any, Any], Any]
    config: str | type
    summary: str = ""
    paper: str = ""
    tags: frozenset[str] = frozenset()


def load_object(target: Any) -> Any:
    """Import ``module:name``.

    Parameters
    ----------
    target : str or object
        A target written in an `Entry`.

    Returns
    -------
    object
        What the module calls so; what is no text, as it is.
    """
    if not isinstance(target, str):
        return target
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
        self.session: dict[str, Entry] = {}
        """Entries that this session added, see `add`."""

    def add(self, name: str, entry: Entry) -> None:
        """Add an entry for this session; one that was added before is replaced.

        Parameters
        ----------
        name : str
            Its name.
        entry : Entry
            With its objects, or names of them.

        Raises
        ------
        ConfigError
            If Reverie or an installed package has the name.
        """
        if name in self._entries:
            raise ConfigError(f"'{name}' is a {self.kind} of Reverie or of an installed package; choose another name")
        self.session[name] = entry

    @contextlib.contextmanager
    def lent(self, name: str, entry: Entry | None) -> Iterator[None]:
        """Have an entry under a name of no other than this session inside the block; None lends nothing."""
        before = dict(self.session)
        if entry is not None:
            self.add(name, entry)
        try:
            yield
        finally:
            self.session.clear()
            self.session.update(before)

    @property
    def _known(self) -> Mapping[str, Entry]:
        return self._entries | self.session if self.session else self._entries

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
            return self._known[name]
        except KeyError:
            raise unknown(self.kind, name, self._known) from None

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

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
