"""What supervised detectors ask of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.detector import Evidence


def known_users(evidence: Evidence, detector: str, *, genuine: bool = True) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the users whose labels are known."""
    labels = evidence.labels
    if labels is None:
        raise ConfigError(f"detector '{detector}' learns from labels, and there are none; give labels of some users, or use pca")
    fakes, real = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    for members, kind in ((fakes, "fake"), (real, "real")):
        if not len(members) and (kind == "fake" or genuine):
            raise ConfigError(
                f"detector '{detector}' needs the labels of some {kind} users, and none is known; label some, or use pca"
            )
    return fakes, real
