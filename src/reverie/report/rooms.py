"""What rooms above add to the page of a run that they worked on."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverie.report.page import Section

GROUP = "reverie.run_sections"
"""Entry-point group; each entry point is a function ``(run folder) -> list of Section``, empty where it has nothing to show."""


def added_sections(folder: Path) -> list[Section]:
    """Return the sections that other rooms and packages have for the page of a run, in the order of their names.

    Parameters
    ----------
    folder : Path
        The run folder.

    Returns
    -------
    list of Section
    """
    points = sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name)
    return [section for point in points for section in point.load()(folder)]
