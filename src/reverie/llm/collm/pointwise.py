"""Pointwise training: any torch recommender fitted to labels by binary cross-entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.evaluation import evaluate
from reverie.models import create_model
from reverie.study.progress import progress
from reverie.training.device import choose_device
from reverie.training.loop import Trainer, call_if_present, training_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from reverie.data.batch import SequenceBatch
    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences
    from reverie.data.split import Split
    from reverie.protocols import Recommender
    from reverie.training import TrainingConfig
    from reverie.training.stopping import Best

LONGEST = 50
"""Events that a model without a limit of its own reads."""


class Pointwise(nn.Module):
    """A torch recommender, trained so that ``sigmoid(score)`` is the probability that an item is liked."""

    plan = "labelled"

    def __init__(self, model: Recommender, liked: Sequences) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise TypeError(f"{model.card.name} is no torch module and cannot be taught labels")
        self.model: Any = model
        self._liked, self.card = liked, model.card
        self.history = model.history or LONGEST

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the binary cross-entropy of scores against labels."""
        if batch.targets is None or batch.labels is None:
            raise ValueError("labels are needed; use the plan 'labelled'")
        scores = self.model.scores(batch, batch.targets[:, None])[:, 0]
        return {"bce": F.binary_cross_entropy_with_logits(scores, batch.labels)}

    def observe(self, train: Sequences) -> None:
        """Show the model its liked events."""
        call_if_present(self.model, "observe", self._liked)
        self.card = self.model.card

    def after_step(self) -> None:
        """Pass on."""
        call_if_present(self.model, "after_step")


def label_measure(model: Recommender, queries: Queries, metric: str) -> Callable[[], float]:
    """Return a function that measures a model on labelled queries."""
    return lambda: evaluate(model, queries, top=0).value(metric)


def fit_labels(
    name: str,
    options: dict[str, Any],
    split: Split,
    training: TrainingConfig,
    *,
    folder: Path | None = None,
    device: str | None = None,
    show: bool = False,
) -> tuple[Recommender, Best]:
    """Create a registered model and fit it to the labels of a split; the best epoch on validation is kept."""
    if split.labelled is None:
        raise ValueError("the split has no labelled training rows")
    model = create_model(name, split, seed=training.seed, **options)
    place = choose_device(device)
    wrapped = Pointwise(model, split.train).to(place)
    source, measure = training_source(wrapped, split.labelled), label_measure(model, split.valid, training.metric)
    trainer = Trainer(wrapped, source, training, measure, folder, place)
    with progress(training.epochs, f"labels for {name}", show) as shown, torch.enable_grad():
        trainer.run(shown)
    call_if_present(model, "after_step")
    return model, trainer.best
