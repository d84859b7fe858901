"""Options of DIN."""

from typing import ClassVar

from pydantic import PositiveInt

from reverie.options import Options


class DINConfig(Options):
    """Options of `din`; the widths of its layers follow the item vectors."""

    training_defaults: ClassVar[dict[str, float]] = {"learning_rate": 1e-3, "batch_size": 256}

    dim: PositiveInt = 64
    """Width of user and item vectors."""
    history: PositiveInt = 10
    """How many of the most recent events are read."""
    attention: PositiveInt = 36
    """Hidden width of the attention unit."""
    hidden: tuple[PositiveInt, ...] = (128, 64)
    """Hidden widths of the network behind the pooling."""
    negatives: PositiveInt = 4
    """Uniformly drawn items beside each target, in training without labels."""
