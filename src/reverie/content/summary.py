"""A content study over seeds: metrics with intervals by row and slice, and comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reverie.content.cells import WHOLE, Cell, ContentCell, Trained, TruthCell
from reverie.content.recipe import METRICS, ContentClaim, ContentRecipe
from reverie.content.results import sliced_by
from reverie.evaluation import Evaluation, pooled
from reverie.evaluation.effects import holm_by_metric, to_claim_row
from reverie.evaluation.paired_queries import paired_by_query

if TYPE_CHECKING:
    from reverie.content.data import OpenedData


@dataclass(frozen=True)
class Row:
    """A recommender with an encoder on data, measured whole or without a modality."""

    data: str
    recommender: str
    encoder: str = ""
    drop: str = WHOLE

    @property
    def said(self) -> str:
        """What a table calls it."""
        return "/".join(one for one in (self.recommender, self.encoder) if one) + (f" without {self.drop}" if self.drop else "")


class Summary:
    """A recipe and its finished trainings.

    Parameters
    ----------
    recipe : ContentRecipe
    done : mapping
        Cells without a result are left out.
    opened : mapping
        Data by name.
    """

    def __init__(self, recipe: ContentRecipe, done: Mapping[Cell, Trained | None], opened: Mapping[str, OpenedData]) -> None:
        self.recipe, self.opened = recipe, opened
        self.found = {cell: one for cell, one in done.items() if isinstance(cell, ContentCell) and one is not None}
        self.truths = {cell.data: one for cell, one in done.items() if isinstance(cell, TruthCell) and one is not None}
        self._parts: dict[Row, list[dict[str, Evaluation]]] = {}
        self._metrics: dict[tuple[Row, str], dict[str, dict[str, Any]]] = {}

    def trained(self, row: Row) -> list[Trained]:
        """Return the trainings of a row, by seed."""
        key = (row.data, row.recommender, row.encoder)
        mine = {cell.seed: one for cell, one in self.found.items() if (cell.data, cell.recommender, cell.encoder) == key}
        return [mine[seed] for seed in sorted(mine) if row.drop in mine[seed].drops]

    def rows(self, data: str) -> Iterator[Row]:
        """Yield the rows of data in the order of the recipe, each followed by itself without modalities."""
        for name, recommender, encoder in self.recipe.rows():
            if name == data:
                drops = (WHOLE, *(self.recipe.encoders[encoder].drop if encoder else ()))
                yield from (row for drop in drops if self.trained(row := Row(data, recommender, encoder, drop)))

    def evaluations(self, row: Row, part: str = "all") -> list[Evaluation]:
        """Return what was measured of a row on a slice, by seed; none where the slice has no target."""
        if row not in self._parts:
            split = self.opened[row.data].split
            whole = [one.evaluation(row.drop) for one in self.trained(row)]
            self._parts[row] = [{"all": one} | sliced_by(split, one) for one in whole]
        return [one[part] for one in self._parts[row] if part in one]

    def metrics(self, row: Row, part: str = "all") -> dict[str, dict[str, Any]]:
        """Return the metrics of a row on a slice with their intervals over seeds and users; nothing where it has no target."""
        if (row, part) not in self._metrics:
            seeds = self.evaluations(row, part)
            found = pooled(seeds, METRICS).select("metric", "value", "low", "high").to_dicts() if seeds else []
            self._metrics[row, part] = {one.pop("metric"): one for one in found}
        return self._metrics[row, part]

    def truth(self, data: str, known: str, part: str = "all") -> Evaluation | None:
        """Return what an oracle that knows something of the clips gets on a slice."""
        if data not in self.truths:
            return None
        found = self.truths[data].evaluation(known)
        return ({"all": found} | sliced_by(self.opened[data].split, found)).get(part)

    def commits(self) -> list[str]:
        """Return the states of the code that measured."""
        return sorted({one.commit for one in self.found.values() if one.commit})

    @cached_property
    def claims(self) -> list[dict[str, Any]]:
        """Rows of the claims table, corrected for the number of comparisons of a metric (of a slice) on the same data."""
        return [row for _, row in self.judged]

    @cached_property
    def judged(self) -> list[tuple[ContentClaim, dict[str, Any]]]:
        """Comparisons, each with its row of the claims table."""
        found = [
            (claim, row)
            for claim in self.recipe.claims
            for data in claim.data or self.recipe.data
            for part in claim.slices
            for row in self._compared(claim, data, part)
        ]
        return list(zip([claim for claim, _ in found], holm_by_metric([row for _, row in found]), strict=True))

    def _compared(self, claim: ContentClaim, data: str, part: str) -> Iterator[dict[str, Any]]:
        sides = [_side(data, one) for one in (claim.first, claim.other)]
        first, other = (self.evaluations(side, part) for side in sides)
        if not first or not other:
            return
        commits = {one.commit for side in sides for one in self.trained(side)}
        for metric, found in paired_by_query(first, other, claim.metrics).items():
            yield to_claim_row(
                found.effect, dataset=data, first=sides[0].said, other=sides[1].said, why=_question(claim),
                metric=metric if part == "all" else f"{part}/{metric}", values=(found.first, found.other),
                commit=", ".join(sorted(commits)), seeds=(len(first), len(other)),
            )  # fmt: skip


def _question(claim: ContentClaim) -> str:
    return claim.why if claim.margin is None else f"{claim.why} (level: worse by {claim.margin:.0%} at most)"


def _side(data: str, said: str) -> Row:
    recommender, _, rest = said.partition("/")
    encoder, _, drop = rest.partition("/")
    return Row(data, recommender, encoder, drop)
