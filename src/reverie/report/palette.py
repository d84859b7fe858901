"""One colour and one marker per row of the leaderboard, the same in every plot and legend of a page."""

from __future__ import annotations

from dataclasses import dataclass

N_COLOURS = 8
"""Series colours that the style sheet defines, for light and for dark pages."""
_MARKERS = {
    "o": "M6 1.6a4.4 4.4 0 1 0 .01 0z",
    "s": "M2.2 2.2h7.6v7.6h-7.6z",
    "^": "M6 1.4l4.8 8.8h-9.6z",
    "D": "M6 .9l5.1 5.1-5.1 5.1-5.1-5.1z",
    "v": "M6 10.6l-4.8-8.8h9.6z",
    "P": "M4.4 1.4h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",
    "X": "M3.4 1.2l2.6 2.5 2.6-2.5 2.2 2.2-2.5 2.6 2.5 2.6-2.2 2.2-2.6-2.5-2.6 2.5-2.2-2.2 2.5-2.6-2.5-2.6z",
    "h": "M6 .9l4.4 2.55v5.1l-4.4 2.55-4.4-2.55v-5.1z",
}
"""Markers as matplotlib names them, and their outlines in a box of 12 × 12 for legends."""


@dataclass(frozen=True)
class Look:
    """How one row is drawn."""

    colour: int
    marker: str
    hollow: bool

    @property
    def code(self) -> str:
        """The colour that stands for it until `reverie.report.plots` puts the style sheet's name there."""
        return f"#0000{self.colour:02x}"

    @property
    def outline(self) -> str:
        """The marker as an SVG path in a box of 12 × 12."""
        return _MARKERS[self.marker]


def look(position: int, hollow: bool = False) -> Look:
    """Return how the row at a position of the leaderboard is drawn."""
    markers = list(_MARKERS)
    return Look(position % N_COLOURS + 1, markers[(position + position // N_COLOURS) % len(markers)], hollow)
