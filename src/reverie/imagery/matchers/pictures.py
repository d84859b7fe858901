"""Pictures as pixels, from PNG bytes or files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reverie.documents import regular
from reverie.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image


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
    from PIL import Image

    return np.asarray(opened(picture).resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0), dtype=np.uint8)


def read_windows(picture: bytes | Path, size: int, grids: Sequence[int]) -> NDArray[np.uint8]:
    """Return the windows of a PNG, each at a size, in the order of `window_boxes` → [W, S, S, 3]."""
    return cut_windows(opened(picture), size, grids)


def cut_windows(whole: Image, size: int, grids: Sequence[int]) -> NDArray[np.uint8]:
    """Return the windows of a picture, each at a size, in the order of `window_boxes` → [W, S, S, 3]."""
    from PIL import Image

    boxes = (window_boxes(grids) * np.array((whole.width, whole.height, whole.width, whole.height))).tolist()
    drawn = [
        whole.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, right, low), reducing_gap=3.0)
        for left, top, right, low in boxes
    ]
    return np.stack([np.asarray(one, dtype=np.uint8) for one in drawn])


def window_boxes(grids: Sequence[int]) -> NDArray[np.float64]:
    """Return left, top, right and bottom of windows as shares of the sides → [W, 4].

    A grid of n has n windows along each side, each 2 / (n + 1) wide, so that neighbours share half of it; 1 is the whole.
    """
    boxes = []
    for n in grids:
        starts = np.arange(n) / (n + 1)
        boxes += [(left, top, left + 2 / (n + 1), top + 2 / (n + 1)) for top in starts for left in starts]
    return np.array(boxes)


def opened(picture: bytes | Path) -> Image:
    """Return a PNG in colours, what is transparent on white.

    Raises
    ------
    DataError
        If it is no PNG.
    """
    from PIL import Image, UnidentifiedImageError

    where = str(picture) if isinstance(picture, Path) else "the picture"
    data = regular(picture).read_bytes() if isinstance(picture, Path) else picture
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as found:
            drawn = found.convert("RGBA")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{where} is no PNG that can be read; render it again") from error
    ground = Image.new("RGBA", drawn.size, "white")
    ground.alpha_composite(drawn)
    return ground.convert("RGB")
