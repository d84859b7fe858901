"""A workshop with a tiny lexicon, tiny icons and a painter of plain colours."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "lexicon"))

from tiny_lexicon import write_icons, write_norms, write_table

from reverie.errors import RunError
from reverie.imagery.icon_links import link_icons
from reverie.imagery.icons import read_icons
from reverie.imagery.lexicon import Lexicon
from reverie.imagery.norms import Norms
from reverie.imagery.records import Credit
from reverie.imagery.roles import Rendered, Renderer, Scene
from reverie.imagery.workshop import Workshop


class Painter:
    """Paints what it is asked for as one colour, or fails."""

    name = "painter"

    def __init__(self) -> None:
        self.fails, self.n_painted = False, 0

    def render(self, scenes: Sequence[Scene]) -> list[Rendered]:
        if self.fails:
            raise RunError("the painter is out of paint; buy some")
        self.n_painted += len(scenes)
        colours = [sum(scene.prompt.text.encode()) + scene.seed for scene in scenes]
        return [
            Rendered(_png(np.full((one.size, one.size, 3), c % 251, dtype=np.uint8)))
            for one, c in zip(scenes, colours, strict=True)
        ]


def _png(pixels: Any) -> bytes:
    from PIL import Image

    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "PNG")
    return kept.getvalue()


class OwnWorkshop(Workshop):
    """A workshop whose tools are tiny."""

    def __init__(self, folder: Path, painter: Painter) -> None:
        super().__init__()
        self.painter = painter
        self.lexicon = Lexicon(write_table(folder / "table.sqlite"))
        written = write_icons(folder)
        credit = Credit(what="tiny icons", author="the tests", licence="CC0")
        self.icons = link_icons(read_icons("tiny", written, written / "tags.json", credit), self.lexicon)
        self.norms = Norms(write_norms(folder))

    def renderer(self, options: Any) -> Renderer:
        return self.painter
