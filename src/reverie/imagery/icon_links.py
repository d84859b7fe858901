"""Icons linked to WordNet: the sense of the thing that an icon shows, by its label and the part of the set that it is in."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import replace

from reverie.imagery.icons import Icon, IconSet, load_icons
from reverie.imagery.lexicon import Lexicon

_KINDS = {
    "Animals Nature": ("animal", "plant", "object", "phenomenon", "artifact"),
    "Food Drink": ("food", "plant", "artifact"),
    "Objects": ("artifact", "substance", "object", "body"),
    "Travel Places": ("artifact", "location", "object", "phenomenon"),
    "Activities": ("artifact", "plant", "object"),
    "People Body": ("body", "person", "artifact"),
    "Smileys Emotion": ("body", "person", "object"),
    "Extras Openmoji": ("artifact", "object", "food", "animal", "plant", "body"),
}
"""Parts of WordNet, ``noun.…``, where the things of a group are filed, as far as they are."""
_TAILS = re.compile(
    r" (with|in|on|at|over|behind|of|without|for|done|not done|button|facing right|screen|floating|ballot|showing|reaching)\b.*"
)
_SAME = {
    "locked": "padlock", "unlocked": "padlock", "hourglass done": "hourglass", "hourglass not done": "hourglass",
    "soccer ball": "soccer ball", "evergreen tree": "conifer", "deciduous tree": "shade tree", "performing arts": "mask",
    "bullseye": "target", "four leaf clover": "clover", "sun": "sun", "glowing star": "star", "globe with meridians": "globe",
    "world map": "map", "trophy": "trophy", "raised fist": "fist", "oncoming fist": "fist", "folded hands": "hand",
    "red heart": "heart", "broken heart": "heart", "speech balloon": "balloon", "fork and knife": "fork",
    "clinking beer mugs": "beer mug", "clinking glasses": "glass", "hot beverage": "cup", "construction": "barrier",
    "shooting star": "meteor", "hatching chick": "chick", "baby chick": "chick", "front facing baby chick": "chick",
    "sheaf of rice": "sheaf", "spouting whale": "whale", "house with garden": "house", "derelict house": "house",
    "milky way": "galaxy", "fog": "fog", "classical building": "temple", "crossed swords": "sword", "footprints": "footprint",
    "e mail": "letter", "incoming envelope": "envelope", "love letter": "love letter", "old key": "key", "ring": "ring",
    "balance scale": "balance", "scales": "balance", "memo": "notepad", "man": "man", "woman": "woman", "baby angel": "cherub",
    "seedling": "seedling", "crossed fingers": "finger", "flexed biceps": "biceps", "eyes": "eye", "chains": "chain",
    "broken chain": "chain", "carousel horse": "carousel", "roller coaster": "roller coaster", "desktop computer": "computer",
    "mobile phone": "cellular telephone", "headphone": "earphone", "first quarter moon": "moon", "mending heart": "heart",
    "beating heart": "heart", "anatomical heart": "heart", "spider web": "spider web", "desert island": "island",
}  # fmt: skip
"""Labels whose thing has another name in WordNet, or whose first reading would be another thing."""


def link_icons(icons: IconSet, lexicon: Lexicon) -> IconSet:
    """Return an icon set whose drawable icons name the WordNet sense of what they show, where there is one."""
    linked = (replace(icon, sense=_sense(icon, lexicon)) if icon.drawable else icon for icon in icons.icons)
    return IconSet(icons.name, linked, icons.width, icons.height, icons.credit)


@functools.lru_cache(maxsize=4)
def linked_icons(lexicon: Lexicon, name: str = "openmoji") -> IconSet:
    """Return an icon set of `load_icons`, linked to a lexicon; kept for the next call."""
    return link_icons(load_icons(name), lexicon)


def _sense(icon: Icon, lexicon: Lexicon) -> str | None:
    """Return the first physical sense of the first name that has one, of the kind that the group is about where there is one."""
    kinds = [f"noun.{kind}" for kind in _KINDS.get(icon.group, ())]
    for name in _names(icon.label):
        senses = [sense for sense in lexicon.lookup(name) if lexicon.is_physical(sense)]
        of_kind = [sense for sense in senses[:4] if lexicon.part_of_lexicon(sense) in kinds]
        if of_kind or senses:
            return (of_kind or senses)[0]
    return None


def _names(label: str) -> Iterator[str]:
    """Return what the thing of a label may be called: the whole, without what follows the thing, the last words, the first."""
    if label in _SAME:
        yield _SAME[label]
    yield label
    words = _TAILS.sub("", label).split()
    for start in range(len(words)):
        yield " ".join(words[start:])
    for end in range(len(words) - 1, 0, -1):
        yield " ".join(words[:end])
