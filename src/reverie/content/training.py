"""One cell: a training, its test, the test without each modality, and the score of what knows the truth."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reverie.content.cells import WHOLE, Trained, place
from reverie.content.clip_world.oracle import Oracle
from reverie.content.neighbours import nearest_items
from reverie.data.split import Split
from reverie.evaluation import evaluate
from reverie.models import create_model
from reverie.models.fitted import mark_fitted
from reverie.protocols import Recommender
from reverie.training.config import TrainingConfig
from reverie.training.fit import fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import torch
    from torch import Tensor

    from reverie.content.clip_world.generate import ClipWorld
    from reverie.models.item_encoders.base import ContentEncoder

KNOWN = {"motion+sound": (True, True), "motion": (True, False), "sound": (False, True), "nothing": (False, False)}
"""What an oracle knows of the clips of a world."""


def train_cell(
    name: str,
    options: Mapping[str, Any],
    split: Split,
    training: TrainingConfig,
    drops: Sequence[str],
    shown: int,
    folder: Path,
    device: str | None,
    commit: str,
) -> Trained:
    """Train a model, measure it on the test, whole and without some parts of its encoder, and note neighbours of some items.

    Parameters
    ----------
    name, options
        Of the model.
    split : Split
    training : TrainingConfig
    drops : sequence of str
        Parts of a fused encoder.
    shown : int
        Items whose neighbours are noted.
    folder : Path
        Where evaluations, and the state of a cut training, lie.
    device : str or None
    commit : str
    """
    model = create_model(name, split, seed=training.seed, **options)
    fitted = fit(model, split, training, folder=folder / "training", device=device, show=False)
    shutil.rmtree(folder / "training" / "state", ignore_errors=True)
    tested = {WHOLE: model} | {drop: without(model, drop, split) for drop in drops}
    for drop, one in tested.items():
        found = evaluate(one, split.test, top=0, train=split.train, device=device, protocol=split.protocol)  # ranks alone are read
        found.save(place(folder, drop))
    weights = sum(one.numel() for one in cast("torch.nn.Module", model).parameters()) if hasattr(model, "parameters") else 0
    return Trained(
        str(folder), tuple(tested), fitted.seconds, fitted.peak_mb, fitted.best_epoch, len(fitted.history), weights,
        cold_count(split), lacking(model), nearest_items(model, split, shown), commit,
    )  # fmt: skip


def without(model: Recommender, part: str, split: Split) -> Recommender:
    """Return a trained model whose fused encoder treats a part as missing in all items."""
    config = model.card.config.model_dump(mode="json")
    config["item_encoder"]["without"] = [part]
    copy: Any = create_model(model.card.name, split, **config)
    state = cast("torch.nn.Module", model).state_dict()
    kept = {key: value for key, value in state.items() if key.rpartition(".")[2] not in ("kept", "fresh")}
    copy.load_state_dict(kept, strict=False)
    copy.eval()
    mark_fitted(copy)
    return cast("Recommender", copy)


def cold_count(split: Split) -> int:
    """Return how many items have no event in training."""
    return int((split.train.item_counts()[1:] == 0).sum())


def lacking(model: Recommender) -> dict[str, int]:
    """Return how many items lack what each encoder of content in a model reads, by its name; those that none lacks are left out."""
    from reverie.models.item_encoders.base import ContentEncoder
    from reverie.models.item_encoders.fused import FusedEncoder

    options = getattr(model.card.config, "item_encoder", None)
    names = [part.name for part in getattr(options, "parts", (options,)) if part is not None and part.kind != "id"]
    every: Iterable[Any] = getattr(model, "modules", tuple)()
    encoders = [one for one in every if isinstance(one, ContentEncoder) and not isinstance(one, FusedEncoder)]
    counts = {name: int((~one.present(_codes(one))).sum()) for name, one in zip(names, encoders, strict=False)}
    return {name: count for name, count in counts.items() if count}


def _codes(encoder: ContentEncoder) -> Tensor:
    """Return the codes of all items of an encoder → [N]."""
    import torch

    return torch.arange(1, encoder.n_items + 1, device=encoder.missing.device)


def measure_truth(world: ClipWorld, split: Split, folder: Path, commit: str) -> Trained:
    """Measure oracles that know more or less of a clip world; "drops" are then what they know."""
    for name, (motion, sound) in KNOWN.items():
        oracle = Oracle(world, split.vocabulary, motion, sound)
        evaluate(oracle, split.test, top=0, train=split.train, protocol=split.protocol).save(place(folder, name))
    return Trained(str(folder), tuple(KNOWN), 0.0, 0.0, None, 0, 0, cold_count(split), commit=commit)
