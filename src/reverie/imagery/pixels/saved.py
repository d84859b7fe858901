"""A trained pixel model on disk: weights of the running mean, options, known words, and whom to name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from reverie.documents import read_json, read_tensors
from reverie.errors import ConfigError, RunError
from reverie.files import check_digests, check_seal, sealed, sha256, write_json
from reverie.imagery.pixels.config import PixelsConfig
from reverie.imagery.records import Credit
from reverie.options import Options, checked

if TYPE_CHECKING:
    from reverie.imagery.pixels.model import PixelModel

FILE, WEIGHTS = "pixels.json", "weights.safetensors"
FORMAT = 1
_REMEDY = "train it again: reverie imagery imagery-pixels"


class Saved(Options):
    """What stands beside the weights."""

    format: int
    model: PixelsConfig
    known: tuple[str, ...]
    """Words of the training captions."""
    families: tuple[str, ...]
    """Sets of icons that it learned."""
    credits: tuple[Credit, ...]
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Of the weights."""
    digest: str = ""


def save_pixels(model: PixelModel, folder: Path, families: Sequence[str], credits: Sequence[Credit]) -> None:
    """Write a model so that `load_pixels` gives it back."""
    from reverie.models.store import save_tensors

    save_tensors(model.mean.state_dict(), folder / WEIGHTS)
    about = {"format": FORMAT, "model": model.config.model_dump(mode="json"), "known": sorted(model.known)}
    about |= {"families": list(families), "credits": [one.model_dump(mode="json") for one in credits]}
    write_json(folder / FILE, sealed(about | {"sha256": sha256(folder / WEIGHTS)}))


def find_pixels(folder: str | Path) -> Path:
    """Return the folder of a finished model: the one given, or the only one in a study's folder."""
    folder = Path(folder)
    found = [folder] if (folder / FILE).is_file() else sorted(path.parent for path in folder.glob(f"network/*/{FILE}"))
    found = [path for path in found if path == folder or (path / "piece.json").exists()]
    if not found:
        raise RunError(
            f"{folder} holds no trained pixel model; train one: reverie imagery imagery-pixels, or name its folder: pixels:FOLDER"
        )
    if len(found) > 1:
        raise RunError(f"{folder} holds {len(found)} trained pixel models; name one of them, such as {found[0]}")
    return found[0]


def read_saved(folder: Path) -> Saved:
    """Read what stands beside the weights."""
    path = folder / FILE
    values = read_json(path)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise RunError(f"{path} is not of a format that this version reads; {_REMEDY}")
    try:
        saved = checked(Saved, values, str(path))
    except ConfigError as error:
        raise RunError(f"{error}; {_REMEDY}") from error
    check_seal(values, path, _REMEDY, RunError)
    return saved


def load_pixels(folder: str | Path) -> tuple[PixelModel, Saved]:
    """Load a trained model.

    Parameters
    ----------
    folder : path
        Folder of a model, or of a study with one finished training.

    Returns
    -------
    PixelModel, Saved

    Raises
    ------
    RunError
        If there is none, or it cannot be read.
    """
    from reverie.imagery.pixels.model import PixelModel

    place = find_pixels(folder)
    saved = read_saved(place)
    check_digests(place, {WEIGHTS: saved.sha256}, _REMEDY, RunError)
    model = PixelModel(saved.model, saved.known)
    try:
        model.mean.load_state_dict(read_tensors(place / WEIGHTS, _REMEDY))
    except RuntimeError as error:
        raise RunError(f"{place} holds the weights of another model; {_REMEDY}") from error
    return model.eval(), saved
