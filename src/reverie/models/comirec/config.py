"""Options of ComiRec."""

from collections.abc import Mapping
from typing import Any, ClassVar

from reverie.models.sequence_options import SequenceOptions
from reverie.options import Few


class ComiRecConfig(SequenceOptions):
    """Options of `comirec`. One example per event, not per history: batches are larger than those of `sasrec`."""

    training_defaults: ClassVar[Mapping[str, Any]] = {"batch_size": 512}

    interests: Few = 4
    """Vectors per history, K; 4 as published."""
