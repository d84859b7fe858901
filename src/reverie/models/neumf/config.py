"""Options of neural matrix factorisation."""

from typing import ClassVar

from pydantic import PositiveInt

from reverie.objectives.config import BCE, NegativesConfig, ObjectiveConfig
from reverie.options import Few, Options


class NeuMFConfig(Options):
    """Options of `neumf`; the defaults are those of the paper, with four negatives per event, and factor 32 as in RecAD."""

    training_defaults: ClassVar[dict[str, float]] = {"learning_rate": 1e-3, "batch_size": 1024}

    factor: PositiveInt = 32
    """Width of what the product and the network each hand to the last layer ("predictive factors")."""
    layers: Few = 3
    """Layers of the network; each halves the width, so vectors of the network are factor · 2^(layers - 1) wide. RecAD takes 5,
    which costs about 17 times the arithmetic of 3."""
    objective: ObjectiveConfig = BCE(negatives=NegativesConfig(n=4))
    """Training loss."""
