"""A trained classifier of clips on disk: weights of the running mean, of a selector, and what is needed to use them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field, PositiveInt

from reverie.documents import read_json, read_tensors
from reverie.errors import ConfigError, RunError
from reverie.files import check_digests, check_seal, sealed, sha256, write_json
from reverie.options import Options, checked

if TYPE_CHECKING:
    from torch import nn

    from reverie.video.cells import RecognitionCell
    from reverie.video.recipe import MethodRecipe, NetworkRecipe
    from reverie.video.recognition.batches import ClipBatches
    from reverie.video.recognition.config import RecognitionConfig
    from reverie.video.recognition.learner import Learner
    from reverie.video.recognition.task import RecognitionTask
    from reverie.video.roles import VideoNetwork

FILE, WEIGHTS = "recogniser.json", "weights.safetensors"
FORMAT = 1
_NETWORK, _SELECTOR = "network/", "selector/"
_REMEDY = "train it again: reverie video study RECIPE"


class SavedNetwork(Options):
    """What stands beside the weights."""

    format: int = FORMAT
    network: str
    """Registered name."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Of the network."""
    classes: tuple[str, ...]
    frames: PositiveInt
    size: PositiveInt
    sampling: str
    stride: PositiveInt = 1
    mixer: str
    """Registered name of the method that it was trained with."""
    mixing: dict[str, Any] = Field(default_factory=dict)
    """Options of the method."""
    clips: str
    """Set that it learned."""
    clips_sha256: str
    row: str
    """Name of the row of the study."""
    sha256: str = ""
    """Of the weights."""
    digest: str = ""

    @classmethod
    def of(
        cls, network: NetworkRecipe, config: RecognitionConfig, task: RecognitionTask, cell: RecognitionCell, method: MethodRecipe
    ) -> SavedNetwork:
        """Return what is to be said of a cell's network."""
        return cls(
            network=network.kind, options=network.set, classes=task.clips.classes, frames=config.frames, size=config.size,
            sampling=config.sampling, stride=config.stride, mixer=method.kind, mixing=method.set, clips=cell.clips,
            clips_sha256=task.clips.digest, row=cell.method,
        )  # fmt: skip


@dataclass(frozen=True)
class Recogniser:
    """A trained network in evaluation mode, a mixer with what its selector learned, and what both are."""

    network: VideoNetwork
    mixer: Any
    about: SavedNetwork


def save_recogniser(learner: Learner, source: ClipBatches, about: SavedNetwork, seed: int, folder: Path) -> None:
    """Write the running mean, as it was measured, and the selector of a finished training."""
    from reverie.models.store import save_tensors
    from reverie.video.recognition.predictions import evaluated

    network = evaluated(learner.mean.network, source, seed)
    tensors = {_NETWORK + name: value for name, value in network.state_dict().items()}
    if learner.selector is not None:
        tensors |= {_SELECTOR + name: value for name, value in learner.selector.state_dict().items()}
    save_tensors(tensors, folder / WEIGHTS)
    values = about.model_dump(mode="json") | {"sha256": sha256(folder / WEIGHTS)}
    write_json(folder / FILE, sealed({key: value for key, value in values.items() if key != "digest"}))


def find_recogniser(folder: str | Path) -> Path:
    """Return the folder of a trained network: the one given, or the only one in a study's folder."""
    folder = Path(folder)
    found = [folder] if (folder / FILE).is_file() else sorted(path.parent for path in folder.glob(f"recognition/*/{FILE}"))
    found = [path for path in found if path == folder or (path / "piece.json").exists()]
    if not found:
        raise RunError(f"{folder} holds no trained video network; name the folder of one, or of a finished 'reverie video study'")
    if len(found) > 1:
        rows = ", ".join(f"{path} ({read_saved(path).row} on {read_saved(path).clips})" for path in found[:3])
        raise RunError(f"{folder} holds {len(found)} trained video networks; name one of them, such as {rows}")
    return found[0]


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
    check_seal(values, path, _REMEDY, RunError)
    return saved


def load_recogniser(folder: str | Path) -> Recogniser:
    """Load a trained network.

    Parameters
    ----------
    folder : path
        Of a network, or of a study with one.

    Returns
    -------
    Recogniser

    Raises
    ------
    RunError
        If there is none, there are several, or it cannot be read.
    """
    from reverie.video.mixing.create import create_mixer
    from reverie.video.networks.create import create_network

    place = find_recogniser(folder)
    about = read_saved(place)
    check_digests(place, {WEIGHTS: about.sha256}, _REMEDY, RunError)
    tensors = read_tensors(place / WEIGHTS, _REMEDY)
    network = create_network(about.network, len(about.classes), about.frames, about.size, **about.options)
    mixer = create_mixer(about.mixer, channels=network.channels, **about.mixing)
    selector: nn.Module | None = getattr(mixer, "selector", None)
    try:
        network.load_state_dict(_under(tensors, _NETWORK))
        if selector is not None:
            selector.load_state_dict(_under(tensors, _SELECTOR))
    except RuntimeError as error:
        raise RunError(f"{place} holds the weights of another network; {_REMEDY}") from error
    return Recogniser(cast("VideoNetwork", network.eval()), mixer, about)


def _under(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
