"""Icons as small arrays: drawn once, in two sizes, with their captions."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.data.sources.packages import require_package
from reverie.errors import DataError
from reverie.files import json_digest
from reverie.imagery.icons import Icon, IconSet

DRAWN = 96
"""Width in pixels at which icons are drawn before they are made small."""
SMALL = 0.625
"""Width of an icon in a scene of two, as a share of the picture's."""


@dataclass(frozen=True)
class Captioned:
    """An icon that is to be learned: its set, its name there, and what it may be called."""

    family: str
    name: str
    labels: tuple[str, ...]


_GROUPS = {
    "Activities", "Animals Nature", "Food Drink", "Objects", "People Body", "Smileys Emotion", "Travel Places"
}  # fmt: skip
_LEFT_OUT = re.compile(
    r"skin tone| (light|dark|medium)$| oclock$| thirty$|^(man|woman|men|women|person|people|couple|family|kiss|deaf|pregnant)\b"
)


def captioned(sets: Sequence[IconSet], lemmas: Callable[[str], Sequence[str]] | None = None) -> dict[Captioned, str]:
    """Return the icons that are learned, with their SVG; sets by name, icons by name.

    They are those of all groups but flags and symbols, without skin tones, clock times and the many persons that differ in what
    they do. It is a rule of its own, as what a collage can show may change and what was learned may not. Icons that are linked to a
    WordNet sense may also be called by its words, where `lemmas` gives them.
    """

    def labels(icon: Icon) -> tuple[str, ...]:
        words = lemmas(icon.sense) if lemmas is not None and icon.sense is not None else ()
        return tuple(dict.fromkeys([icon.label, *(word.lower() for word in words)]))

    by_name = sorted(sets, key=lambda one: one.name)
    return {
        Captioned(one.name, icon.name, labels(icon)): one.svg(icon.name)
        for one in by_name
        for icon in one.icons
        if _is_learned(icon)
    }


def _is_learned(icon: Icon) -> bool:
    return icon.group in _GROUPS and _LEFT_OUT.search(icon.label) is None


def icons_digest(icons: Mapping[Captioned, str]) -> str:
    """Return the SHA-256 of icons, drawings and captions."""
    return json_digest({f"{icon.family}/{icon.name}": [*icon.labels, svg] for icon, svg in icons.items()})


@dataclass(frozen=True)
class Atlas:
    """Icons as arrays.

    Parameters
    ----------
    icons : sequence of Captioned
        N of them, of what sets they are and what they are called.
    large, small : ndarray, shape [N, S, S, 4], uint8
        Colours multiplied by their opacity, and opacity: as wide as a picture, and as wide as an icon in a scene.
    """

    icons: Sequence[Captioned]
    large: NDArray[np.uint8]
    small: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the number of icons."""
        return len(self.icons)

    def take(self, rows: NDArray[np.int64]) -> Atlas:
        """Return some of the icons."""
        return Atlas([self.icons[row] for row in rows], self.large[rows], self.small[rows])


def draw_atlas(icons: Mapping[Captioned, str], size: int) -> Atlas:
    """Draw icons.

    Parameters
    ----------
    icons : mapping of Captioned to str
        Icons and their SVG.
    size : int
        Width of a picture in pixels.

    Returns
    -------
    Atlas

    Raises
    ------
    DataError
        If there is no icon, or one cannot be drawn.
    """
    if not icons:
        raise DataError("there is no icon to learn from; choose other sets of icons in examples.families")
    sizes = (size, round(SMALL * size))
    large, small = (np.stack(part) for part in zip(*_shrunk(icons, sizes), strict=True))
    return Atlas(list(icons), large, small)


def _shrunk(icons: Mapping[Captioned, str], sizes: Sequence[int]) -> Iterator[list[NDArray[np.uint8]]]:
    """Yield each icon in each size, [S, S, 4]."""
    require_package("resvg_py", "drawing icons")
    import resvg_py
    from PIL import Image

    for icon, svg in icons.items():
        try:
            png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=DRAWN, height=DRAWN))
            with Image.open(io.BytesIO(png)) as opened:
                picture = opened.convert("RGBA").resize((DRAWN, DRAWN)).convert("RGBa")
        except (ValueError, OSError) as error:
            raise DataError(f"icon '{icon.name}' of {icon.family} cannot be drawn ({error}); fetch the icons again") from error
        yield [np.asarray(picture.resize((size, size), Image.Resampling.BOX), np.uint8) for size in sizes]


def split_icons(icons: Sequence[Captioned], share: float) -> dict[str, NDArray[np.int64]]:
    """Return rows of icons by part, by hashes of names: what is learned never depends on what else there is.

    Parameters
    ----------
    icons : sequence of Captioned
    share : float
        Share of names that are never learned, and share of single icons that are not, though other sets show their name.

    Returns
    -------
    dict
        ``train``, ``names`` (never learned in any set) and ``styles`` (learned from another set only).
    """
    parts: dict[str, list[int]] = {"train": [], "names": [], "styles": []}
    families: dict[str, set[str]] = {}
    for icon in icons:
        families.setdefault(icon.name, set()).add(icon.family)
    for row, icon in enumerate(icons):
        if _hashed(f"name {icon.name}") < share:
            parts["names"].append(row)
        elif len(families[icon.name]) > 1 and _is_style(icon, families[icon.name], share):
            parts["styles"].append(row)
        else:
            parts["train"].append(row)
    return {part: np.array(rows, np.int64) for part, rows in parts.items()}


def _is_style(icon: Captioned, families: set[str], share: float) -> bool:
    """Return whether this set's icon of a name is kept back; at most one set's is."""
    lowest = min(sorted(families), key=lambda family: _hashed(f"style {family} {icon.name}"))
    return icon.family == lowest and _hashed(f"kept back {icon.name}") < share * len(families)


def _hashed(text: str) -> float:
    """Return a number from 0 to 1 that a text decides."""
    return zlib.crc32(text.encode()) / 2**32
