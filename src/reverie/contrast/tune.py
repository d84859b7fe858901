"""The fair choice of a setting: by the mean selection at seeds that no row is measured at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverie.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.contrast.trainings import Training
    from reverie.objectives.config import ContrastiveConfig


@dataclass(frozen=True)
class Tried:
    """One setting that was tried."""

    loss: ContrastiveConfig
    selection: float | None


def tried(loss: ContrastiveConfig, trainings: Sequence[Training]) -> Tried:
    """Return how a setting did; its test metrics are not looked at."""
    selections = [training.outcome.selection for training in trainings if training.outcome is not None]
    return Tried(loss, sum(selections) / len(selections) if len(selections) == len(trainings) else None)


def best(settings: Sequence[Tried], row: str) -> ContrastiveConfig:
    """Return the setting with the largest selection; of equals the first."""
    finite = [one for one in settings if one.selection is not None]
    if not finite:
        raise RunError(f"none of the {len(settings)} settings of row '{row}' could be trained; choose others")
    return max(finite, key=lambda one: one.selection or 0.0).loss
