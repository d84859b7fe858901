"""Pictures of a study for people to look at: a few of each condition, and those that failed most, with the reason."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from reverie.files import atomic_path
from reverie.imagery.recognition.cells import Judged
from reverie.imagery.recognition.painting import Pictures

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 256
"""Width and height of a picture on the page, at most."""


@dataclass(frozen=True)
class Failed:
    """A picture that a judge did not recognise.

    Parameters
    ----------
    at : int
        Its number in the folder.
    concept : str
        What it should say.
    reason : str
        In words.
    """

    at: int
    concept: str
    reason: str


def failures(judged: Judged, pictures: Pictures, distractors: str, n: int = 10) -> list[Failed]:
    """Return the pictures whose concept stands lowest on its list, the lowest first, with what the judge named in its place."""
    places = judged.places[distractors]
    rank = np.array(places.greater) + np.array(places.equal) / 2
    found = []
    for at in np.argsort(-rank, kind="stable")[:n].tolist():
        if rank[at] == 0:
            break
        picture, literal = pictures.pictures[at], judged.literal[distractors][at]
        objects = ", ".join(picture.shown or picture.objects) or "nothing"
        reason = f"shows {objects}; the judge names “{places.first[at]}” first, the concept {rank[at] + 1:g}. of {places.sizes[at]}"
        reason += "; an object stands out more than any concept" if literal else ""
        found.append(Failed(at, judged.concepts[at], reason))
    return found


@dataclass(frozen=True)
class Shown:
    """A picture file with what stands under it."""

    path: Path
    title: str
    note: str


@dataclass(frozen=True)
class PictureGrid:
    """Pictures beside each other, as many in a row as there is room for."""

    pictures: Sequence[Shown]

    def to_html(self, label: str = "") -> Markup:
        """Return the grid as HTML, every text escaped."""
        cells = Markup("").join(_cell(one) for one in self.pictures)
        return Markup('<div style="{}">{}</div>').format(_GRID, cells)


_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,210px),1fr));gap:1.25rem"
_PICTURE = "display:block;width:100%;height:auto;border-radius:8px"


def _cell(one: Shown) -> Markup:
    image = Markup('<img src="{}" alt="{}" style="{}">').format(data_address(one.path.read_bytes()), one.title, _PICTURE)
    text = Markup('<figcaption style="margin:.5rem 0 0"><strong>{}</strong><span>{}</span></figcaption>').format(
        one.title, one.note
    )
    return Markup("<figure>{}{}</figure>").format(image, text)


def data_address(png: bytes, side: int = SIDE) -> str:
    """Return a picture as the address of an image in a page, made smaller where it is larger than `side`."""
    from PIL import Image as images

    with images.open(io.BytesIO(png)) as opened:
        picture: Image = opened.convert("RGB")
    if max(picture.size) > side:
        picture.thumbnail((side, side))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"


def contact_sheet(files: Sequence[Path], columns: int, path: Path, side: int = SIDE) -> Path:
    """Write many pictures as one JPEG, in rows."""
    from PIL import Image as images

    rows = -(-len(files) // columns)
    sheet = images.new("RGB", (columns * side, rows * side), "white")
    for at, file in enumerate(files):
        with images.open(file) as opened:
            sheet.paste(opened.convert("RGB").resize((side, side)), (at % columns * side, at // columns * side))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        sheet.save(temporary, "JPEG", quality=80)
    return path
