"""The extractors of titles and covers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from reverie.data.sources.packages import require_package
from reverie.nn import efficientnet, sentences
from reverie.nn.pictures import read_picture


class Titles:
    """Unit vectors of titles by all-MiniLM-L6-v2, mean over pieces of words (384 numbers).

    Parameters
    ----------
    encoder : Module, optional
        A sentence encoder (see `reverie.nn.sentences`) in the place of the one that is fetched.
    """

    column = "title"
    version = f"{sentences.NAME} {sentences.DIGESTS['model.safetensors'][:16]}"
    piece = 512

    def __init__(self, encoder: nn.Module | None = None) -> None:
        self._given = encoder

    def digest(self, content: Sequence[str]) -> bytes:
        """Return the digest of all titles in order."""
        return hashlib.sha256("\0".join(content).encode("utf-8", "surrogatepass")).digest()

    def vectors(self, content: Sequence[str], advance: Callable[[int], None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return vectors of titles [K, 384]; all can be read."""
        if self._given is None:
            self._given = sentences.MeanOfStates(sentences.weights_folder(None), pretrained=True, dropout=None)
        encoder: Any = self._given
        found = sentences.encoded(encoder, encoder.tokens(content)).numpy()
        advance(len(content))
        return found, np.ones(len(content), dtype=bool)


class Covers:
    """Mean features of pictures by EfficientNet-lite0 (1,280 numbers).

    Parameters
    ----------
    network : EfficientNetLite0, optional
        In the place of the one that is fetched.
    """

    column = "cover"
    version = f"{efficientnet.NAME} {next(iter(efficientnet.WHEEL.sha256.values()))[:16]}"
    piece, SIDE, TOGETHER = 64, 224, 8

    def __init__(self, network: efficientnet.EfficientNetLite0 | None = None) -> None:
        self._given = network

    def digest(self, content: Sequence[str]) -> bytes:
        """Return the digest of all files' content; of those that cannot be read, of their paths."""
        whole = hashlib.sha256()
        for path in content:
            try:
                whole.update(hashlib.sha256(Path(path).read_bytes()).digest())
            except OSError:
                whole.update(path.encode("utf-8", "surrogatepass"))
        return whole.digest()

    @torch.no_grad()
    def vectors(self, content: Sequence[str], advance: Callable[[int], None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return vectors of pictures [K, 1280], and which files are pictures [K]."""
        require_package("PIL", "reading covers")
        network = self._given = self._given or efficientnet.load_features()
        values, read = np.zeros((len(content), efficientnet.WIDTH), np.float32), np.zeros(len(content), dtype=bool)
        for at in range(0, len(content), self.TOGETHER):
            pictures = {at + n: read_picture(Path(path), self.SIDE) for n, path in enumerate(content[at : at + self.TOGETHER])}
            if there := {n: pixels for n, pixels in pictures.items() if pixels is not None}:
                pixels = torch.from_numpy(np.stack(list(there.values()))).permute(0, 3, 1, 2).float()
                values[list(there)] = network((pixels - 127) / 128).mean((2, 3)).numpy()
                read[list(there)] = True
            advance(len(pictures))
        return values, read
