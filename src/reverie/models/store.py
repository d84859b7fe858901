"""Saving and loading models as safetensors, JSON and Parquet, and copies with other inference options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from reverie.calls import named
from reverie.data.content import Features
from reverie.data.vocabulary import Vocabulary
from reverie.documents import read_as, read_json, read_table, read_tensors
from reverie.errors import ConfigError, RunError, short
from reverie.files import atomic_path, check_digests, check_seal, sealed, sha256, write_json
from reverie.models.create import create_model, make_model
from reverie.models.fitted import fit_first, mark_fitted
from reverie.models.own import entry_of, require_storable
from reverie.models.shelf import MODELS
from reverie.options import checked
from reverie.protocols import Blends, Recommender, Wraps
from reverie.registry import Entry

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
CONTENT = "content.safetensors"
"""File of the items' features beside their ids."""
_REMEDY = "train the model again"


@dataclass(frozen=True)
class Described:
    """What ``model.json`` holds."""

    name: str
    options: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 of weights, ids and features; models of before have none."""


def save_model(model: Recommender, folder: str | Path) -> None:
    """Write a model so that `load_model` gives it back.

    Parameters
    ----------
    model : Recommender
        A fitted model with a card.
    folder : path
        Where to write ``model.json``, ``weights.safetensors``, the ids as Parquet, and the items' features where there are any.

    Raises
    ------
    ConfigError
        If `load_model` could not give it back: the sentence names what its class lacks.
    """
    if isinstance(model, str | PathLike):
        raise ConfigError(f"{named(str(model))} stands where the model is due, which comes first: rv.save_model(model, folder)")
    require_storable(model)
    folder, card, tensors = Path(folder), model.card, model_tensors(model)
    if folder.is_file():
        raise ConfigError(f"{folder} is a file, and a model is stored as a folder; name another")
    save_tensors(tensors, folder / "weights.safetensors")
    written = save_vocabulary(card.vocabulary, folder)
    about = {"format": FORMAT, "name": card.name, "options": card.config.model_dump(mode="json"), "weights": sorted(tensors)}
    files = {name: sha256(folder / name) for name in ("weights.safetensors", *written)}
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
        Its class, or that of what it re-ranks, where that is one of your own that is not registered; no file names what is
        imported.

    Returns
    -------
    Recommender
        As it was saved, in evaluation mode.

    Raises
    ------
    RunError
        If there is no model, it has another format version, or the weights belong to another model.
    ConfigError
        If `cls` is no model, or `folder` no path.
    """
    if not isinstance(folder, str | PathLike):
        raise ConfigError(f"{named(folder)} is no folder; write rv.load_model('runs/sasrec-ml-100k')")
    if cls is not None and not isinstance(cls, type):
        raise ConfigError(f"cls={named(cls)} is no class; write rv.load_model(folder, cls=Mine) with the class of your model")
    given, folder = None if cls is None else entry_of(cls), Path(folder)
    if not (folder / "model.json").exists() and (folder / "model" / "model.json").exists():
        folder = folder / "model"
    if not (folder / "model.json").exists():
        raise RunError(f"{folder} holds no model (no model.json); give a run folder or a folder written by save_model")
    described, path = read_json(folder / "model.json"), folder / "model.json"
    version = described.get("format") if isinstance(described, dict) else None
    if version != FORMAT:
        raise RunError(f"{path} has format {short(repr(version))}, this version reads {FORMAT}; {_REMEDY}")
    about = read_as(Described, path, _REMEDY, RunError)
    name = _own_name(about, given, path)
    own = given is not None or name not in MODELS
    with MODELS.lent(name, given):
        try:
            checked(MODELS.config(about.name), about.options, f"the options of model '{short(about.name)}'")
        except ConfigError as error:
            remedy = "if it is your own, give its class, load_model(…, cls=…), or register it again" if own else _REMEDY
            raise RunError(f"{path} holds a model that this version cannot read ({error}); {remedy}") from error
        check_digests(folder, about.files, _REMEDY, RunError)
        model = make_model(about.name, MODELS[about.name], load_vocabulary(folder, CONTENT in about.files), about.options)
    tensors = read_tensors(folder / "weights.safetensors", _REMEDY)
    load_tensors(model, tensors, str(folder))
    check_seal(described, path, _REMEDY, RunError)
    mark_fitted(model)
    return model


def _own_name(about: Described, given: Entry | None, path: Path) -> str:
    """Return the name, its own or that of what it re-ranks, under which a stored model knows the class that a caller gave."""
    wrapped = about.options.get("model")
    inner = wrapped.get("name") if isinstance(wrapped, dict) else None
    name = str(inner) if about.name in MODELS and inner not in (None, *MODELS) else about.name
    if given is not None and name in MODELS and name not in MODELS.session:
        raise ConfigError(f"{path} holds '{name}', which is no class of your own; leave out cls=")
    return name


