"""`Trial`: a model in memory, fitted with one seed and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reverie.evaluation import Evaluation
from reverie.protocols import Recommender
from reverie.shown import Shown
from reverie.training.config import TrainingConfig
from reverie.training.fit import Fitted


@dataclass(frozen=True, repr=False)
class Trial(Shown):
    """What `Run` is on disk, in memory.

    Parameters
    ----------
    name : str
        Its label.
    recommender : Recommender
        The fitted model.
    training : TrainingConfig
        How it was fitted.
    fitted : Fitted
        What that took; NaN seconds for a model that came fitted.
    valid, test : Evaluation
        What was measured.
    facts : dict
        Name and SHA-256 of the dataset, protocol and commit.
    """

    name: str
    recommender: Recommender
    training: TrainingConfig
    fitted: Fitted
    valid: Evaluation
    test: Evaluation
    facts: dict[str, Any]

    def _facts(self) -> dict[str, str]:
        """Return label, model, data and seed."""
        known = {"name": self.name, "model": self.model_name, "dataset": str(self.facts.get("dataset", ""))}
        return known | {"seed": str(self.training.seed)}

    @property
    def model_name(self) -> str:
        """Name of the model."""
        return self.recommender.card.name

    @property
    def where(self) -> str:
        """What to call it in an error."""
        return f"'{self.name}'"

    def model(self) -> Recommender:
        """Return the fitted model."""
        return self.recommender
