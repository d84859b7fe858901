"""Icons that pictures are composed of: named, tagged, drawn as SVG, and sorted into those that show a thing and the others."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reverie.data.sources.packages import package_folder
from reverie.documents import read_json
from reverie.errors import DataError, unknown
from reverie.imagery.icon_rules import is_drawable
from reverie.imagery.icon_sets import FILES, ICON_SETS, TAGS
from reverie.imagery.records import Credit

OTHERWISE = "set REVERIE_CACHE to a cache that holds it"


@dataclass(frozen=True)
class Icon:
    """One icon.

    Parameters
    ----------
    name : str
        As in its set, e.g. ``balance-scale``.
    label : str
        The name in words: ``balance scale``.
    svg_body : str
        What stands inside the ``svg`` element; see `own_names` where several stand in one picture.
    tags : tuple of str
        Words that people look it up by; they make objects ("dove: peace"), so no matcher may learn them.
    group : str
        Part of the set that it belongs to, e.g. ``Animals Nature``.
    drawable : bool
        Whether it shows a thing; flags, logos, letters, arrows, buttons, clock times and skin tones do not.
    sense : str or None
        WordNet sense of the thing, where `link_icons` found one.
    thing : str
        What it is called in a sentence: ``hourglass`` for the label ``hourglass done``; `link_icons` fills it.
    """

    name: str
    label: str
    svg_body: str
    tags: tuple[str, ...] = ()
    group: str = ""
    drawable: bool = False
    sense: str | None = None
    thing: str = ""


class IconSet:
    """Icons of one style."""

    def __init__(self, name: str, icons: Iterable[Icon], width: int, height: int, credit: Credit) -> None:
        self.name, self.width, self.height, self.credit = name, width, height, credit
        self.icons = tuple(sorted(icons, key=lambda icon: icon.name))
        self._by_name = {icon.name: icon for icon in self.icons}

    @cached_property
    def drawable(self) -> tuple[Icon, ...]:
        """Icons that show a thing."""
        return tuple(icon for icon in self.icons if icon.drawable)

    @cached_property
    def _by_sense(self) -> dict[str, list[Icon]]:
        """Return drawable icons by sense, those with the shortest label first."""
        groups: dict[str, list[Icon]] = defaultdict(list)
        for icon in sorted(self.drawable, key=lambda icon: (len(icon.label), icon.name)):
            if icon.sense is not None:
                groups[icon.sense].append(icon)
        return groups

    def by_name(self, name: str) -> Icon:
        """Return an icon of this set; an unknown name is an error that says which one is near."""
        if name not in self._by_name:
            raise unknown("icon", name, self._by_name)
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def of_sense(self, sense: str) -> tuple[Icon, ...]:
        """Return the icons that show a WordNet sense, the plainest first."""
        return tuple(self._by_sense.get(sense, ()))

    def svg(self, name: str) -> str:
        """Return an icon as a whole SVG document."""
        body = self.by_name(name).svg_body
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}">{body}</svg>'


@functools.lru_cache(maxsize=4)
def load_icons(name: str = "openmoji") -> IconSet:
    """Return an icon set, fetching it the first time; `link_icons` adds the senses.

    Parameters
    ----------
    name : {"openmoji", "noto", "twemoji", "fluent-emoji-flat"}

    Raises
    ------
    DataError
        If it is not in the cache and offline, or no mirror has it.
    """
    if name not in ICON_SETS:
        raise unknown("icon set", name, ICON_SETS)
    package = ICON_SETS[name]
    folder = package_folder(f"icons-{name}", package.files, OTHERWISE)
    tags = package_folder("emojibase", TAGS, OTHERWISE) / "data.json"
    return read_icons(name, folder, tags, package.credit)


def read_icons(name: str, folder: Path, tags: Path | None, credit: Credit) -> IconSet:
    """Return the icons of a folder in Iconify's format (``icons.json``, ``chars.json``, ``metadata.json``).

    Parameters
    ----------
    name : str
    folder, tags : Path
        The icons, and the words that people look emoji up by in emojibase's format.
    credit : Credit
        Whom to name beside a picture.
    """
    drawn, chars, about = (read_json(folder / file) for file in FILES)
    words = {} if tags is None else _tags(read_json(tags))
    try:
        groups = {icon: str(group).replace(" & ", " ") for group, icons in about["categories"].items() for icon in icons}
        code = {icon: hexcode.upper() for hexcode, icon in reversed(chars.items())}
        icons = [
            Icon(
                key,
                label := key.replace("-", " "),
                str(one["body"]),
                words.get(_plain(code.get(key, "")), ()),
                groups.get(key, ""),
                is_drawable(label, groups.get(key, "")),
            )
            for key, one in drawn["icons"].items()
            if not one.get("hidden")
        ]
        return IconSet(name, icons, int(drawn.get("width", 16)), int(drawn.get("height", 16)), credit)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{folder} does not hold icons in Iconify's format ({error}); delete it and fetch them again") from error


def _tags(entries: Any) -> dict[str, tuple[str, ...]]:
    """Return tags by code point."""
    return {_plain(one["hexcode"]): tuple(str(tag) for tag in one.get("tags", ())) for one in entries}


def _plain(hexcode: str) -> str:
    """Return code points without the selector of the presentation, which sets write or leave out."""
    return re.sub(r"-?FE0F", "", hexcode.upper())


def own_names(body: str, prefix: str) -> str:
    """Return a drawing whose inner names (gradients, masks) meet those of no other one in the same picture."""
    return re.sub(r'(\bid="|url\(#|href="#)([^")]+)', rf"\g<1>{prefix}-\g<2>", body)
