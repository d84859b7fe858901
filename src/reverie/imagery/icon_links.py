"""Icons linked to WordNet: the sense of the thing that an icon shows, by its label and the part of the set that it is in."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from reverie.documents import read_as
from reverie.files import cache_folder, json_digest, write_json
from reverie.imagery.icons import Icon, IconSet, load_icons
from reverie.imagery.lexicon import Lexicon

VERSION = 1
"""Of how links are found; raised when the same labels come to be linked otherwise."""
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
_STATES = re.compile(r" (done|not done|facing right|showing .*|with ballot|in silhouette|tilted .*|at dusk|with slash)$")
"""Ends of labels that are not said of the thing in a sentence."""
_ASIDE = {
    "white", "red", "low", "high", "brown", "left", "right", "up", "down", "female", "male", "man", "woman", "done", "change",
    "aid", "taking", "consumption",
}  # fmt: skip
"""Last words of labels that are not the thing itself."""
_SAME = {
    "locked": "padlock", "unlocked": "padlock", "evergreen tree": "conifer", "deciduous tree": "shade_tree.n.01",
    "performing arts": "mask:mask.n.01", "bullseye": "target:target.n.04", "shooting star": "shooting star:meteor",
    "milky way": "milky way:galaxy.n.03", "classical building": "temple", "e mail": "letter:letter.n.01", "ring": "ring.n.08",
    "balance scale": "scale.n.07", "scale": "scale.n.07", "scales": "scale.n.07", "memo": "notepad", "baby angel": "cherub",
    "volcano": "volcano.n.02", "wood": "wood.n.01", "cheese wedge": "cheese.n.01", "pick": "pick.n.06",
    "castle": "castle.n.02", "dolphin": "dolphin.n.02", "trophy": "trophy.n.02", "unicorn": "unicorn.n.01",
    "mermaid": "mermaid.n.01", "coin": "coin.n.01", "bust in silhouette": "bust.n.03", "drop of blood": "blood",
    "carousel horse": "carousel", "desktop computer": "computer", "two hearts": "heart.n.02", "purple heart": "heart.n.02",
    "black heart": "heart.n.02", "sign of the horns": "", "love you gesture": "", "ring buoy": "life buoy",
    "black cat": "cat.n.01", "thumbs up": "thumb", "thumbs down": "thumb", "open hands": "hand.n.01",
    "magnifying glass tilted left": "magnifying glass", "magnifying glass tilted right": "magnifying glass",
    "footprints": "footprint:footmark.n.01", "mount fuji": "mountain", "statue of liberty": "statue:statue.n.01",
    "sheaf of rice": "sheaf", "musical score": "", "speaker high volume": "loudspeaker", "speaker low volume": "loudspeaker",
    "speaker medium volume": "loudspeaker", "stop sign": "street sign", "chains": "chain", "fire": "fire.n.03",
    "world map": "map.n.01", "raised fist": "raised fist:fist.n.01", "glowing star": "star:star.n.03", "star": "star.n.03",
    "handshake": "hand.n.01", "folded hands": "hand.n.01", "sun": "sunlight.n.01", "wrapped gift": "gift:gift.n.01",
    "cross": "cross.n.01", "thought balloon": "", "speech balloon": "", "fairy": "fairy.n.01", "star struck": "",
    "level slider": "", "safety": "", "authority": "", "mate": "", "seat": "seat.n.03", "mountain cableway": "",
    "light rail": "", "tear off calendar": "calendar", "cooked rice": "rice", "x ray": "", "control knobs": "knob",
    "pound banknote": "", "hole": "hole.n.01", "circuit": "circuit.n.01", "kiss": "", "family": "family.n.01",
    "droplet": "drop", "tornado": "tornado.n.01", "bubbles": "bubble", "railway track": "railway", "bed": "bed.n.01",
    "four leaf clover": "four-leaf clover:clover",
}  # fmt: skip
"""Labels whose thing has another name in WordNet, or a sense that is not the first; nothing where it shows no thing."""


def link_icons(icons: IconSet, lexicon: Lexicon) -> IconSet:
    """Return an icon set whose drawable icons name the WordNet sense of what they show, where there is one."""
    return _with_senses(icons, _find_senses(icons, lexicon))


@functools.lru_cache(maxsize=4)
def linked_icons(lexicon: Lexicon, name: str = "openmoji") -> IconSet:
    """Return an icon set of `load_icons`, linked to a lexicon; the links are kept in the cache."""
    icons = load_icons(name)
    path = links_file(icons, lexicon)
    if not path.is_file():
        write_json(path, _find_senses(icons, lexicon))
    return _with_senses(icons, read_as(dict[str, str], path, "delete it, and the same command makes it again"))


def links_file(icons: IconSet, lexicon: Lexicon) -> Path:
    """Return where the links of an icon set to a lexicon are kept, by everything that they depend on."""
    rules = (_KINDS, _TAILS.pattern, sorted(_ASIDE), _SAME)
    drawable = [(icon.name, icon.label, icon.group) for icon in icons.drawable]
    facts = {"version": VERSION, "rules": rules, "lexicon": (lexicon.file.name, lexicon.file.stat().st_size), "icons": drawable}
    return cache_folder() / "imagery" / f"senses-{icons.name}-{json_digest(facts)[:12]}.json"


def _find_senses(icons: IconSet, lexicon: Lexicon) -> dict[str, str]:
    """Return the sense of what an icon shows, by the icon's name, of drawable icons that have one."""
    return {icon.name: sense for icon in icons.drawable if (sense := _sense(icon, lexicon)) is not None}


def _with_senses(icons: IconSet, senses: Mapping[str, str]) -> IconSet:
    linked = (
        replace(icon, sense=senses.get(icon.name), thing=_thing(icon.label)) if icon.drawable else icon for icon in icons.icons
    )
    return IconSet(icons.name, linked, icons.width, icons.height, icons.credit)


def _sense(icon: Icon, lexicon: Lexicon) -> str | None:
    """Return the sense of the first name that has one for a thing, of the kind that the group is about where there is one."""
    kinds = [f"noun.{kind}" for kind in _KINDS.get(icon.group, ())]
    for name in _names(icon.label):
        if ".n." in name:
            if lexicon.is_known(name):
                return name
            continue
        senses = lexicon.lookup(name)
        part = {sense: lexicon.part_of_lexicon(sense) for sense in senses}
        of_kind = [sense for kind in kinds for sense in senses if part[sense] == kind]
        things = [sense for sense in senses[:3] if lexicon.is_physical(sense)]
        if of_kind or things:
            return (of_kind or things)[0]
    return None


def _names(label: str) -> Iterator[str]:
    """Return what the thing of a label may be called: the whole, without what follows the thing, the last words, the first."""
    if label in _SAME:
        if not _SAME[label]:
            return
        yield _SAME[label].rpartition(":")[2]
    yield label
    words = _TAILS.sub("", label).split()
    while len(words) > 1 and words[-1] in _ASIDE:
        words.pop()
    for start in range(len(words)):
        yield " ".join(words[start:])
    for end in range(len(words) - 1, 0, -1):
        yield " ".join(words[:end])


def _thing(label: str) -> str:
    """Return what the thing of a label is called in a sentence: ``hourglass done`` → ``hourglass``."""
    called = _SAME.get(label, "").partition(":")[0]
    words = (called if called and ".n." not in called else _STATES.sub("", label)).split()
    while len(words) > 1 and words[-1] in _ASIDE:
        words.pop()
    return " ".join(words)
