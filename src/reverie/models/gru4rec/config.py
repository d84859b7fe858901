"""Options of GRU4Rec."""

from pydantic import PositiveInt

from reverie.models.sequence_options import PositionOptions
from reverie.options import Few


class GRU4RecConfig(PositionOptions):
    """Options of `gru4rec`; dropout is of inputs, between layers and of the recurrent output."""

    hidden: PositiveInt = 128
    """Width of the recurrent state."""
    layers: Few = 1
    """Number of recurrent layers."""
