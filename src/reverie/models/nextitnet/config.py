"""Options of NextItNet."""

from typing import Annotated

from pydantic import Field, PositiveInt

from reverie.models.sequence_options import PositionOptions
from reverie.options import Few


class NextItNetConfig(PositionOptions):
    """Options of `nextitnet`; a state sees 1 + 3 (`kernel` - 1) times the sum of `dilations` events: 55 by default."""

    kernel: Few = 3
    """Events that each convolution looks at."""
    dilations: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=64)] = (1, 2, 1, 2, 1, 2)
    """One residual block each: its first convolution is dilated so far, its second twice as far."""
