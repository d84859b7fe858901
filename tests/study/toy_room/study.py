"""The study of the toy room: cells, the facts of each, how one is computed, its rows, and the page."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from reverie.data.splits import leave_one_out
from reverie.report.page import Section
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number
from reverie.seeds import numpy_generator
from reverie.study.environment import commit
from reverie.study.store import Store, claim, unreadable
from reverie.testing import tiny_dataset
from toy_room.recipe import COUNTING, CountingRecipe

VERSION = 1
"""Of a measurement; raised when the same facts come to mean something else."""


@dataclass(frozen=True)
class CountingCell:
    on: str
    """``valid`` or ``test``."""
    share: float
    seed: int


@dataclass(frozen=True)
class Measured:
    hit_rate: float
    commit: str
    """Of the code that measured it, which need not be the code that reads it."""


Done = Mapping[CountingCell, Measured | None]


class CountingStudy:
    columns = ("share",)  # of a results table, after the fixed ones
    long_cells = False

    def __init__(self, recipe: CountingRecipe, folder: str | Path) -> None:
        claim(Path(folder), recipe, COUNTING, several=True)
        self.recipe, self.name, self.store = recipe, recipe.name, Store(Path(folder))
        self.split = leave_one_out(tiny_dataset(recipe.users))

    def cells(self, done: Done) -> Iterator[CountingCell]:
        tuning = [cell for share in self.recipe.shares for cell in self.over_seeds("valid", share)]
        yield from tuning
        if all(cell in done for cell in tuning):  # asked again until nothing new comes
            yield from self.over_seeds("test", max(self.recipe.shares, key=lambda share: self.mean("valid", share, done)))

    def upper_bound(self, done: Done) -> int:
        return (len(self.recipe.shares) + 1) * self.recipe.seeds

    def facts(self, cell: CountingCell) -> dict[str, Any]:
        return asdict(cell) | {"data": self.split.sha256, "k": self.recipe.k, "version": VERSION}

    def is_kept(self, cell: CountingCell) -> bool:
        return self.store.has("hits", self.facts(cell))

    def run(self, cell: CountingCell, tell: Callable[[str], None]) -> Measured:
        piece = self.store.kept("hits", self.facts(cell), lambda folder: asdict(Measured(self.hit_rate(cell), commit())))
        try:
            return Measured(**piece.notes)
        except TypeError as error:
            raise unreadable(piece.folder) from error

    def restore(self, cell: CountingCell, rows: Sequence[Mapping[str, str]]) -> Measured:
        return Measured(float(rows[0]["value"]), rows[0]["commit"])

    def describe(self, cell: CountingCell, result: Measured) -> str:
        return f"{cell.share:.0%} of users, seed {cell.seed}, {cell.on} · hit rate {result.hit_rate:.3f}"

    def rows(self, cell: CountingCell, result: Measured) -> list[dict[str, Any]]:
        split, n = self.split, len(self.split.test)
        data = {"dataset": split.dataset, "dataset_sha256": split.sha256, "protocol": split.protocol, "slice": cell.on}
        model = {"recipe": self.name, "model": "popularity", "fit_on": "train", "share": cell.share, "seed": cell.seed}
        return [data | model | {"metric": f"hr@{self.recipe.k}", "value": result.hit_rate, "n": n, "commit": result.commit}]

    def hit_rate(self, cell: CountingCell) -> float:
        """The science: popularity among some users, measured on the validation or the test items of all."""
        train, queries = self.split.train, self.split.valid if cell.on == "valid" else self.split.test
        order = numpy_generator(cell.seed, "users that are counted").permutation(len(train))
        counts = train.take(order[: max(1, round(cell.share * len(train)))]).item_counts()[1:]
        return float(np.isin(queries.targets - 1, np.argsort(-counts, kind="stable")[: self.recipe.k]).mean())

    def over_seeds(self, on: str, share: float) -> list[CountingCell]:
        return [CountingCell(on, share, seed) for seed in range(self.recipe.seeds)]

    def mean(self, on: str, share: float, done: Done) -> float:
        found = [result.hit_rate for cell in self.over_seeds(on, share) if (result := done.get(cell)) is not None]
        return fmean(found) if found else math.nan

    def sections(self, done: Done) -> list[Section]:
        rows: list[list[str | TableCell]] = []
        for share in self.recipe.shares:
            values = [self.mean(on, share, done) for on in ("valid", "test")]
            rows.append([f"{share:.0%}", *(TableCell(number(value, 3), value=value) for value in values)])
        table = Table("", ("share of users", Column("validation", "right"), Column("test", "right")), rows)
        return [Section("shares", "How many users popularity must count", [table], "Mean over seeds.")]
