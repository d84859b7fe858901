"""Saving and loading models as safetensors, JSON and Parquet, and copies with other inference options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from reverie.data.vocabulary import Vocabulary
from reverie.errors import RunError
from reverie.files import atomic_path, read_json, write_json
from reverie.models.create import create_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from reverie.protocols import Recommender

FORMAT = 1


def save_model(model: Recommender, folder: str | Path) -> None:
    """Write a model so that `load_model` gives it back.

    Parameters
    ----------
    model : Recommender
        A fitted model with a card.
    folder : path
        Where to write ``model.json``, ``weights.safetensors`` and the ids as Parquet.
    """
    folder, card, tensors = Path(folder), model.card, model_tensors(model)
    save_tensors(tensors, folder / "weights.safetensors")
    save_vocabulary(card.vocabulary, folder)
    write_json(
        folder / "model.json",
        {"format": FORMAT, "name": card.name, "options": card.config.model_dump(mode="json"), "weights": sorted(tensors)},
    )


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write named tensors as safetensors."""
    from safetensors.torch import save_file

    whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(whole, temporary, metadata={"format": "pt"})


def load_model(folder: str | Path) -> Recommender:
    """Load a model from its folder, or from a run folder that holds one.

    Parameters
    ----------
    folder : path
        A folder written by `save_model`, or a run folder.

    Returns
    -------
    Recommender
        As it was saved, in evaluation mode.

    Raises
    ------
    RunError
        If there is no model, it has another format version, or the weights belong to another model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(folder)
    if not (folder / "model.json").exists() and (folder / "model" / "model.json").exists():
        folder = folder / "model"
    if not (folder / "model.json").exists():
        raise RunError(f"{folder} holds no model (no model.json); give a run folder or a folder written by save_model")
    described = read_json(folder / "model.json")
    version = described.get("format") if isinstance(described, dict) else None
    if version != FORMAT:
        raise RunError(f"{folder / 'model.json'} has format {version!r}, this version reads {FORMAT}; train the model again")
    model = create_model(str(described["name"]), load_vocabulary(folder), **dict(described["options"]))
    try:
        tensors = load_file(folder / "weights.safetensors")
    except (OSError, SafetensorError) as error:
        raise RunError(f"{folder / 'weights.safetensors'} cannot be read ({error}); train the model again") from error
    load_tensors(model, tensors, str(folder))
    return model


def model_tensors(model: Recommender) -> dict[str, Tensor]:
    """Return all fitted state of a model by name."""
    import numpy as np
    import torch

    if isinstance(model, torch.nn.Module):
        return dict(model.state_dict())
    arrays: dict[str, Any] = model.arrays()  # type: ignore[attr-defined]  # a model that is no module counts
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}


def load_tensors(model: Recommender, tensors: dict[str, Tensor], where: str) -> None:
    """Load fitted state into a model."""
    import torch

    if not isinstance(model, torch.nn.Module):
        model.load_arrays({name: value.numpy() for name, value in tensors.items()})  # type: ignore[attr-defined]  # it counts
        return
    own = model.state_dict()
    wrong = [n for n in sorted(set(own) | set(tensors)) if n not in own or n not in tensors or own[n].shape != tensors[n].shape]
    if wrong:
        raise RunError(
            f"{where} holds weights of another model than '{model.card.name}' ('{wrong[0]}' does not fit); train it again"
        )
    model.load_state_dict(tensors)
    model.eval()


def with_options(model: Recommender, **options: Any) -> Recommender:
    """Return a copy of a fitted model with some options changed and the weights as they are."""
    import torch

    card = model.card
    with torch.random.fork_rng(devices=[]):
        changed = create_model(card.name, card.vocabulary, **{**card.config.model_dump(mode="json"), **options})
    tensors = {name: value.detach().cpu() for name, value in model_tensors(model).items()}
    load_tensors(changed, tensors, f"model '{card.name}' with other options")
    return changed


def save_vocabulary(vocabulary: Vocabulary, folder: Path) -> None:
    """Write ids and titles as Parquet."""
    items = pl.DataFrame({"item": vocabulary.items})
    if vocabulary.titles is not None:
        items = items.with_columns(vocabulary.titles.alias("title"))
    for name, frame in (("items", items), ("users", pl.DataFrame({"user": vocabulary.users}))):
        with atomic_path(folder / f"{name}.parquet") as temporary:
            frame.write_parquet(temporary)


def load_vocabulary(folder: Path) -> Vocabulary:
    """Read what `save_vocabulary` wrote."""
    try:
        items, users = pl.read_parquet(folder / "items.parquet", glob=False), pl.read_parquet(folder / "users.parquet", glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"the ids beside the model in {folder} cannot be read ({error}); train the model again") from error
    return Vocabulary(items["item"], users["user"], items["title"] if "title" in items.columns else None)
