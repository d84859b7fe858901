"""Training of recommenders on labels, the two steps of CoLLM, and scores of several models over one language model."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, query_batch, require_targets
from reverie.data.plans import LabelledPlan
from reverie.data.queries import Queries
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.documents import read_tensors
from reverie.errors import DataError
from reverie.evaluation import evaluate
from reverie.evaluation.effects import finite
from reverie.files import read_json, write_json
from reverie.llm.backbone import add_lora, load_backbone
from reverie.llm.collm.collaborative import LONGEST, CollaborativeVectors
from reverie.llm.collm.config import CollaborativeConfig
from reverie.llm.collm.model import CoLLM, create_collm
from reverie.llm.collm.recipe import CoLLMRecipe
from reverie.llm.generate import answer_logits, common_length, encode_prefix
from reverie.models import create_model, load_model, save_model
from reverie.models.fitted import mark_fitted
from reverie.models.store import load_tensors
from reverie.protocols import Recommender
from reverie.seeds import numpy_generator, seed_torch
from reverie.study.progress import progress
from reverie.training import TrainingConfig
from reverie.training.checkpoint import Best
from reverie.training.loop import Trainer, call_if_present, training_source
from reverie.training.optimiser import choose_device

ROWS = 16
"""Rows read at a time."""


@torch.no_grad()
def joint_scores(models: Mapping[str, CoLLM], queries: Queries, show: bool = False) -> dict[str, NDArray[np.float64]]:
    """Score labelled rows with several models that have one language model and one LoRA in common → [Q]."""
    backbone = next(iter(models.values())).backbone
    if any(model.backbone is not backbone for model in models.values()):
        raise ValueError("models: they have different language models; ask each alone")
    scores = {name: np.zeros(len(queries)) for name in models}
    for model in models.values():
        model.eval()
    history = max(model.history or 0 for model in models.values())
    order = np.argsort(-np.minimum(queries.lengths, history), kind="stable")
    batches = [order[at : at + ROWS] for at in range(0, len(order), ROWS)]
    with progress(len(batches), "scoring", show) as shown:
        for index in batches:
            batch = query_batch(queries, index, history).to(backbone.device)
            items = torch.from_numpy(queries.targets[index].astype(np.int64))[:, None].to(backbone.device)
            rendered = {name: model.prompting.render(batch, items) for name, model in models.items()}
            by_row = zip(*(prompts for prompts, _ in rendered.values()), strict=True)
            shared = [common_length(prompts, stop_at_soft=True) for prompts in by_row]
            prefix = None
            if min(shared) > 0:
                prompts, vectors = next(iter(rendered.values()))
                prefix = encode_prefix(backbone, [p[:n] for p, n in zip(prompts, shared, strict=True)], vectors[:0])
            for name, model in models.items():
                prompts, vectors = rendered[name]
                ends = prompts if prefix is None else [p[n:] for p, n in zip(prompts, shared, strict=True)]
                logits = answer_logits(backbone, ends, vectors, model.prompting.answers, prefix)
                scores[name][index] = model.score_of(logits).cpu().double().numpy()
            shown.advance()
    return scores


class Pointwise(nn.Module):
    """A torch recommender, trained so that ``sigmoid(score)`` is the probability that an item is liked."""

    plan = "labelled"

    def __init__(self, model: Any, liked: Sequences) -> None:
        super().__init__()
        self.model = model
        self._liked, self.card = liked, model.card
        self.history = model.history or LONGEST

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the binary cross-entropy of scores against labels."""
        scores = self.model.scores(batch, require_targets(batch, self.card.name)[:, None])[:, 0]
        return {"bce": F.binary_cross_entropy_with_logits(scores, cast("Tensor", batch.labels))}

    def observe(self, train: Sequences) -> None:
        """Show the model its liked events."""
        call_if_present(self.model, "observe", self._liked)
        self.card = self.model.card

    def after_step(self) -> None:
        """Pass on."""
        call_if_present(self.model, "after_step")


def labelled(split: Split) -> Sequences:
    """Return the labelled training rows of a split."""
    if split.labelled is None:
        raise DataError(f"'{split.dataset}' has no labelled training rows")
    return split.labelled


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
    model = create_model(name, split, seed=training.seed, **options)
    place = choose_device(device)
    wrapped = Pointwise(model, split.train).to(place)
    mark_fitted(model)  # it is measured while it learns
    source = training_source(wrapped, labelled(split))
    trainer = Trainer(wrapped, source, training, lambda: evaluate(model, split.valid, top=0).value(training.metric), folder, place)
    with progress(training.epochs, f"labels for {name}", show) as shown, torch.enable_grad():
        trainer.run(shown)
    call_if_present(model, "after_step")
    return model, trainer.best


