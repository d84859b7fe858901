"""Clips as a picture: one row of frames each, with its name on the left."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.video.roles import Mixed

_GAP, _LETTER, _INK, _PAPER = 3, 13, (40, 40, 40), (255, 255, 255)


def mixed_strips(clips: Tensor, mixed: Mixed, row: int) -> dict[str, NDArray[np.uint8]]:
    """Return what `filmstrip` shows of one mixed clip: itself, its partner, the partner's mask and the mix.

    Parameters
    ----------
    clips : Tensor [B, T, 3, H, W]
        Before mixing.
    mixed : Mixed
    row : int
        Number of the clip in the batch.

    Returns
    -------
    dict of uint8 [T, H, W, 3]
        The mask is white where the partner is seen; it is left out where a method has none.
    """

    def shown(clip: Tensor) -> NDArray[np.uint8]:
        pixels: NDArray[np.uint8] = (clip.detach().float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return pixels

    strips = {"own": shown(clips[row]), "partner": shown(clips[int(mixed.partners[row])])}
    if mixed.own is not None:
        strips["mask"] = shown((1 - mixed.own[row])[:, None].expand(-1, 3, -1, -1))
    return strips | {"mixed": shown(mixed.clips[row])}


def filmstrip(strips: Mapping[str, NDArray[np.uint8]], most: int = 8, side: int = 72) -> bytes:
    """Draw clips below each other.

    Parameters
    ----------
    strips : mapping of uint8 [T, H, W, 3]
        By name, in order; all have as many frames.
    most : int
        Frames shown at most, spread evenly over the clip.
    side : int
        Height of a frame in pixels.

    Returns
    -------
    bytes
        A PNG picture; the same clips give the same bytes.
    """
    from PIL import Image, ImageDraw, ImageFont

    counts = {len(frames) for frames in strips.values()}
    if len(counts) != 1 or 0 in counts:
        raise DataError(f"a filmstrip shows clips of as many frames each, not {sorted(counts)}; sample the same number of each")
    (count,) = counts
    chosen = np.unique((np.arange(min(most, count)) + 0.5) * count / min(most, count)).astype(int)
    wide = max(round(side * frames.shape[2] / frames.shape[1]) for frames in strips.values())
    font = ImageFont.load_default(_LETTER)
    margin = max(int(font.getlength(name)) for name in strips) + 3 * _GAP
    width, height = margin + len(chosen) * (wide + _GAP), len(strips) * (side + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for line, (name, frames) in enumerate(strips.items()):
        top = _GAP + line * (side + _GAP)
        pen.text((_GAP, top + side / 2), name, fill=_INK, font=font, anchor="lm")
        for column, at in enumerate(chosen):
            picture = Image.fromarray(np.ascontiguousarray(frames[at])).resize((wide, side), Image.Resampling.BICUBIC)
            sheet.paste(picture, (margin + column * (wide + _GAP), top))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
