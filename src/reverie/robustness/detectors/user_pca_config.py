"""Options of variable selection by principal components of users."""

from __future__ import annotations

from pydantic import PositiveInt

from reverie.options import Options


class UserPCAConfig(Options):
    """Options of `reverie.robustness.detectors.user_pca`."""

    components: PositiveInt = 3
    """Number of leading components."""
