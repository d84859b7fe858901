"""Options of a matcher, readable without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from reverie.options import Few, Options
from reverie.training.config import TrainingConfig

IconFamily = Literal["openmoji", "noto", "twemoji", "fluent-emoji-flat"]
FAMILIES: tuple[IconFamily, ...] = ("openmoji", "noto", "twemoji", "fluent-emoji-flat")
TEACHING = TrainingConfig(epochs=12, batch_size=128, learning_rate=1e-3, weight_decay=0.05, schedule="cosine")


class MatcherOptions(Options):
    """One matcher: what it looks with, and what it is taught on."""

    tower: Literal["pretrained", "middle", "small"] = "pretrained"
    """``pretrained`` learns on the last features of EfficientNet-lite0, which stay as they are; ``middle`` learns convolutions on
    those of its middle; ``small`` is a network of convolutions from nothing."""
    families: tuple[IconFamily, ...] = Field(default=("openmoji", "noto"), min_length=1)
    """Icon sets that it is taught on; the others are styles that it has never seen."""
    size: int = Field(default=128, ge=32, le=256)
    """Width and height at which it looks at pictures."""
    blocks: Few = 20
    """Blocks of scenes composed at random."""
    collages: NonNegativeInt = 4
    """Blocks of scenes painted by the collage renderer, with its own settings, palettes and media."""
    crops: NonNegativeInt = 0
    """Blocks of windows around one thing of a composed scene, for judges that look at pictures through windows."""
    views: int = Field(default=4, ge=1, le=16)
    """Pictures that are made of each painted scene: the whole, and parts of it."""
    block: PositiveInt = 500
    """Scenes of a block; each block is kept as it is made."""
    closeness: NonNegativeFloat = 1.0
    """Weight of ``1 - cosine`` to the mean of the names' vectors, beside the cross-entropy over all names."""
    dropout: float = Field(default=0.2, ge=0, le=0.9)
    """Of features."""
    training: TrainingConfig = TEACHING
    """Steps; no validation, all epochs are run."""
    seed: int = Field(default=0, ge=0)
    """Of scenes, weights and order."""
