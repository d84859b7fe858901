"""What people said of pictures, apart from all automatic scores: recognition, ratings, and how far raters agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reverie.data.sources.packages import require_package
from reverie.evaluation.effects import Effect
from reverie.imagery.measures import measured
from reverie.imagery.recognition.raters import Answers, KeyItem
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, percent, span

FEWEST = 3
"""Raters that a human table should rest on."""
NOBODY = "No human ratings: nobody has filled in the sheet yet, and raters are never simulated."


def agreement(values: Sequence[Mapping[str, float]], level: Literal["nominal", "ordinal"]) -> float:
    """Return Krippendorff's alpha of raters, NaN where it is undefined: one rater, or all values alike.

    Parameters
    ----------
    values : sequence of mapping of str to float
        A value of each picture, by rater.
    level : {"nominal", "ordinal"}
        Of measurement.
    """
    require_package("krippendorff", "agreement of raters")
    import krippendorff

    names = sorted({name for one in values for name in one})
    table: NDArray[np.float64] = np.array([[one.get(name, math.nan) for name in names] for one in values])
    pairs = (~np.isnan(table)).sum(axis=0) >= 2 if len(values) else np.zeros(0, dtype=bool)
    if not pairs.any() or len(np.unique(table[:, pairs][~np.isnan(table[:, pairs])])) < 2:
        return math.nan
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))


def people_table(answers: Sequence[Answers], items: Mapping[str, KeyItem]) -> Table | str:
    """Return what people said by condition, or a sentence where nobody has said anything."""
    if not answers:
        return NOBODY
    columns: list[str | Column] = ["condition", *(Column(head, "right") for head in ("recognised", "how well, 1 to 5", "answers"))]
    rows: list[list[str | TableCell]] = []
    for condition in dict.fromkeys(one.condition for one in items.values()):
        mine = {name: one for name, one in items.items() if one.condition == condition}
        right = [_by_concept({n: float(a.guesses[n] == mine[n].concept) for n in mine if n in a.guesses}, mine) for a in answers]
        well = [_by_concept({n: float(a.ratings[n]) for n in mine if n in a.ratings}, mine) for a in answers]
        given = sum(name in one.guesses for one in answers for name in mine)
        rows.append([condition, _cell(measured(right), True), _cell(measured(well), False), str(given)])
    words = sorted({word for one in items.values() for word in one.choices})
    codes = [{name: float(words.index(word)) if word else -1.0 for name, word in one.guesses.items()} for one in answers]
    ratings = [{name: float(value) for name, value in one.ratings.items()} for one in answers]
    n, choices = len(answers), {len(one.choices) for one in items.values()}
    said = f"{n} rater{'s' * (n != 1)}, blind to the condition, order shuffled; Krippendorff's alpha"
    said += f" {number(agreement(codes, 'nominal'), 2)} of the words (nominal)"
    said += f" and {number(agreement(ratings, 'ordinal'), 2)} of the ratings (ordinal)."
    notes = [said, f"Chance of recognition is {percent(1 / max(choices))} where nobody answers “none of these”."]
    notes += [f"Fewer than {FEWEST} raters: take this as a trial of the sheet."] if n < FEWEST else []
    return Table("", columns, rows, notes)


def _by_concept(values: Mapping[str, float], items: Mapping[str, KeyItem]) -> dict[str, float]:
    return {items[name].concept: value for name, value in values.items()}


def _cell(effect: Effect | None, share: bool) -> TableCell:
    if effect is None:
        return TableCell("–")
    text = percent(effect.value) if share else number(effect.value, 2)
    return TableCell(text, span(effect.low, effect.high, 3 if share else 2), value=effect.value)
