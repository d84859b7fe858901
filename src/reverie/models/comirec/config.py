"""Options of ComiRec."""

from typing import ClassVar

from reverie.models.sequence_options import SequenceOptions
from reverie.options import Few


class ComiRecConfig(SequenceOptions):
    """Options of `comirec`. One example per event, not per history: batches are larger than those of `sasrec`."""

    training_defaults: ClassVar[dict[str, float]] = {"batch_size": 512}

    interests: Few = 4
    """Vectors per history, K; 4 as published."""
