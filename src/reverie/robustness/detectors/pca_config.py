"""Options of detection by principal components."""

from __future__ import annotations

from pydantic import PositiveInt

from reverie.options import Options


class PCAConfig(Options):
    """Options of `reverie.robustness.detectors.pca`."""

    components: PositiveInt = 3
    """Number of leading components."""
