"""Filmstrips on the page of a study: what each method makes of clips. Clips of real persons are never shown."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reverie.documents import read_json
from reverie.report.page import Block, Figure, Prose
from reverie.video.recognition.pictures import ABOUT, PICTURE

if TYPE_CHECKING:
    from reverie.video.study import VideoStudy
    from reverie.video.summary import Summary


def filmstrip_blocks(study: VideoStudy, summary: Summary) -> list[Block]:
    """Return the filmstrips that trainings kept, by method, of sets whose clips may be shown, and whose clips they are."""
    found: list[Block] = []
    credits: dict[str, None] = {}
    for cell, one in summary.found.items():
        place = Path(one.folder) / PICTURE
        if one.folder and study.tasks.may_be_shown(cell.clips) and place.is_file():
            share = read_json(place.with_name(ABOUT))["share"]
            alt = f"Frames of a clip, of its partner, of the mask and of their mix by {cell.method}"
            note = f"The label says {share:.2f} of the first clip."
            credits[study.tasks.credit(cell.clips)] = None
            found.append(Figure(f"{cell.method}, {cell.network} on {cell.clips}", note, _picture(place.read_bytes(), alt)))
    return [*found, Prose([one for one in credits if one])] if any(credits) else found


def _picture(png: bytes, alt: str) -> Markup:
    """Return a PNG as SVG for the inside of a page."""
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    image = f'<image width="{width}" height="{height}" href="data:image/png;base64,{base64.b64encode(png).decode()}"/>'
    return Markup(f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(alt)}">{image}</svg>')  # noqa: S704  # escaped
