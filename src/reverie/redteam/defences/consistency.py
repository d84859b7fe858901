"""Hardening of CoLLM by consistency: text planted in a title must not move the score of its item."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import Parameter
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.plans import LabelledPlan
from reverie.data.sequences import Sequences
from reverie.errors import DataError
from reverie.llm.collm.model import CoLLM
from reverie.llm.titles import Titles
from reverie.redteam.defences.config import ConsistencyConfig
from reverie.redteam.targets.planting import Place, planted_title
from reverie.seeds import numpy_generator
from reverie.study.progress import progress
from reverie.training.loop import Trainer

PLACES: tuple[Place, ...] = ("behind", "before")
LONGEST = 400
"""Characters of planted text."""


@dataclass(frozen=True)
class Plant:
    """A text that was planted, and the title of the item that it was about, in whose place that of any other item is put."""

    text: str
    title: str = ""

    def about(self, title: str) -> str:
        """Return the text about another item."""
        return re.sub(re.escape(self.title), lambda _: title, self.text, flags=re.IGNORECASE) if self.title else self.text


def planted_titles(titles: Titles, codes: Iterable[int], plant: Plant, place: Place = "behind") -> Titles:
    """Return titles with a text planted in those of some items, as the target does it; codes as in batches, 1 … N."""
    texts = list(titles.texts)
    for code in set(codes):
        title = titles.text(code)
        texts[code - 1] = planted_title(title, plant.about(title), place, LONGEST)
    return Titles(tuple(texts), titles.year)


@contextlib.contextmanager
def planted(model: CoLLM, codes: Iterable[int], plant: Plant, place: Place = "behind") -> Iterator[None]:
    """Let a model read planted titles while the block runs."""
    before = model.prompting
    model.prompting = replace(before, titles=planted_titles(before.titles, codes, plant, place))
    try:
        yield
    finally:
        model.prompting = before


@dataclass(frozen=True)
class Rows:
    """Some labelled rows, as a `BatchSource`; rows [R] are numbers of examples of the plan."""

    plan: LabelledPlan
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, index: NDArray[np.int64]) -> SequenceBatch:
        """Gather examples by number; index [B]."""
        return self.plan.batch(self.rows[index])


class Consistent(nn.Module):
    """CoLLM as what the trainer trains: its loss on labels, and the squared difference that a planted text makes.

    The text, and whether it stands behind or before the titles, are drawn anew for each batch. The score without it gets no
    gradient from the difference, so that clean scores are held by the labels alone.
    """

    def __init__(self, model: CoLLM, plants: Sequence[Plant], weight: float) -> None:
        super().__init__()
        self.model, self.plants, self.weight = model, tuple(plants), weight

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Return the parameters that are trained: the LoRA."""
        yield from self.model.parameters(recurse)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """Return the state of the CoLLM."""
        return self.model.state_dict(*args, **kwargs)

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Take the state of the CoLLM back."""
        return self.model.load_state_dict(state_dict, strict, assign)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the binary cross-entropy of clean scores, and the weighted squared difference that the planted text makes."""
        items, labels = require_targets(batch, "collm")[:, None], batch.labels
        if labels is None:
            raise DataError("consistency needs labelled rows; use a dataset with labels")
        clean = self.model.pairs(batch, items)[:, 0]
        plant = self.plants[int(torch.randint(len(self.plants), ()))]
        with planted(self.model, items[:, 0].tolist(), plant, PLACES[int(torch.randint(2, ()))]):
            moved = self.model.pairs(batch, items)[:, 0] - clean.detach()
        bce = F.binary_cross_entropy_with_logits(clean, labels.to(clean))
        return {"bce": bce, "consistency": self.weight * moved.square().mean()}


def make_consistent(
    model: CoLLM,
    labelled: Sequences,
    plants: Sequence[Plant],
    config: ConsistencyConfig,
    folder: Path | None = None,
    show: bool = False,
) -> list[float]:
    """Harden a trained CoLLM in place.

    Parameters
    ----------
    model : CoLLM
        Its LoRA is trained; everything else stays as it is.
    labelled : Sequences
        Labelled training rows.
    plants : sequence of Plant
        What is planted: attacks that got through, none of those that it is measured on.
    config : ConsistencyConfig
        How.
    folder : Path, optional
        Keeps the state of a training that may be cut.
    show : bool
        Whether to show progress.

    Returns
    -------
    list of float
        Mean loss of each epoch.
    """
    plants = [plant for plant in dict.fromkeys(plants) if plant.text.strip()]
    if not plants:
        raise DataError("hardening by consistency needs texts that were planted; none got through")
    plan = LabelledPlan(labelled, model.history or 1)
    drawn = numpy_generator(config.seed, "rows of consistency").permutation(len(plan))[: config.rows]
    source, stage = Rows(plan, np.sort(drawn)), model.stage
    training = config.training(len(source))
    model.set_stage("lora")
    trainer = Trainer(Consistent(model, plants, config.weight), source, training, None, folder, model.centre.device)
    with progress(training.epochs, "hardening collm", show) as shown, torch.enable_grad():
        log = trainer.run(shown)
    model.set_stage(stage)
    model.eval()
    return [float(row["loss"]) for row in log.rows]


@torch.no_grad()
def score_shifts(model: CoLLM, batch: SequenceBatch, items: Tensor, plants: Sequence[Plant]) -> NDArray[np.float64]:
    """Return how far each text moves the score of each pair, in logits; items [B] → [T, B]."""
    clean, shifts = model.pairs(batch, items[:, None])[:, 0], []
    for plant in plants:
        with planted(model, items.tolist(), plant):
            shifts.append((model.pairs(batch, items[:, None])[:, 0] - clean).cpu().double().numpy())
    return np.stack(shifts)
