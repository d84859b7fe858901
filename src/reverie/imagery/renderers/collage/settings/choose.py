"""Settings by name, and which one suits what is shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reverie.imagery.renderers.collage.places import place
from reverie.imagery.renderers.collage.reading import Look
from reverie.imagery.renderers.collage.settings import flat, inside, land, wide
from reverie.imagery.renderers.collage.settings.stage import Setting
from reverie.imagery.renderers.collage.sprites import Sprite

SETTINGS: dict[str, Setting] = {
    "hills": land.hills, "mountains": land.mountains, "desert": land.desert, "forest": land.forest,
    "sea": wide.sea, "city": wide.city, "night": wide.night,
    "interior": inside.interior, "niche": inside.niche, "studio": inside.studio,
    "burst": flat.burst, "field": flat.field,
}  # fmt: skip
_BY_LAYOUT = {
    "radial": ["burst", "night", "field"],
    "frame": ["niche"],
    "still": ["interior", "interior", "niche"],
    "scattered": ["night", "field", "burst", "hills"],
}
_OUTSIDE = ["hills", "mountains", "desert", "sea", "forest", "burst"]


def choose_setting(look: Look, sprites: Sequence[Sprite], rng: np.random.Generator) -> str:
    """Return a setting that suits the composition and what is shown, where the form names none."""
    where = [place(sprite) for sprite in sprites]
    usual = ["night", "night", "hills", "mountains"] if look.light == "moon" else _OUTSIDE
    if look.composition == "still" and where and where[0] in ("far", "water"):
        return "sea" if where[0] == "water" else str(rng.choice(usual[:2]))
    if look.composition in _BY_LAYOUT:
        return str(rng.choice(_BY_LAYOUT[look.composition]))
    if where and (where[0] == "water" or where.count("water") >= 2):
        return "sea"
    if where and where[0] == "ground":
        usual = [*usual, "interior", "niche", "interior"]
    return str(rng.choice(usual))
