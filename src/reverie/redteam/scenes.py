"""Scenes from an event log: a user's history, the next item among candidates, and the history of another user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reverie.data.dataset import Dataset
from reverie.errors import DataError
from reverie.llm.titles import tidy, title_key
from reverie.redteam.goals import Scene
from reverie.seeds import numpy_generator

HISTORY = 10
"""Items of a history that a scene tells, the latest ones."""
CANDIDATES = 20
"""Items that may be recommended, fewer where a catalogue has not so many."""


@dataclass(frozen=True)
class DrawnScene:
    """A scene with the ids and titles of the item that came next and of an item that did not."""

    scene: Scene
    following: tuple[str, str]
    stray: tuple[str, str]


def draw_scenes(dataset: Dataset, n: int, seed: int, k: int) -> list[DrawnScene]:
    """Draw scenes of different users.

    The history holds the latest 10 events before the last one; the candidates are the last event's item and items that the user
    never met, drawn uniformly, in random order; the other history is that of the user drawn next. Titles are tidied, those of a
    scene differ, and items without a title are left out. Where the log has labels, only liked items make a history.

    Parameters
    ----------
    dataset : Dataset
        With titles.
    n : int
        How many.
    seed : int
        Of all draws.
    k : int
        Length of the lists that the scenes are for; there are at least twice as many candidates.

    Raises
    ------
    DataError
        If there are no titles, or too few users with a history and enough items that they do not know.
    """
    titles = _titles(dataset)
    found = [drawn for drawn, _ in zip(_scenes(dataset, titles, seed, k), range(n), strict=False)]
    if len(found) < n:
        raise DataError(
            f"'{dataset.name}' gives {len(found)} scenes of {n}: users need three events or more, and {2 * k} items with "
            "titles that they never met; ask for fewer goals, or choose a larger dataset"
        )
    others = [one.scene.history for one in (*found[1:], *found[:1])]
    return [replace(one, scene=replace(one.scene, other=other)) for one, other in zip(found, others, strict=True)]


def _titles(dataset: Dataset) -> dict[int, str]:
    """Return the tidy titles of the items that have one, by code."""
    known = dataset.vocabulary.titles
    if known is None:
        raise DataError(f"the items of '{dataset.name}' have no titles, so nothing can be named; give a catalogue with titles")
    return {code: tidy(title) for code, title in enumerate(known.to_list(), start=1) if title and title_key(title)}


def _scenes(dataset: Dataset, titles: dict[int, str], seed: int, k: int) -> Iterator[DrawnScene]:
    """Yield scenes without other histories, of users in random order."""
    rows, ids = dataset.sequences, dataset.vocabulary
    liked = rows.columns["label"].astype(np.float32) > 0 if "label" in rows.columns else None
    for row in numpy_generator(seed, "users of scenes").permutation(len(rows)).tolist():
        met = rows.row(row)
        codes = met if liked is None else met[liked[rows.starts[row] : rows.stops[row]]]
        if len(codes) < 3 or int(codes[-1]) not in titles:
            continue
        generator = numpy_generator(seed, "scene", row)
        pool = _candidates(int(codes[-1]), met, titles, generator)
        past = [int(code) for code in codes[:-1] if int(code) in titles and int(code) != pool[0]][-HISTORY:]
        if len(pool) < 2 * k or len(past) < 2:
            continue
        named = {code: (str(ids.items[code - 1]), titles[code]) for code in (*past, *pool)}
        order = generator.permutation(len(pool)).tolist()
        user = str(ids.users[int(rows.users[row])])
        scene = Scene(user, tuple(named[code] for code in past), tuple(named[pool[at]] for at in order))
        yield DrawnScene(scene, named[pool[0]], named[pool[1]])


def _candidates(following: int, met: NDArray[np.int32], titles: dict[int, str], generator: np.random.Generator) -> list[int]:
    """Return codes of candidates, what came next first; their titles differ from each other and from those of all items met."""
    taken = {title_key(titles[code]) for code in map(int, met) if code in titles}
    pool = [following]
    known = np.fromiter(titles, dtype=np.int64)
    for code in generator.permutation(known).tolist():
        if len(pool) == CANDIDATES:
            break
        if (key := title_key(titles[code])) not in taken:
            taken.add(key)
            pool.append(code)
    return pool
