"""The interface of defences, and no defence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reverie.data.split import Split
    from reverie.robustness.defences.config import NoneConfig
    from reverie.robustness.detectors.detector import DetectorInput


@dataclass(frozen=True)
class Fitting:
    """What will be fitted, on what; removed [U], suspicion [U]."""

    model: str
    options: dict[str, Any]
    split: Split
    removed: NDArray[np.bool_] | None = None
    suspicion: NDArray[np.float64] | None = None
    notes: dict[str, float] = field(default_factory=dict)


class Defence(Protocol):
    """Changes what is fitted, or how; it sees the poisoned data and not who is fake."""

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return what to fit instead."""
        ...


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
