"""Where things belong: in the air, on water, far off, or on the ground."""

from __future__ import annotations

import re

from reverie.imagery.renderers.collage.sprites import Sprite

_AIR = """angel balloon bat bee beetle bird bubbles butterfly cloud comet dizzy dove dragon droplet eagle airplane feather fireworks
flamingo fly heart helicopter kite ladybug leaf lightning maple mosquito moon parachute parrot planet rainbow rocket satellite
saucer snowflake sparkles star stars sun swan voltage wind wing wings"""
_WATER = (
    "boat buoy canoe crab dolphin duck ferry fish lobster octopus sailboat shark ship speedboat squid submarine turtle wave whale"
)
_FAR = """bank bridge building camping castle church cityscape classical crane derrick evergreen factory hospital house hut
lighthouse mosque mountain office pagoda palm school shrine stadium statue synagogue temple tent tower
tree volcano wheel windmill"""
_FLOCKS = (
    "balloon bat bee bird butterfly bubbles dove eagle feather fly heart kite ladybug leaf mosquito parrot snowflake star swan"
)
AIR, WATER, FAR, FLOCKS = (frozenset(words.split()) for words in (_AIR, _WATER, _FAR, _FLOCKS))


def _words(sprite: Sprite) -> set[str]:
    return set(re.findall(r"[a-z]+", f"{sprite.phrase} {sprite.label}".lower()))


def place(sprite: Sprite) -> str:
    """Return ``air``, ``water``, ``far`` or ``ground``; what fills its whole square is a picture itself and stands."""
    words = _words(sprite)
    if sprite.solid > 0.9:
        return "ground"
    return next((name for name, listed in (("water", WATER), ("air", AIR), ("far", FAR)) if words & listed), "ground")


def flocks(sprite: Sprite) -> bool:
    """Return whether it comes in numbers."""
    return bool(_words(sprite) & FLOCKS)


def faces(sprite: Sprite) -> bool:
    """Return whether it looks to one side (to the left, as animals and vehicles of icon sets do)."""
    return bool({"animals", "travel", "nature"} & set(re.findall(r"[a-z]+", sprite.group.lower())))
