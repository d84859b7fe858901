"""Cosines of negatives, and the inverse temperature that a weight on negatives amounts to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from reverie.objectives import effective_inv_tau
from reverie.objectives.config import ADNCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from reverie.contrast.training import MeasuredStudy


def cosines_of_others(anchors: Tensor, keys: Tensor) -> Tensor:
    """Return the cosine of each anchor with every key but its own; anchors, keys [B, D] → [B (B - 1)]."""
    cosines = F.normalize(anchors, dim=-1) @ F.normalize(keys, dim=-1).T
    others = ~torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)
    return cosines[others].clamp(-1, 1).cpu()  # rounding


@dataclass(frozen=True)
class Effective:
    """A row's inverse temperature over the cosines that were observed."""

    name: str
    tau: float
    mu: float
    sigma: float
    cosines: tuple[float, ...]

    @property
    def ends(self) -> tuple[float, float]:
        """Least and greatest cosine."""
        return self.cosines[0], self.cosines[-1]

    def at(self, cosines: Sequence[float]) -> list[float]:
        """Return the inverse temperature at cosines, see `effective_inv_tau`."""
        f = torch.tensor(cosines, dtype=torch.float64)
        return [float(value) for value in effective_inv_tau(f, self.tau, self.mu, self.sigma)]

    @property
    def inverse_mean(self) -> float:
        """Mean inverse temperature over the cosines, by the trapezoidal rule over quantiles: 1/τ of the InfoNCE that matches it."""
        return float(np.trapezoid(self.at(self.cosines), dx=1 / (len(self.cosines) - 1)))


def effective(study: MeasuredStudy) -> list[Effective]:
    """Return the rows of a study that weight their negatives by a Gaussian, in order."""
    found = []
    for row in study.rows:
        loss = row.what
        seen = [outcome.cosines for outcome in row.outcomes if len(outcome.cosines) > 2]
        if not isinstance(loss, ADNCE) or loss.shuffled or loss.variant == "reweight_only" or not seen:
            continue
        if isinstance(loss.temperature, int | float):
            cosines = tuple(float(value) for value in np.mean(seen, axis=0))
            found.append(Effective(row.name, float(loss.temperature), loss.mu, loss.sigma, cosines))
    return found
