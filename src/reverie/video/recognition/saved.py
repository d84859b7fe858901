"""A trained classifier of clips on disk: the running mean as it was measured, and beside it what a selector learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reverie.errors import ConfigError, RunError
from reverie.files import check_digests, sha256
from reverie.video.networks.saved import FILE, load_network, read_finite, read_saved, save_network

if TYPE_CHECKING:
    from reverie.video.networks.network import ClipNetwork
    from reverie.video.networks.saved import SavedNetwork
    from reverie.video.recognition.batches import ClipBatches
    from reverie.video.recognition.learner import Learner

SELECTOR = "selector.safetensors"
_REMEDY = "train it again: reverie video study"


def save_recogniser(learner: Learner, source: ClipBatches, mixer: str, options: Mapping[str, Any], seed: int, folder: Path) -> None:
    """Write the mean of a finished training so that `load_network` gives it back, and its selector so that `load_mixer` does."""
    from reverie.models.store import save_tensors
    from reverie.video.recognition.predictions import evaluated

    config, clips = source.config, source.task.clips
    about: dict[str, Any] = {"mixer": mixer, "options": dict(options), "clips": clips.name, "clips_sha256": clips.digest}
    about |= {"seed": seed, "sampling": config.sampling, "stride": config.stride}
    if learner.selector is not None:
        save_tensors(learner.selector.state_dict(), folder / SELECTOR)
        about["selector_sha256"] = sha256(folder / SELECTOR)
    network = cast("ClipNetwork", evaluated(learner.mean.network, source, seed))
    save_network(network, folder, clips.classes, about)


def split_name(name: str | Path) -> tuple[Path, str | None]:
    """Return the folder of ``FOLDER`` or ``FOLDER:METHOD``, and the method, if there is one."""
    folder, _, method = str(name).rpartition(":")
    return (Path(name), None) if Path(name).exists() or not folder or "/" in method else (Path(folder), method)


def find_recogniser(name: str | Path) -> Path:
    """Return the folder of a trained network: the one given, or the only one, of a method if one is named, in a study's folder."""
    folder, method = split_name(name)
    found = [folder] if (folder / FILE).is_file() else sorted(path.parent for path in folder.glob(f"recognition/*/{FILE}"))
    found = [path for path in found if path == folder or (path / "piece.json").exists()]
    if method is not None:
        found = [path for path in found if read_saved(path).about.get("mixer") == method]
    if not found:
        by = "" if method is None else f" by {method}"
        raise RunError(
            f"{folder} holds no trained network of video{by}; name the folder of one, or of a finished 'reverie video study'"
        )
    if len(found) > 1:
        named = "; ".join(
            f"{path}, {saved.about.get('mixer')} on {saved.about.get('clips')}" for path, saved in map(_read, found[:3])
        )
        raise RunError(f"{folder} holds {len(found)} trained networks of video; name one of them ({named}), or FOLDER:METHOD")
    return found[0]


def load_recogniser(folder: str | Path) -> tuple[ClipNetwork, Any, SavedNetwork]:
    """Load a network that a study kept, and the mixer that it was trained with.

    Parameters
    ----------
    folder : path
        Of a network, or of a study that kept one.

    Returns
    -------
    tuple of ClipNetwork, Mixer or None, and SavedNetwork
        The mixer has what its selector learned; None for a network that no study trained.

    Raises
    ------
    RunError
        If there is none, there are several, or one cannot be read.
    """
    from reverie.video.mixing.create import create_mixer

    place = find_recogniser(folder)
    network, saved = load_network(place)
    if "mixer" not in saved.about:
        return network, None, saved
    try:
        mixer = create_mixer(str(saved.about["mixer"]), channels=network.channels, **saved.about["options"])
        if getattr(mixer, "selector", None) is not None:
            check_digests(place, {SELECTOR: str(saved.about["selector_sha256"])}, _REMEDY, RunError)
            mixer.selector.load_state_dict(read_finite(place / SELECTOR))
    except (ConfigError, KeyError, RuntimeError, TypeError) as error:
        raise RunError(f"{place} holds a mixer that cannot be read; {_REMEDY}") from error
    return network, mixer, saved


def _read(path: Path) -> tuple[Path, SavedNetwork]:
    return path, read_saved(path)
