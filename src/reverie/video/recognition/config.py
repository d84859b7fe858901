"""Options of training a classifier of clips; readable without torch."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from reverie.options import Few, Options
from reverie.video.augment.config import AugmentConfig


class RecognitionConfig(Options):
    """One training; the same for every row of a table but where the row says so."""

    steps: PositiveInt = 400
    """Updates."""
    batch_size: int = Field(default=16, ge=2, le=1024)
    """Clips of an update."""
    frames: Few = 8
    """Frames that the network sees of a clip."""
    size: int = Field(default=64, ge=16, le=512)
    """Width and height that it sees, in pixels."""
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: PositiveFloat = 0.02
    """Peak rate; it falls to zero along half a cosine."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of SGD."""
    weight_decay: NonNegativeFloat = 1e-4
    """Of weights with two dimensions and more; not of biases, norms and embeddings of places."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the updates over which the rate grows from zero."""
    clip: NonNegativeFloat = 20.0
    """Largest norm of the network's gradient; 0 does not clip."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Of all rows: on 1 - s + s/K, off s/K (arXiv 2309.09534)."""
    ema: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the running mean of weights, which teaches where a method has a teacher and is measured in every row. 0.999 as
    published, for long trainings; with the warm-up it is never reached in fewer than 8,990 updates, see `decay_reached_after`."""
    ema_warm_up: bool = True
    """Whether update t forgets faster, by (1 + t) / (10 + t), where that is below `ema`. Our reading: 0.999 from the start hardly
    moves in a few hundred updates."""
    recalibration: NonNegativeInt = 8
    """Batches of training clips, not mixed, that batch normalisation is measured on anew before weights are evaluated; with 0 the
    statistics of training are used: the network's own, of the mean its teacher's or else those of the network."""
    evaluations: Few = 8
    """Evaluations during a training, evenly spaced; the last is after the last update."""
    choose: Literal["nll", "accuracy"] = "nll"
    """What validation chooses the checkpoint by: the lowest mean negative log-likelihood, or the highest accuracy, which jumps
    from one evaluation to the next where there are few validation clips."""
    views: Few = 1
    """Parts of a clip over time that are scored at a test; their probabilities are averaged."""
    crops: Literal["centre", "three", "five", "ten"] = "centre"
    """Crops of each of them."""
    sampling: Literal["middle", "segments", "dense"] = "segments"
    """How frames are chosen; segments are jittered in training and centred at a test."""
    stride: Few = 1
    """Frames from one to the next of dense sampling."""
    augment: AugmentConfig = AugmentConfig(flip=0.0, brightness=0.2, contrast=0.2, saturation=0.2)
    """What is done to a clip in training, the same for all its frames; its `size` is that of the training. Clips are not mirrored
    unless asked, as a direction may be the class."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of forward passes; the mean over attention of a selector is always float32."""
    checkpoint_seconds: NonNegativeFloat = 60.0
    """Least time between two checkpoints."""
    selector: Literal["own", "as-network"] = "own"
    """How a selector learns: by an SGD of its own, see the options of its method, or as a group of the network's optimiser. Either
    follows the network's schedule."""
    selector_scale: PositiveFloat = 5.0
    """With ``as-network``: how many times the network's rate, as the authors' MViT variant has it."""

    def decay_reached_after(self) -> int:
        """Return the update from which the running mean has the decay `ema`; the earlier ones have (1 + t) / (10 + t)."""
        return max(1, math.ceil((10 * self.ema - 1) / (1 - self.ema) - 1e-9)) if self.ema_warm_up else 1

    def evaluated_after(self, steps: int) -> list[int]:
        """Return the updates after which weights are evaluated, the last of all included."""
        return sorted({round(steps * (at + 1) / self.evaluations) for at in range(self.evaluations)} - {0})


Weights = Literal["student", "ema"]
WEIGHTS: tuple[Weights, ...] = ("student", "ema")
Checkpoint = Literal["last", "valid", "best-test"]
CHECKPOINTS: tuple[Checkpoint, ...] = ("last", "valid", "best-test")
"""After the last update; best on validation, the earliest of equals; best on the test set, which is optimistic."""
