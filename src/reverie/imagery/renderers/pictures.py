"""Pictures from elsewhere, as square PNG files of the size that was asked for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from reverie.errors import RunError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 64_000_000
FORMATS = ("PNG", "JPEG", "WEBP")


def as_png(raw: bytes, size: int, where: str) -> bytes:
    """Return a picture as PNG of ``size × size`` pixels, its middle square where it is not square.

    Parameters
    ----------
    raw : bytes
        A PNG, JPEG or WebP file.
    size : int
    where : str
        Whence it came, for messages.

    Raises
    ------
    RunError
        If it is not such a picture, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise RunError(f"{where} sent a picture of {picture.width} × {picture.height} pixels; ask it for a smaller one")
            return encoded(picture.convert("RGB"), size)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RunError(f"{where} sent something that is no PNG, JPEG or WebP picture; is it an images endpoint?") from error


def encoded(picture: Image, size: int) -> bytes:
    """Return a picture's middle square as PNG of ``size × size`` pixels."""
    from PIL import Image

    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    if side != size:
        square = square.resize((size, size), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    square.save(out, "PNG")
    return out.getvalue()
