"""The clip world as a named dataset, made on the machine that asks for it."""

from __future__ import annotations

from pathlib import Path

from reverie.data.loaded import Loaded
from reverie.data.sources.entry import Made, SourceEntry


def _made(folder: Path) -> Loaded:
    from reverie.content.clip_world import ClipWorldConfig, open_world

    found = open_world(ClipWorldConfig()).dataset
    return Loaded(found.events, found.catalog, found.order, found.notes, found.content)


CLIP_WORLD = SourceEntry(
    name="clip-world",
    summary="Generated clips with sound; how they move and what is heard decides the clicks",
    counts=(3000, 480, 30_000),
    licence="made by this package",
    citation="Reverie, docs/content.md",
    homepage="https://github.com/reverie-rec/reverie",
    protocol="leave_one_out",
    mirrors=(Made(_made),),
)
"""Its clips are in a folder of the cache that its notes name."""
