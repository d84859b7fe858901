"""Options of training."""

from __future__ import annotations

from typing import Literal, TypedDict

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from reverie.options import Options, Searched

COUNTING_QUERIES = 6_000
"""Validation queries that the search of a counting model or a blend looks at, at most."""


class TrainingConfig(Options):
    """How a model is fitted; counting models use only `on`, `seed` and `validation_queries`."""

    epochs: PositiveInt = 100
    """Most passes over the training data."""
    patience: PositiveInt = 10
    """Validations without a better value before training stops."""
    batch_size: PositiveInt = 128
    """Examples per batch and process."""
    gradient_accumulation: PositiveInt = Field(default=1, exclude_if=lambda batches: batches == 1)  # keys of stored runs lack it
    """Batches whose gradients make one step, in memory one after the other: the step of one batch as large as all of them, where
    the loss is a mean over rows. It is not where rows of a batch look at each other (`in_batch` or shared negatives, truncated
    losses, temperatures found per batch, batch normalisation): they see their own batch only."""
    learning_rate: PositiveFloat = 1e-3
    """Peak learning rate of AdamW."""
    weight_decay: NonNegativeFloat = 0.0
    """Decoupled weight decay of AdamW."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Learning rate after the warm-up: as it is, or down to zero along half a cosine over all epochs."""
    warmup_steps: NonNegativeInt = 0
    """Steps over which the learning rate grows linearly from zero."""
    clip: NonNegativeFloat = 0.0
    """Largest norm of the gradient; 0 does not clip."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Arithmetic of the forward pass; on a CPU fp32 is the fastest."""
    validate_every: PositiveInt = 1
    """Epochs between validations."""
    validation_queries: PositiveInt | None = None
    """Validate on this many queries, drawn once by the seed; None takes all. Searches of counting models take at most 6,000."""
    metric: str = "ndcg@10"
    """What validation maximises."""
    checkpoint_seconds: NonNegativeFloat = 30.0
    """Least time between two checkpoints, in seconds; a resumed run gives the same numbers wherever it was cut."""
    on: Literal["train", "train+valid"] = "train"
    """Which events are learned from; with "train+valid" nothing is validated and all epochs are run."""
    seed: int = Field(default=0, ge=0)
    """Seed of weights, data order, dropout and negatives."""

    @property
    def undefined(self) -> str:
        """Why nothing is chosen where validation gives NaN."""
        return f"{self.metric} is not defined on these validation queries (it needs liked rows, auc and uauc others beside them)"


class TrainingOptions(TypedDict, total=False):
    """The fields of `TrainingConfig`, as keyword arguments of `fit`."""

    epochs: int
    patience: int
    batch_size: int
    gradient_accumulation: int
    learning_rate: float
    weight_decay: float
    schedule: Literal["constant", "cosine"]
    warmup_steps: int
    clip: float
    precision: Literal["fp32", "bf16", "fp16"]
    validate_every: int
    validation_queries: int | None
    metric: str
    checkpoint_seconds: float
    on: Literal["train", "train+valid"]
    seed: int


def settings_tried_by(config: object) -> int:
    """Return how many settings a model with these options tries on validation by itself, 1 where it chooses nothing."""
    if isinstance(config, Searched) and not config.free():
        return 1
    return max(1, int(getattr(config, "trials", 0) or len(getattr(config, "grid", ()))))
