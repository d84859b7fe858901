"""Options of detection by a linear graph autoencoder."""

from __future__ import annotations

from pydantic import PositiveInt

from reverie.options import Options


class GraphAutoencoderConfig(Options):
    """Options of `reverie.robustness.detectors.graph_autoencoder`."""

    dim: PositiveInt = 16
    """Width of the code of a user; smaller on tiny data."""