SCALE = 2048
"""Training rows whose vectors tell mean and spread of features."""
CENTRE = 32
"""Training rows whose mean score becomes the constant."""


@dataclass
class TwoStepTraining:
    """The language model's part of a study; queries are those of validation and of test."""

    recipe: CoLLMRecipe
    split: Split
    rows: Sequences
    queries: tuple[Queries, Queries]
    folder: Path
    show: bool
    device: str | None = None

    def scores(self) -> tuple[dict[str, tuple[Any, Any]], dict[str, Any]]:
        """Train, and score validation and test rows with the text alone, with CoLLM, and with vectors of other users and items."""
        recipe, config, vocabulary = self.recipe, self.recipe.model, self.split.vocabulary
        seed_torch(recipe.text_training.seed, "weights")
        backbone = add_lora(load_backbone(config.backbone, self.device), config.lora)
        facts: dict[str, Any] = {}
        scores: dict[str, tuple[Any, Any]] = {}
        asked: dict[str, CoLLM] = {}
        if recipe.steps == "two":
            plain = config.model_copy(update={"ids": "none", "collaborative": None, "shortlist": None})
            asked["text-only"] = create_collm(plain, vocabulary, backbone, None)
            facts["text"] = self._train(asked["text-only"], "lora", recipe.text_training, "text")
        seed_torch(recipe.ids_training.seed, "weights of the mapping")
        own = cast("CollaborativeConfig", config.collaborative)
        vectors = self._vectors(own)
        options = vectors.model.card.config.model_dump(mode="json")  # as fitted: LightGCN writes the size of its graph there
        config = config.model_copy(update={"collaborative": own.model_copy(update={"options": options})})
        full = create_collm(config, vocabulary, backbone, vectors)
        if full.bits is not None:
            full.fit_bits()
        full.fit_scale(self._drawn(full, SCALE))
        if asked and full.mapping is None:
            scores |= self._score(asked)  # before the LoRA is taught again
            asked = {}
        facts["ids"] = self._train(full, "all" if recipe.steps == "one" else full.stage, recipe.ids_training, "ids")
        shuffled = create_collm(config, vocabulary, backbone, copy.deepcopy(vectors))
        shuffled.load_state_dict(full.state_dict())
        cast("CollaborativeVectors", shuffled.evidence).shuffle(recipe.rows.seed)
        begin = time.monotonic()
        scores |= self._score(asked | {"collm": full, "collm-shuffled": shuffled})
        facts["scoring_seconds"] = time.monotonic() - begin
        save_model(full, self.folder / "model")
        return scores, facts

    def _score(self, models: dict[str, CoLLM]) -> dict[str, tuple[Any, Any]]:
        valid, test = (joint_scores(models, part, self.show) for part in self.queries)
        return {name: (valid[name], test[name]) for name in models}

    def _vectors(self, own: CollaborativeConfig) -> CollaborativeVectors:
        untrained, place = self.recipe.scratch, self.folder / "recommenders" / "read"
        model = create_model(own.name, self.split.vocabulary, **own.options) if untrained else load_model(place)
        vectors = CollaborativeVectors(model)
        vectors.count_rows(labelled(self.split))
        return vectors

    def _drawn(self, model: CoLLM, count: int) -> SequenceBatch:
        """Draw training rows."""
        plan = LabelledPlan(self.rows, model.history or 1)
        generator = numpy_generator(self.recipe.rows.seed, "sample")
        return plan.batch(np.sort(generator.choice(len(plan), min(count, len(plan)), replace=False)))

    def _train(self, model: CoLLM, stage: str, training: TrainingConfig, name: str) -> dict[str, Any]:
        """Train one stage; a finished one is loaded."""
        place = self.folder / name
        model.set_stage(stage)
        if (place / "taught.json").exists():
            load_tensors(model, read_tensors(place / "weights.safetensors", f"delete {place} and run again"), str(place))
            return dict(read_json(place / "taught.json"))
        device = model.centre.device
        model.fit_centre(self._drawn(model, CENTRE).to(device))
        mark_fitted(model)  # as above
        source = training_source(model, self.rows)
        valid = self.queries[0]
        trainer = Trainer(model, source, training, lambda: evaluate(model, valid, top=0).value(training.metric), place, device)
        with progress(training.epochs, f"step {name}", self.show) as shown:
            log = trainer.run(shown)
        save_model(model, place)
        best = {"best_epoch": trainer.best.epoch, "valid": finite(trainer.best.value), "seconds": trainer.seconds}
        facts = best | {"rows": len(source), "epochs": log.rows}
        write_json(place / "taught.json", facts)
        return facts
