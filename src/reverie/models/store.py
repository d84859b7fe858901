"""Saving and loading models as safetensors, JSON and Parquet, and copies with other inference options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from reverie.data.vocabulary import Vocabulary
from reverie.documents import read_as, read_json, read_table, read_tensors
from reverie.errors import ConfigError, RunError, short
from reverie.files import atomic_path, check_digests, check_seal, sealed, sha256, write_json
from reverie.models.create import create_model, make_model
from reverie.models.own import own_entry, require_storable
from reverie.models.shelf import MODELS
from reverie.options import checked
from reverie.protocols import Blends, Recommender, Wraps
from reverie.registry import load_object

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
_REMEDY = "train the model again"


@dataclass(frozen=True)
class Described:
    """What ``model.json`` holds."""

    name: str
    options: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 of weights and ids; models of before have none."""


def save_model(model: Recommender, folder: str | Path) -> None:
    """Write a model so that `load_model` gives it back.

    Parameters
    ----------
    model : Recommender
        A fitted model with a card.
    folder : path
        Where to write ``model.json``, ``weights.safetensors`` and the ids as Parquet.

    Raises
    ------
    ConfigError
        If `load_model` could not give it back: the sentence names what its class lacks.
    """
    require_storable(model)
    folder, card, tensors = Path(folder), model.card, model_tensors(model)
    save_tensors(tensors, folder / "weights.safetensors")
    save_vocabulary(card.vocabulary, folder)
    about = {"format": FORMAT, "name": card.name, "options": card.config.model_dump(mode="json"), "weights": sorted(tensors)}
    files = {name: sha256(folder / name) for name in ("weights.safetensors", "items.parquet", "users.parquet")}
    write_json(folder / "model.json", sealed(about | {"files": files}))


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write named tensors as safetensors."""
    from safetensors.torch import save_file

    whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(whole, temporary, metadata={"format": "pt"})


def load_model(folder: str | Path, cls: type | None = None) -> Recommender:
    """Load a model from its folder, or from a run folder that holds one.

    Parameters
    ----------
    folder : path
        A folder written by `save_model`, or a run folder.
    cls : type, optional
        Its class, where that is one of your own that is not registered; no file names what is imported.

    Returns
    -------
    Recommender
        As it was saved, in evaluation mode.

    Raises
    ------
    RunError
        If there is no model, it has another format version, or the weights belong to another model.
    """
    folder = Path(folder)
    if not (folder / "model.json").exists() and (folder / "model" / "model.json").exists():
        folder = folder / "model"
    if not (folder / "model.json").exists():
        raise RunError(f"{folder} holds no model (no model.json); give a run folder or a folder written by save_model")
    described, path = read_json(folder / "model.json"), folder / "model.json"
    version = described.get("format") if isinstance(described, dict) else None
    if version != FORMAT:
        raise RunError(f"{path} has format {short(repr(version))}, this version reads {FORMAT}; {_REMEDY}")
    about = read_as(Described, path, _REMEDY, RunError)
    try:
        known = MODELS.session.get(about.name)
        entry = MODELS[about.name] if cls is None or (known and known.build.cls is cls) else own_entry(cls)  # type: ignore[union-attr]
        checked(load_object(entry.config), about.options, f"the options of model '{short(about.name)}'")
    except ConfigError as error:
        own = about.name not in MODELS and cls is None
        remedy = "if it is your own, give its class, load_model(…, cls=…), or register it again" if own else _REMEDY
        raise RunError(f"{path} holds a model that this version cannot read ({error}); {remedy}") from error
    check_digests(folder, about.files, _REMEDY, RunError)
    model = make_model(about.name, entry, load_vocabulary(folder), about.options)
    tensors = read_tensors(folder / "weights.safetensors", _REMEDY)
    load_tensors(model, tensors, str(folder))
    check_seal(described, path, _REMEDY, RunError)
    model.card = replace(model.card, fitted=True)
    return model


def model_tensors(model: Recommender) -> dict[str, Tensor]:
    """Return all fitted state of a model by name."""
    import numpy as np
    import torch

    if isinstance(model, Blends):
        return {f"{at}.{name}": value for at, part in enumerate(model.parts) for name, value in model_tensors(part).items()}
    if isinstance(model, Wraps):
        return {f"base.{name}": value for name, value in model_tensors(model.base).items()} | model.tensors()
    if isinstance(model, torch.nn.Module):
        return dict(model.state_dict())
    arrays: dict[str, Any] = model.arrays()  # type: ignore[attr-defined]  # a model that is no module counts
    try:
        return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
    except (TypeError, AttributeError) as error:
        raise ConfigError(
            f"{type(model).__name__}.arrays() must return a mapping of names to arrays of numbers ({error})"
        ) from error


def load_tensors(model: Recommender, tensors: dict[str, Tensor], where: str) -> None:
    """Load fitted state into a model."""
    import torch

    if isinstance(model, Blends):
        for at, part in enumerate(model.parts):
            own = {name.partition(".")[2]: value for name, value in tensors.items() if name.partition(".")[0] == str(at)}
            load_tensors(part, own, where)
        return
    if isinstance(model, Wraps):
        load_tensors(model.base, {n.removeprefix("base."): value for n, value in tensors.items() if n.startswith("base.")}, where)
        model.take({name: value for name, value in tensors.items() if not name.startswith("base.")})
        return
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
    items = read_table(folder / "items.parquet", {"item": "id"}, _REMEDY, {"title": "text"})
    users = read_table(folder / "users.parquet", {"user": "id"}, _REMEDY)
    for ids, name in ((items["item"], "items"), (users["user"], "users")):
        if ids.n_unique() != len(ids) or not len(items):
            raise RunError(f"{folder / name}.parquet holds no ids, or one of them twice; {_REMEDY}")
    return Vocabulary(items["item"], users["user"], items["title"] if "title" in items.columns else None)
