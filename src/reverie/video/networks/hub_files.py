"""What a folder in the Hugging Face layout tells of an encoder: its architecture, and how its pictures are prepared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverie.documents import read_json, regular
from reverie.errors import DataError
from reverie.video.roles import Normalisation

ARCHITECTURES = {"videomae": "VideoMAE", "timesformer": "TimeSformer", "clip": "CLIP", "clip_vision_model": "CLIP"}
"""Values of ``model_type`` that are known, and what they are called."""
_LARGEST = 1 << 24


@dataclass(frozen=True)
class HubFolder:
    """An encoder's folder.

    Parameters
    ----------
    folder : Path
    kind : str
        ``videomae``, ``timesformer`` or ``clip``.
    side : int or None
        Height and width of the pictures that it was taught with.
    normalisation : Normalisation
        Of values in [0, 1].
    """

    folder: Path
    kind: str
    side: int | None
    normalisation: Normalisation


def read_hub_folder(folder: str | Path) -> HubFolder:
    """Read ``config.json`` and ``preprocessor_config.json`` of a folder.

    Raises
    ------
    DataError
        If a file is missing or wrong, the weights are no safetensors, or the architecture is another one.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder of an encoder; give one that holds config.json and model.safetensors")
    config = _mapping(folder / "config.json")
    found = str(config.get("model_type"))
    if found not in ARCHITECTURES:
        known = ", ".join(dict.fromkeys(ARCHITECTURES.values()))
        raise DataError(f"{folder} holds an encoder of the architecture '{found}'; give one of {known}")
    if not [*folder.glob("*.safetensors")]:
        raise DataError(f"{folder} holds no weights as safetensors; other files of weights are not read, convert them")
    values = _mapping(folder / "preprocessor_config.json")
    return HubFolder(folder, found.removesuffix("_vision_model"), _side(values, folder), _normalisation(values, folder))


def _mapping(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    if not path.is_file():
        raise DataError(f"{path} does not exist; copy it from where the weights come from")
    found = read_json(regular(path, _LARGEST))
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no JSON object; copy it again from where the weights come from")
    return found


def _side(values: dict[str, Any], folder: Path) -> int | None:
    """Return height and width after cropping, or after resizing where nothing is cropped."""
    asked = values.get("crop_size") if values.get("do_center_crop", True) and values.get("crop_size") else values.get("size")
    sides = list(asked.values()) if isinstance(asked, dict) else [asked]
    if asked is None or sides == []:
        return None
    side = sides[0]
    if not isinstance(side, int) or isinstance(side, bool) or not 1 <= side <= 4096 or any(one != side for one in sides):
        raise DataError(f"{folder / 'preprocessor_config.json'} asks for pictures of {asked}; only square ones are supported")
    return side


def _normalisation(values: dict[str, Any], folder: Path) -> Normalisation:
    """Return mean and spread of values in [0, 1], whatever they are scaled to before."""
    scale = values.get("rescale_factor", 1 / 255) if values.get("do_rescale", True) else 1.0
    normalised = values.get("do_normalize", True)
    mean, std = (
        values.get(name, [other] * 3) if normalised else [other] * 3 for name, other in (("image_mean", 0.0), ("image_std", 1.0))
    )
    numbers = [*(mean if isinstance(mean, list) else []), *(std if isinstance(std, list) else [])]
    if len(numbers) != 6 or not all(isinstance(one, int | float) for one in [*numbers, scale]) or min(*numbers[3:], scale) <= 0:
        raise DataError(f"{folder / 'preprocessor_config.json'} has no three numbers in image_mean and image_std; copy it again")
    scaled = [one / (255 * scale) for one in numbers]
    return Normalisation((scaled[0], scaled[1], scaled[2]), (scaled[3], scaled[4], scaled[5]))
