"""One statistic of a profile as suspicion, or a random draw: the baselines of detection."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reverie.robustness.detectors.features import per_user
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import OneNumberConfig
    from reverie.robustness.detectors.detector import DetectorInput


class OneNumberDetector:
    """Suspect users with a high (or low) number."""

    supervised: ClassVar[bool] = False

    def __init__(self, number: str, *, lowest: bool = False) -> None:
        self.number, self.lowest = number, lowest

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return the number → [U]."""
        ratings = inputs.ratings
        data = ratings.matrix.data.astype(np.float64)
        if self.number == "random":
            value = numpy_generator(seed, "random-flag").random(ratings.n_users)
        elif self.number == "profile-length":
            value = ratings.lengths.astype(np.float64)
        elif self.number == "mean-rating":
            value = per_user(ratings, data)
        elif self.number == "item-popularity":
            value = per_user(ratings, ratings.item_counts[ratings.matrix.indices].astype(np.float64))
        else:
            value = (per_user(ratings, (data >= ratings.scale.high).astype(np.float64)) > 0).astype(np.float64)
        return -value if self.lowest else value


def build(config: OneNumberConfig) -> OneNumberDetector:
    """Return the detector.

    Parameters
    ----------
    config : OneNumberConfig

    Returns
    -------
    OneNumberDetector
        Ready.
    """
    return OneNumberDetector(config.number, lowest=config.lowest)
