"""Images as JPEG bytes in parquet files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from reverie.contrast.image.images import Images
from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_jpegs(path: Path, side: int, classes: int) -> Images:
    """Read a table of JPEG images."""
    try:
        table = pl.read_parquet(path, columns=["label", "jpeg"])
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
