"""Reading a picture from a file of unknown origin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LARGEST = 64 * 1024 * 1024
"""Bytes of a file, and pixels, beyond which it is not read as a picture."""


def read_picture(path: Path, side: int) -> NDArray[np.uint8] | None:
    """Return a picture's middle square, scaled to ``side`` pixels, [side, side, 3]; None where the file is no picture.

    Its shorter side is brought to the side, and what is left over of the longer one is cut off. Transparency becomes white.
    """
    from PIL import Image, ImageOps

    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        with Image.open(path) as opened:
            if opened.width * opened.height > LARGEST:
                return None
            opened.draft("RGB", (2 * side, 2 * side))
            image = ImageOps.exif_transpose(opened)
            if image.has_transparency_data:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            return np.asarray(ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.BICUBIC))
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
        return None
