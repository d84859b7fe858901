"""How much the pictures of a concept differ from seed to seed, and which symbols dominate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reverie.imagery.judging.diversity import dissimilarity, distinct, dominating
from reverie.imagery.measures import measured
from reverie.imagery.recognition.made import Made
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, span

MOST = 12
"""Warnings that are shown."""


def variety(seeds: Sequence[Sequence[Made]]) -> dict[str, dict[str, float]]:
    """Return ``distinct_objects``, ``distinct_forms`` (1: none comes twice, 1/S: all seeds alike) and ``dissimilarity``.

    The last is 1 - the mean cosine between two seeds of what is shown, objects and phrases of form counted once each.

    Parameters
    ----------
    seeds : sequence of sequence of Made
        The same concepts at each seed.
    """
    found: dict[str, dict[str, float]] = {"distinct_objects": {}, "distinct_forms": {}, "dissimilarity": {}}
    for draws in zip(*seeds, strict=True):
        concept = draws[0].concept
        objects = [[one.phrase for one in draw.chosen.objects.objects] for draw in draws]
        forms = [[one.id for one in draw.chosen.form.patterns] for draw in draws]
        found["distinct_objects"][concept] = distinct(objects)
        found["distinct_forms"][concept] = distinct(forms)
        found["dissimilarity"][concept] = dissimilarity(_marks([[*a, *b] for a, b in zip(objects, forms, strict=True)]))
    return found


def _marks(draws: Sequence[Sequence[str]]) -> np.ndarray:
    """Return which of all members each draw has → [S, M]."""
    names = sorted({name for draw in draws for name in draw})
    return np.array([[float(name in draw) for name in names] for draw in map(set, draws)]).reshape(len(draws), len(names))


def variety_table(seeds: Sequence[Sequence[Made]]) -> Table:
    """Return the mean variety over concepts, and the symbols that dominate."""
    rows: list[list[str | TableCell]] = []
    words = {
        "distinct_objects": "distinct objects over all",
        "distinct_forms": "distinct phrases of form over all",
        "dissimilarity": "1 − self-similarity",
    }
    for name, values in variety(seeds).items():
        effect = measured([values])
        if effect is not None:
            rows.append([words[name], TableCell(number(effect.value, 3), span(effect.low, effect.high, 3), value=effect.value)])
    n = len(seeds)
    notes = [f"Over {n} seeds of each concept, mean over concepts; a share of {number(1 / n, 3)} means that all seeds are alike."]
    return Table("", ["variety", Column("mean", "right")], rows, [*notes, *warnings(seeds)])


def warnings(seeds: Sequence[Sequence[Made]]) -> list[str]:
    """Return the symbols that dominate, in sentences."""
    objects: dict[str, list[Sequence[str]]] = {}
    for made in seeds:
        for one in made:
            objects.setdefault(one.concept, []).append([thing.phrase for thing in one.chosen.objects.objects])
    pooled: Mapping[str, Sequence[Sequence[str]]] = objects
    found = dominating(pooled)
    more = f"… and {len(found) - MOST} more symbols that dominate a concept."
    return [f"{one}." for one in found[:MOST]] + ([more] if len(found) > MOST else [])
