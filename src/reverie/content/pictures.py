"""Pictures of items: the first frame of a clip, or a cover; none where they may show real persons."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from reverie.content.summary import Summary
    from reverie.video.clip_set import ClipSet

PICTURE_SIZE = 64
"""Pixels of a side."""
_GAP = 6


class Pictures:
    """Pictures of the items of some data.

    Parameters
    ----------
    summary : Summary
    data : str
    """

    def __init__(self, summary: Summary, data: str) -> None:
        self._data = summary.opened[data]
        self._shown = not summary.recipe.data[data].real_persons

    def truth(self, item: str) -> str:
        """Return the motion and the sound of a clip of a generated world; "" for other items."""
        if self._data.world is None:
            return ""
        world = self._data.world.world
        at = self._rows[item]
        sound = world.config.sounds[world.sounds[at]] if world.sounds[at] >= 0 else "silent"
        return f"{world.config.motions[world.clips.labels[at]]}, {sound}"

    def rows(self, named: Mapping[str, Sequence[str]]) -> Markup | None:
        """Return rows of pictures, one above the other; None where no item has one."""
        found = {name: [self._picture(one) for one in items] for name, items in named.items()}
        if not any(one for row in found.values() for one in row):
            return None
        step, longest = PICTURE_SIZE + _GAP, max(map(len, found.values()))
        images = [
            f'<image x="{x * step}" y="{y * step}" width="{PICTURE_SIZE}" height="{PICTURE_SIZE}" '
            f'href="data:image/png;base64,{base64.b64encode(png).decode()}"/>'
            for y, row in enumerate(found.values())
            for x, png in enumerate(row)
            if png
        ]
        alt = escape("; ".join(f"{name}: {', '.join(items)}" for name, items in named.items()))
        wide, high = longest * step - _GAP, len(found) * step - _GAP
        return Markup(f'<svg viewBox="0 0 {wide} {high}" role="img" aria-label="{alt}">{"".join(images)}</svg>')  # noqa: S704  # escaped

    def _picture(self, item: str) -> bytes:
        """Return the picture of an item as PNG; nothing where there is none."""
        from PIL import Image

        if not self._shown:
            return b""
        if self._data.clips is not None:
            if item not in self._rows:
                return b""
            picture = Image.fromarray(self._clips.frames(self._rows[item])[0])
        else:
            path = self._covers.get(item)
            if path is None or not path.is_file():
                return b""
            try:
                picture = Image.open(path).convert("RGB")
            except (OSError, ValueError, Image.DecompressionBombError):
                return b""
        out = io.BytesIO()
        picture.resize((PICTURE_SIZE, PICTURE_SIZE)).save(out, "PNG")
        return out.getvalue()

    @cached_property
    def _clips(self) -> ClipSet:
        from reverie.video.preparing.index import open_prepared

        return open_prepared(str(self._data.clips), check=False)

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Number of the clip of each item."""
        from reverie.video.item_encoders.item_clips import ItemClips

        items = ItemClips(str(self._data.clips), self._data.split.vocabulary)
        ids = self._data.split.vocabulary.items.to_list()
        return {str(one): int(row) for one, row in zip(ids, items.rows, strict=True) if row >= 0}

    @cached_property
    def _covers(self) -> dict[str, Path]:
        catalog = self._data.dataset.catalog
        if "cover" not in catalog.columns:
            return {}
        return {str(item): Path(cover) for item, cover in catalog.select("item", "cover").drop_nulls().iter_rows()}
