"""A few people's histories with what each model would show them, by title."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.errors import ConfigError
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.split import Split
    from reverie.report.ranking import Leaderboard, Row

TOP = 5
"""Items shown of each model."""
HISTORY = 8
"""Most recent events shown of each person."""


@dataclass(frozen=True)
class Shown:
    """What one model shows one person."""

    label: str
    titles: tuple[tuple[str, bool], ...]
    place: str

    @property
    def hit(self) -> bool:
        """Whether the held-out item is among the titles."""
        return any(hit for _, hit in self.titles)


@dataclass(frozen=True)
class Example:
    """One query."""

    user: str
    history: tuple[str, ...]
    earlier: int
    targets: tuple[str, ...]
    shown: tuple[Shown, ...]


@dataclass(frozen=True)
class Drawn:
    """Examples and how they were drawn."""

    examples: tuple[Example, ...]
    hit_queries: int
    queries: int


def draw_examples(board: Leaderboard, split: Split, n: int = 10, seed: int = 0) -> Drawn:
    """Draw queries by a seed: half of those that some model answers with a hit among its first five, half of the others."""
    if (split.sha256, split.protocol) != (board.sha256, board.protocol):
        raise ConfigError(
            f"the split ({split.dataset}, {split.protocol}) is not the one that the runs were tested on "
            f"({board.dataset}, {board.protocol}); give theirs, or none"
        )
    tops = {row.label: row.runs[0].test.topk.filter(pl.col("rank") <= TOP) for row in board.rows}
    answered = _answered(board, tops)
    queries = board.best.runs[0].test.ranks["query"].unique().sort().to_numpy()
    hits, misses = np.intersect1d(queries, answered), np.setdiff1d(queries, answered)
    rng = numpy_generator(seed, "examples")
    wanted = min(max(n // 2, n - len(misses)), len(hits))
    picked = [*_draw(rng, hits, wanted), *_draw(rng, misses, min(n - wanted, len(misses)))]
    found = tuple(_example(int(query), board.rows, tops, split) for query in picked)
    return Drawn(found, len(hits), len(queries))


def _answered(board: Leaderboard, tops: dict[str, pl.DataFrame]) -> NDArray[np.int64]:
    targets = board.best.runs[0].test.ranks.select("query", pl.col("target").alias("item").cast(pl.Int64))
    found = [
        top.with_columns(pl.col("item").cast(pl.Int64)).join(targets, on=["query", "item"], how="semi")["query"].to_numpy()
        for top in tops.values()
    ]
    return np.unique(np.concatenate(found)).astype(np.int64)


def _draw(rng: np.random.Generator, queries: NDArray[np.int64], n: int) -> list[int]:
    return np.sort(rng.choice(queries, n, replace=False)).tolist() if n else []


def _example(query: int, rows: tuple[Row, ...], tops: dict[str, pl.DataFrame], split: Split) -> Example:
    queries, vocabulary = split.test, split.vocabulary
    start, stop = int(queries.start[query]), int(queries.stop[query])
    recent = queries.sequences.items[max(start, stop - HISTORY) : stop]
    user = int(queries.users[query])
    ranks = rows[0].runs[0].test.ranks
    targets = ranks.filter(pl.col("query") == query)["target"].to_list()
    return Example(
        user=str(vocabulary.users[user]) if user >= 0 else f"unknown (query {query})",
        history=tuple(vocabulary.title(int(code)) for code in recent),
        earlier=stop - start - len(recent),
        targets=tuple(vocabulary.title(code) for code in targets),
        shown=tuple(_shown(row, tops[row.label], query, set(targets), split) for row in rows),
    )


def _shown(row: Row, top: pl.DataFrame, query: int, targets: set[int], split: Split) -> Shown:
    items = top.filter(pl.col("query") == query).sort("rank")["item"].to_list()
    rank = row.runs[0].test.ranks.filter(pl.col("query") == query).sort("greater").row(0, named=True)
    first, last = rank["greater"] + 1, rank["greater"] + 1 + rank["equal"]
    titles = tuple((split.vocabulary.title(code), code in targets) for code in items)
    return Shown(row.label, titles, f"{first:,}" if first == last else f"{first:,}–{last:,}")
