"""Random search over the options of a counting model on validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reverie.options import Options

C = TypeVar("C", bound="Options")


def random_settings(config: C, space: Mapping[str, Sequence[Any]], trials: int, generator: np.random.Generator) -> Iterator[C]:
    """Yield the configuration itself, then random settings."""
    yield config
    for _ in range(trials - 1):
        yield config.model_copy(update={name: values[int(generator.integers(len(values)))] for name, values in space.items()})


def best_setting(trials: Iterable[C], take: Callable[[C], None], measure: Callable[[], float]) -> C:
    """Return the setting with the largest measured value, and leave the model in it."""
    best, chosen, last = -np.inf, None, None
    for last in trials:
        take(last)
        value = measure()
        if chosen is None or value > best:
            best, chosen = value, last
    if chosen is None:
        raise ValueError("trials must hold at least one setting")
    if chosen is not last:
        take(chosen)
    return chosen
