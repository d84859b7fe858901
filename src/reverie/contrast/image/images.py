"""Labelled images in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.seeds import numpy_generator

HASHED = 1000
"""Images hashed at a time."""


@dataclass(frozen=True)
class Images:
    """Square colour images; pixels [N, 3, S, S], labels [N]."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return N."""
        return len(self.labels)

    def take(self, rows: Tensor) -> Images:
        """Return some of the images; rows [M]."""
        return Images(self.pixels[rows].contiguous(), self.labels[rows])


@dataclass(frozen=True)
class ImageData:
    """Images as they are published."""

    train: Images
    test: Images

    def sha256(self) -> str:
        """Return the SHA-256 of pixels and labels, which is the same for every file format that keeps the pixels."""
        digest = hashlib.sha256()
        for part in (self.train, self.test):
            digest.update(repr(tuple(part.pixels.shape)).encode())
            digest.update(part.labels.numpy().tobytes())
            for chunk in torch.split(part.pixels, HASHED):
                digest.update(chunk.numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class ImageSplit:
    """Images by use; no image has two uses."""

    train: Images
    valid: Images
    test: Images


def split_images(data: ImageData, valid: float, images: int | None, seed: int) -> ImageSplit:
    """Set validation images aside, and draw training images from the rest, those with labels first."""
    order = torch.from_numpy(numpy_generator(seed, "images").permutation(len(data.train)))
    known = data.train.labels[order] >= 0
    labelled = order[known]
    if len(labelled) < 2:
        raise ValueError(f"data must have at least 2 labelled training images, got {len(labelled)}")
    aside = min(max(round(valid * len(labelled)), 1), len(labelled) - 1)
    kept = torch.cat([labelled[aside:], order[~known]])[:images]
    return ImageSplit(data.train.take(kept), data.train.take(labelled[:aside]), data.test)
