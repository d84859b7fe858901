"""Two video files mixed by a method, to see what it does."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from reverie.errors import ConfigError, nearest
from reverie.files import atomic_path
from reverie.memory import require_memory
from reverie.seeds import seed_torch, torch_generator
from reverie.video.decoding import read_clip, write_clip
from reverie.video.encoding import check_video_name
from reverie.video.filmstrip import filmstrip, mixed_strips
from reverie.video.mixing.create import create_mixer
from reverie.video.mixing.mixer import PairMixer, Pairs
from reverie.video.mixing.svmix.draws import Branch
from reverie.video.mixing.svmix.selective import SelectiveMixer
from reverie.video.networks.create import NETWORKS, create_network
from reverie.video.roles import Mixed
from reverie.video.sampling import sample_indices

if TYPE_CHECKING:
    from reverie.video.networks.network import ClipNetwork

FRAMES, SIZE, METHOD, NETWORK = 16, 128, "sv-mix", "tsm"
_COPIES = 16
"""How many times the clips' size mixing and a network's features take, about."""


@dataclass(frozen=True)
class MixedFiles:
    """What became of two files.

    Parameters
    ----------
    method : str
    clips : Tensor [2, T, 3, S, S]
    mixed : Mixed
        Its first row is the first file, mixed with the second.
    asked : float
        λ, the share of the first that the method was asked for.
    module : str
        Of a selective mask: ``spatial``, ``temporal``, ``volume`` or ``each``.
    fps : float
        At which the mix lasts as long as the first file.
    notes : tuple of str
    """

    method: str
    clips: Tensor
    mixed: Mixed
    asked: float
    module: str
    fps: float
    notes: tuple[str, ...]

    def write(self, out: str | Path) -> Path:
        """Write the mix as a video, and beside it a strip of its frames and mask as a picture; return where that is."""
        picture = picture_of(out)
        strips = mixed_strips(self.clips, self.mixed, 0)
        write_clip(out, strips["mixed"], self.fps)
        with atomic_path(picture) as temporary:
            temporary.write_bytes(filmstrip(strips))
        return picture


def picture_of(out: str | Path) -> Path:
    """Return where the strip of a mixed video goes; a picture that no mixed video stands beside is somebody else's."""
    check_video_name(out)
    picture = Path(out).with_suffix(".png")
    if picture.is_dir() or (picture.exists() and not Path(out).exists()):
        raise ConfigError(f"the strip of frames would be written over {picture}; choose another --out")
    return picture


def mix_files(
    first: str | Path,
    second: str | Path,
    method: str | None = None,
    share: float | None = None,
    network: str | None = None,
    frames: int | None = None,
    size: int | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> MixedFiles:
    """Mix two video files.

    Parameters
    ----------
    first, second : path
        Frames are taken evenly over the whole of each.
    method : str, optional
        A mixer's name; by default that of a trained network, or SV-Mix.
    share : float, optional
        λ, the share of the first; drawn by default.
    network : str, optional
        Whose features a method looks at: a network's name, with random weights, the folder of a trained one,
        or ``FOLDER:METHOD`` of a study.
    frames, size : int, optional
        Those of a trained network, or 16 frames of 128 pixels by default.
    seed : int
    options : mapping, optional
        Of the method.

    Returns
    -------
    MixedFiles
    """
    if share is not None and not 0 <= share <= 1:
        raise ConfigError(f"--lambda {share} is no share; choose one from 0 to 1")
    seen, own, about, notes = _network(network, frames, size, seed)
    kept = own is not None and method in (None, about) and not options
    name = method or about or METHOD
    mixer = own if kept else create_mixer(name, channels=seen.channels, seed=seed, **(options or {}))
    if not mixer.needs_features:
        notes = []
    if mixer.learns and not kept:
        notes.append("the selector is untrained, so its masks are nearly even; name the run of a trained one by --network")
    clips, fps = _read((first, second), frames or seen.frames, size or seen.size, notes)
    labels, generator = torch.eye(2), torch_generator(seed, "mix of two files")
    with torch.no_grad():
        features = seen.feature_map(clips) if mixer.needs_features else None
        mixed, asked, module = _mix(mixer, clips, labels, features, share, generator)
    return MixedFiles(name, clips, mixed, asked, module, fps, tuple(notes))


def _mix(
    mixer: Any, clips: Tensor, labels: Tensor, features: Tensor | None, share: float | None, generator: torch.Generator
) -> tuple[Mixed, float, str]:
    """Mix two clips with each other; return the mix, λ and the module of a selective mask."""
    partners = torch.tensor([1, 0])

    def shares(drawn: Tensor) -> Tensor:
        return drawn if share is None else torch.full_like(drawn, share)

    if isinstance(mixer, SelectiveMixer):
        assert features is not None  # noqa: S101  # they are made where a method needs them
        step = mixer.draw(labels, features, generator)
        step = dataclasses.replace(step, student=Branch(partners, shares(step.student.shares)))
        return mixer.student(clips, labels, features, step), float(step.student.shares[0]), step.module
    if isinstance(mixer, PairMixer):
        pairs = Pairs(partners, shares(mixer.draw(labels, features, generator).shares))
        return mixer.mix_pairs(clips, labels, features, pairs, generator), float(pairs.shares[0]), ""
    return mixer.mix(clips, labels, features, generator), 1.0, ""


def _network(name: str | None, frames: int | None, size: int | None, seed: int) -> tuple[ClipNetwork, Any, str | None, list[str]]:
    """Return the network whose features are looked at, the mixer that it was trained with and its name, and what is to be said."""
    names = sorted(one for one, entry in NETWORKS.items() if "needs-folder" not in entry.tags)
    if name is not None and name not in names:
        from reverie.video.recognition.saved import load_recogniser, split_name

        if not split_name(name)[0].exists():
            known = f"{', '.join(names)}{nearest(name, names)}"
            raise ConfigError(f"'{name}' is no network and no folder of a trained one; networks: {known}")
        network, mixer, saved = load_recogniser(name)
        return network, mixer, saved.about.get("mixer"), []
    name = name or NETWORK
    seed_torch(seed, "untrained network")
    network = create_network(name, 2, frames or FRAMES, size or SIZE)
    note = f"features are those of an untrained {name}, which says little; name the run of a trained network by --network"
    taught = "needs-weights" in NETWORKS[name].tags  # on pictures, by others
    return network.eval(), None, None, [] if taught else [note]


def _read(paths: tuple[str | Path, str | Path], frames: int, size: int, notes: list[str]) -> tuple[Tensor, float]:
    """Return clips [2, T, 3, S, S] in [0, 1], and frames a second at which they last as long as the first file."""
    needed = 2 * frames * size * size * 3 * 4 * _COPIES
    require_memory(needed, f"two clips of {frames} frames of {size} pixels", "choose a smaller --size or fewer --frames")
    read = [read_clip(path, lambda seconds: sample_indices(len(seconds), frames, "segments")[0], size) for path in paths]
    notes += [
        f"{clip.lost} frames of {path} cannot be decoded; others stand for them"
        for path, clip in zip(paths, read, strict=True)
        if clip.lost
    ]
    clips = torch.from_numpy(np.stack([clip.pixels for clip in read])).permute(0, 1, 4, 2, 3).float() / 255
    seconds = read[0].facts.seconds
    return clips, float(np.clip(frames / seconds, 0.5, 120)) if seconds > 0 else 1.0
