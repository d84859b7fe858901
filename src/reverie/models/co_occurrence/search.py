"""Settings that the search of the co-occurrence model tries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.models.co_occurrence.config import CoOccurrenceConfig

SPACE: dict[str, tuple[float, ...]] = {
    "back": (0.3, 0.5, 0.7, 1.0),
    "distance_power": (0.25, 0.5, 0.75, 1.0),
    "out_power": (0.2, 0.3, 0.5, 0.7),
    "in_power": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
    "gamma": (0.7, 0.8, 0.9, 0.95),
    "popularity_weight": (1e-4, 1e-3, 1e-2, 1e-1, 1.0),
}
"""Values that each option is drawn from, all equally likely; windows are an option of the configuration."""


def settings(config: CoOccurrenceConfig, seed: int) -> Iterator[CoOccurrenceConfig]:
    """Yield the configuration itself, then random settings.

    Parameters
    ----------
    config : CoOccurrenceConfig
        Where to begin; its `trials` says how many settings there are.
    seed : int
        Seed of the draws; the first settings do not depend on how many follow.

    Yields
    ------
    CoOccurrenceConfig
        One trial.
    """
    yield config
    generator = numpy_generator(seed, "co_occurrence", "search")
    for _ in range(config.trials - 1):
        drawn: dict[str, float] = {name: values[int(generator.integers(len(values)))] for name, values in SPACE.items()}
        window = config.windows[int(generator.integers(len(config.windows)))]
        yield config.model_copy(update={"window": window, **drawn})
