"""What a generative recommender imagines for a person, in words: the oracle item, and the real items near it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import ConfigError, DataError
from reverie.imagery.bm25 import tokens

if TYPE_CHECKING:
    from reverie.llm.interpreter.session import Session
    from reverie.llm.windows import Windows

OTHERS, NEAR = 8, 5
"""Other people whose oracle items are compared with, and real items near each."""


@dataclass(frozen=True)
class Oracle:
    """One person's oracle item.

    Parameters
    ----------
    user : str
    history : tuple of str
        Titles, oldest first.
    title, in_catalogue : str
        What the language model calls the imagined vector: freely, and among the titles of the catalogue.
    nearest : tuple of str
        Titles of the real items whose vectors are nearest to it.
    categories : tuple of str
        Of those items, each as often as it stands there.
    top : str
        Title of the item that the recommender would show first.
    top_categories : tuple of str
    """

    user: str
    history: tuple[str, ...]
    title: str
    in_catalogue: str
    nearest: tuple[str, ...]
    categories: tuple[str, ...]
    top: str
    top_categories: tuple[str, ...]

    @property
    def about(self) -> str:
        """The nearest real items as a text: their titles and categories."""
        return ". ".join([*self.nearest, " ".join(dict.fromkeys(self.categories))])

    @property
    def about_top(self) -> str:
        """The item that would be shown first as a text."""
        return f"{self.top}. {' '.join(self.top_categories)}"


@dataclass(frozen=True)
class Catalogue:
    """How rare words are: the number of items, and in how many each word stands, in the title or among the categories."""

    n: int
    counts: dict[str, int]

    def rarity(self, word: str) -> float:
        """Return how much a word tells, by how few items have it."""
        return float(np.log((self.n + 1) / (max(self.counts.get(stem, 0) for stem in tokens(word) or [word]) + 1)))


def read_oracles(
    run: Path, user: str, device: str | None = None, offline: bool = False, log: Path | None = None
) -> tuple[list[Oracle], Catalogue]:
    """Return the oracle items of a user and of other people, that user's first, and the words of the catalogue.

    Parameters
    ----------
    run : Path
        Run folder of ``reverie interpret`` whose recommender imagines items.
    user : str
    device : str or None
    offline : bool
    log : Path or None
        Where the event log is now.

    Raises
    ------
    ConfigError
        If the recommender imagines nothing.
    DataError
        If there is no such user.
    """
    from reverie.llm.interpreter.answers import user_window
    from reverie.llm.interpreter.session import open_taught
    from reverie.llm.windows import Windows
    from reverie.protocols import Imagines

    session = open_taught(run, device=device, offline=offline, log=log)
    if not isinstance(session.model, Imagines) or "item" not in session.recipe.tasks:
        raise ConfigError(
            f"the recommender of {run} imagines no items; take a run of 'reverie interpret recinterpreter-dreamrec-ml-100k'"
        )
    code = int(session.split.vocabulary.user_codes([user])[0])
    if code < 0:
        known = session.split.vocabulary.users[0]
        raise DataError(f"user '{user}' is not in the dataset of {run}; ids look like {known}")
    own, others = user_window(session, code), session.windows("test")
    others = others.take(np.flatnonzero(others.users != code)[:OTHERS])
    every = Windows(*(np.concatenate(pair) for pair in zip(vars(own).values(), vars(others).values(), strict=True)))
    return _oracles(session, every), _catalogue(session)


def _oracles(session: Session, windows: Windows) -> list[Oracle]:
    """Return the oracle item of each history."""
    import torch

    from reverie.llm.interpreter.answers import describe_imagined
    from reverie.llm.windows import to_device

    kinds = _categories(session)
    titles, table = session.titles, {session.titles.text(code): code for code in range(len(session.titles.texts), 0, -1)}
    with torch.no_grad():
        scores = session.model.scores(to_device(session.model, windows.batch())).float().cpu().numpy()
    found = []
    for row, said in enumerate(describe_imagined(session, windows)):
        history = windows.rows()[row]
        scores[row, np.array(history) - 1] = -np.inf
        top = int(scores[row].argmax()) + 1
        near = tuple(said["nearest"][:NEAR])
        found.append(Oracle(
            user=str(session.split.vocabulary.users[int(windows.users[row])]), history=tuple(map(titles.text, history)),
            title=said["title"], in_catalogue=said["in_catalogue"], nearest=near,
            categories=tuple(kind for title in near for kind in kinds.get(table[title], ())),
            top=titles.text(top), top_categories=kinds.get(top, ()),
        ))  # fmt: skip
    return found


def _categories(session: Session) -> dict[int, tuple[str, ...]]:
    """Return the categories of items by code."""
    catalog = session.dataset.catalog
    if "categories" not in catalog.columns:
        return {}
    codes = session.split.vocabulary.item_codes(catalog["item"].to_list()).tolist()
    return {
        code: tuple(part for part in str(text).replace("|", " ").split() if part)
        for code, text in zip(codes, catalog["categories"].to_list(), strict=True) if code and text
    }  # fmt: skip


def _catalogue(session: Session) -> Catalogue:
    counts: dict[str, int] = {}
    kinds = _categories(session)
    for code, title in enumerate(session.titles.texts, start=1):
        for word in _distinct([title, *kinds.get(code, ())]):
            counts[word] = counts.get(word, 0) + 1
    return Catalogue(len(session.titles.texts), counts)


def _distinct(texts: Sequence[str]) -> set[str]:
    return {word for text in texts for word in tokens(text)}
