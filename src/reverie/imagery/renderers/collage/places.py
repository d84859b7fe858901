"""Where things belong: in the air, on water, far off, or on the ground."""

from __future__ import annotations

import re

from reverie.imagery.renderers.collage.sprites import Sprite

AIR = frozenset(
    "dove bird eagle butterfly bee balloon kite airplane rocket helicopter cloud sun moon star comet rainbow lightning parachute saucer satellite "
    "bat fireworks sparkles snowflake droplet wind feather angel dragon wing wings mosquito fly beetle ladybug parrot swan flamingo heart planet "
    "fire-cracker voltage soap bubbles shooting dizzy sunrise speech thought bell leaf maple".split()
) - {"bell"}  # fmt: skip
WATER = frozenset(
    "fish ship boat sailboat whale dolphin shark canoe ferry speedboat wave octopus squid buoy submarine turtle duck lobster crab".split()
)
FAR = frozenset(
    "mountain volcano castle house building church mosque temple shrine synagogue cityscape tower factory stadium tree evergreen palm bridge "
    "lighthouse windmill wheel statue hospital bank school office hut derrick crane tent camping classical pagoda".split()
)  # fmt: skip
_FACING = frozenset("animals travel nature".split())


def place(sprite: Sprite) -> str:
    """Return ``air``, ``water``, ``far`` or ``ground``."""
    words = set(re.findall(r"[a-z]+", f"{sprite.phrase} {sprite.label}".lower()))
    for name, listed in (("water", WATER), ("air", AIR), ("far", FAR)):
        if words & listed:
            return name
    return "ground"


def faces(sprite: Sprite) -> bool:
    """Return whether it looks to one side (to the left, as animals and vehicles of icon sets do)."""
    return bool(_FACING & set(re.findall(r"[a-z]+", sprite.group.lower())))
