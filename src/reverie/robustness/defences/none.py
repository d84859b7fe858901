"""No defence: the control of all defences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverie.robustness.defences.config import NoneConfig
    from reverie.robustness.defences.defence import Fitting
    from reverie.robustness.detectors.detector import DetectorInput


class NoDefence:
    """Changes nothing."""

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return what was to be fitted anyway."""
        return fitting


def build(config: NoneConfig) -> NoDefence:
    """Return the defence.

    Parameters
    ----------
    config : NoneConfig

    Returns
    -------
    NoDefence
        Ready.
    """
    return NoDefence()
