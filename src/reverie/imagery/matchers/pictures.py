"""Pictures as pixels, from PNG bytes or files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reverie.documents import regular
from reverie.errors import DataError


def read_pixels(picture: bytes | Path, size: int) -> NDArray[np.uint8]:
    """Return a picture at a size, what is transparent on white → [S, S, 3].

    Parameters
    ----------
    picture : bytes or Path
        A PNG.
    size : int
        Width and height, S.

    Raises
    ------
    DataError
        If it is no PNG.
    """
    from PIL import Image, UnidentifiedImageError

    where = str(picture) if isinstance(picture, Path) else "the picture"
    data = regular(picture).read_bytes() if isinstance(picture, Path) else picture
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
            drawn = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{where} is no PNG that can be read; render it again") from error
    ground = Image.new("RGBA", drawn.size, "white")
    ground.alpha_composite(drawn)
    return np.asarray(ground.convert("RGB").resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0), dtype=np.uint8)