def model_tensors(model: Recommender) -> dict[str, Tensor]:
    """Return all fitted state of a model by name."""
    import torch

    if isinstance(model, Blends):
        return {f"{at}.{name}": value for at, part in enumerate(model.parts) for name, value in model_tensors(part).items()}
    if isinstance(model, Wraps):
        return {f"base.{name}": value for name, value in model_tensors(model.base).items()} | model.tensors()
    if isinstance(model, torch.nn.Module):
        return dict(model.state_dict())
    with fit_first(model):
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
        _load_arrays(model, tensors, where)
        return
    own = model.state_dict()
    wrong = [n for n in sorted(set(own) | set(tensors)) if n not in own or n not in tensors or own[n].shape != tensors[n].shape]
    if wrong:
        raise RunError(
            f"{where} holds weights of another model than '{model.card.name}' ('{wrong[0]}' does not fit); train it again"
        )
    model.load_state_dict(tensors)
    model.eval()


def _load_arrays(model: Any, tensors: Mapping[str, Tensor], where: str) -> None:
    """Hand arrays to a model that counts; a class that cannot take them is refused."""
    try:
        model.load_arrays({name: value.numpy() for name, value in tensors.items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        kind, why = type(model).__name__, f"{type(error).__name__}: {short(str(error))}"
        said = f"{where} holds the arrays {', '.join(tensors)}, which {kind}.load_arrays does not take ({why})"
        raise RunError(f"{said}; give the class that the model was saved from, load_model(…, cls=…)") from error


def with_options(model: Recommender, **options: Any) -> Recommender:
    """Return a copy of a fitted model with some options changed and the weights as they are."""
    import torch

    card = model.card
    with torch.random.fork_rng(devices=[]):
        changed = create_model(card.name, card.vocabulary, **{**card.config.model_dump(mode="json"), **options})
    tensors = {name: value.detach().cpu() for name, value in model_tensors(model).items()}
    load_tensors(changed, tensors, f"model '{card.name}' with other options")
    mark_fitted(changed, card.fitted)
    return changed


def save_vocabulary(vocabulary: Vocabulary, folder: Path) -> list[str]:
    """Write ids and titles as Parquet, and features of items as safetensors; return the names of the files."""
    import torch

    items = pl.DataFrame({"item": vocabulary.items})
    if vocabulary.titles is not None:
        items = items.with_columns(vocabulary.titles.alias("title"))
    written = {"items.parquet": items, "users.parquet": pl.DataFrame({"user": vocabulary.users})}
    for name, frame in written.items():
        with atomic_path(folder / name) as temporary:
            frame.write_parquet(temporary)
    if not vocabulary.content:
        (folder / CONTENT).unlink(missing_ok=True)
        return list(written)
    tensors: dict[str, Tensor] = {}
    for name, features in vocabulary.content.items():
        tensors |= {f"{name}.{part}": torch.from_numpy(np.array(value)) for part, value in vars(features).items()}
    save_tensors(tensors, folder / CONTENT)
    return [*written, CONTENT]


def load_vocabulary(folder: Path, content: bool = True) -> Vocabulary:
    """Read what `save_vocabulary` wrote, features of items only where they are asked for."""
    items = read_table(folder / "items.parquet", {"item": "id"}, _REMEDY, {"title": "text"})
    users = read_table(folder / "users.parquet", {"user": "id"}, _REMEDY)
    for ids, name in ((items["item"], "items"), (users["user"], "users")):
        if ids.n_unique() != len(ids) or not len(items):
            raise RunError(f"{folder / name}.parquet holds no ids, or one of them twice; {_REMEDY}")
    titles = items["title"] if "title" in items.columns else None
    return Vocabulary(items["item"], users["user"], titles, _load_content(folder / CONTENT, len(items)) if content else {})


def _load_content(path: Path, n_items: int) -> dict[str, Features]:
    """Read the features of n_items items; without a file there are none."""
    import torch

    if not path.exists():
        return {}
    tensors = read_tensors(path, _REMEDY)
    names = dict.fromkeys(name.rpartition(".")[0] for name in tensors)
    content = {}
    for name in names:
        values, present = (tensors.get(f"{name}.{part}") for part in ("values", "present"))
        if (
            values is None
            or present is None
            or values.dtype != torch.float32
            or present.dtype != torch.bool
            or (values.dim() != 2 or len(values) != n_items or present.shape != (n_items,))
        ):
            raise RunError(f"{path} holds features '{short(name)}' that are not one row for each of {n_items:,} items; {_REMEDY}")
        content[name] = Features(values.numpy(), present.numpy())
    return content
