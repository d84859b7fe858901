"""Filmstrips on the page of a study: what each method makes of clips. Clips of real persons are never shown."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reverie.documents import read_json
from reverie.report.page import Figure
from reverie.video.recognition.pictures import ABOUT, PICTURE

if TYPE_CHECKING:
    from reverie.video.study import VideoStudy
    from reverie.video.summary import Summary


def filmstrip_figures(study: VideoStudy, summary: Summary) -> list[Figure]:
    """Return the filmstrips that trainings kept, one for each method, of sets whose clips may be shown."""
    found = []
    for cell, one in summary.found.items():
        place = Path(one.folder) / PICTURE
        if one.folder and study.tasks.may_be_shown(cell.clips) and place.is_file():
            share = read_json(place.with_name(ABOUT))["share"]
            alt = f"Frames of a clip, of its partner, of the mask and of their mix by {cell.method}"
            note = f"The label says {share:.2f} of the first clip. {study.tasks.credit(cell.clips)}"
            found.append(Figure(f"{cell.method}, {cell.network} on {cell.clips}", note, _picture(place.read_bytes(), alt)))
    return found


def _picture(png: bytes, alt: str) -> Markup:
    """Return a PNG as SVG for the inside of a page."""
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    image = f'<image width="{width}" height="{height}" href="data:image/png;base64,{base64.b64encode(png).decode()}"/>'
    return Markup(f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(alt)}">{image}</svg>')  # noqa: S704  # escaped
