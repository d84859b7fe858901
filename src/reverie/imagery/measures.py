"""Values of concepts as effects with intervals: concepts are resampled, and seeds where there are several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reverie.evaluation.effects import NO_INTERVAL, Effect

if TYPE_CHECKING:
    import polars as pl

ByConcept = Mapping[str, float]
"""A value of each concept at one seed; NaN where a concept has none."""


def measured(seeds: Sequence[ByConcept]) -> Effect | None:
    """Return the mean over seeds and concepts; None where no concept has a value.

    Where all concepts have the value 0, or all 1, a bootstrap has no width: the interval is then Wilson's for their number.
    """
    from reverie.evaluation.intervals import mean_over_seeds, wilson

    frames = [frame for one in seeds if len(frame := _frame(one))]
    if not frames:
        return None
    effect = mean_over_seeds(frames)
    if effect.value in (0.0, 1.0):
        low, high = wilson(effect.value, effect.n)
        return replace(effect, low=low, high=high, interval="wilson", p=None, test="none", detectable=None)
    return _without_width(effect)


def compared(first: Sequence[ByConcept], other: Sequence[ByConcept]) -> Effect | None:
    """Return the mean difference first - other, paired by seed and concept; None where nothing is in both.

    Parameters
    ----------
    first, other : sequence of mapping
        By seed; the seeds that both have are compared.
    """
    from reverie.evaluation.intervals import difference_over_seeds

    pairs = [(_frame(left), _frame(right)) for left, right in zip(first, other, strict=False)]
    pairs = [(left, right) for left, right in pairs if len(left.join(right, on="user"))]
    if not pairs:
        return None
    return _without_width(difference_over_seeds([left for left, _ in pairs], [right for _, right in pairs]))


def share(flags: Mapping[str, bool]) -> dict[str, float]:
    """Return flags of concepts, such as whether the prompt lost an object, as values."""
    return {concept: float(flag) for concept, flag in flags.items()}


def _frame(values: ByConcept) -> pl.DataFrame:
    import polars as pl

    kept = {concept: float(value) for concept, value in sorted(values.items()) if not math.isnan(value)}
    return pl.DataFrame({"user": list(kept), "value": list(kept.values())}, schema={"user": pl.String, "value": pl.Float64})


def _without_width(effect: Effect) -> Effect:
    """Return an effect without interval and test where all concepts have the same value."""
    if effect.low != effect.high:
        return effect
    return Effect(effect.value, None, None, None, effect.n, effect.seeds, NO_INTERVAL)
