"""A trained network on disk: weights as safetensors, and what it takes to build it again as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from reverie.documents import read_json, read_tensors
from reverie.errors import ConfigError, RunError, short
from reverie.files import check_digests, check_seal, sealed, sha256, write_json
from reverie.options import Options, checked
from reverie.video.networks.create import create_network

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.video.networks.network import ClipNetwork

FILE, WEIGHTS = "network.json", "weights.safetensors"
FORMAT = 1
_REMEDY = "train it again: reverie video study"


class SavedNetwork(Options):
    """What stands beside the weights."""

    format: int
    name: str
    """Of `reverie.video.networks.create.NETWORKS`."""
    options: dict[str, Any]
    classes: tuple[str, ...] = Field(min_length=1)
    """Names of the classes, in the order of the logits."""
    frames: int = Field(ge=1)
    size: int = Field(ge=1)
    about: dict[str, Any] = Field(default={})
    """What a study wants to tell of it: data, seed, method."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Of the weights."""
    digest: str = ""


def save_network(network: ClipNetwork, folder: Path, classes: Sequence[str], about: Mapping[str, Any] | None = None) -> None:
    """Write a network so that `load_network` gives it back.

    Parameters
    ----------
    network : ClipNetwork
        Made by `create_network`.
    folder : Path
    classes : sequence of str
        Names, as many as there are logits.
    about : mapping, optional
        Plain values that are kept beside it.
    """
    from reverie.models.store import save_tensors

    if not network.name:
        raise ConfigError("only networks made by create_network are saved; save the module of a hooked network yourself")
    if len(classes) != network.classes:
        raise ConfigError(f"{network.name} has {network.classes} logits, and {len(classes)} classes are named; name each one")
    save_tensors(network.state_dict(), folder / WEIGHTS)
    known = {"format": FORMAT, "name": network.name, "options": network.config.model_dump(mode="json"), "classes": list(classes)}
    known |= {"frames": network.frames, "size": network.size, "about": dict(about or {})}
    write_json(folder / FILE, sealed(known | {"sha256": sha256(folder / WEIGHTS)}))


def read_saved(folder: Path) -> SavedNetwork:
    """Read what stands beside the weights."""
    path = folder / FILE
    values = read_json(path)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise RunError(f"{path} is not of a format that this version reads; {_REMEDY}")
    try:
        saved = checked(SavedNetwork, values, str(path))
    except ConfigError as error:
        raise RunError(f"{error}; {_REMEDY}") from error
    check_seal(values, path, _REMEDY, RunError, required=True)
    return saved


def read_finite(path: Path) -> dict[str, Tensor]:
    """Return tensors of a file by name, all of whose numbers are finite."""
    found = read_tensors(path, _REMEDY)
    wrong = [name for name, one in found.items() if one.is_floating_point() and not one.isfinite().all()]
    if wrong:
        raise RunError(f"{path} holds numbers that are not finite in {wrong[0]}; {_REMEDY}")
    return found


def load_network(folder: str | Path) -> tuple[ClipNetwork, SavedNetwork]:
    """Load a trained network, in evaluation mode.

    Parameters
    ----------
    folder : path
        With ``network.json`` and ``weights.safetensors``.

    Returns
    -------
    tuple of ClipNetwork and SavedNetwork

    Raises
    ------
    RunError
        If a file is missing, was changed, or is of another network.
    """
    folder = Path(folder)
    if not (folder / FILE).is_file():
        raise RunError(f"{folder} holds no trained network of video ({FILE} is not there); check the path, or {_REMEDY}")
    saved = read_saved(folder)
    check_digests(folder, {WEIGHTS: saved.sha256}, _REMEDY, RunError)
    network = create_network(saved.name, len(saved.classes), saved.frames, saved.size, **saved.options)
    try:
        network.load_state_dict(read_finite(folder / WEIGHTS))
    except RuntimeError as error:
        raise RunError(f"{folder / WEIGHTS} holds weights of another network ({short(str(error))}); {_REMEDY}") from error
    network.eval()
    return network, saved
