"""How a folder of videos is prepared."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reverie.options import Options


class PrepareOptions(Options):
    """Options of `reverie.video.prepare.prepare_folder`; a folder is prepared with one set of them."""

    layout: str = "auto"
    """How labels are found, one of `reverie.video.layouts.LAYOUTS`."""
    split: Annotated[int, Field(ge=1, le=3)] = 1
    """Which published split, where there are several."""
    size: Annotated[int, Field(ge=8, le=1024)] = 80
    """Side of the square frames in pixels: the shorter side is scaled to it, and the middle is cut out."""
    frames: Annotated[int, Field(ge=0, le=100_000)] = 32
    """Frames that are kept of a clip, evenly over its time; of a clip with fewer all. 0 keeps all."""
    audio: bool = False
    """Whether the sound is kept, too, as log-mel bands."""
