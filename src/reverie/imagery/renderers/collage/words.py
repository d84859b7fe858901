"""Icons for the words of objects and prompts."""

from __future__ import annotations

import re

from reverie.imagery.icons import Icon, IconSet
from reverie.imagery.records import DepictedObject

MOST_NAMED = 4
"""Things drawn for a prompt that comes without objects."""


class IconWords:
    """Looks up icons by what they show.

    Parameters
    ----------
    icons : IconSet
    """

    def __init__(self, icons: IconSet) -> None:
        self._icons = icons
        self._by_label: dict[str, Icon] = {}
        for icon in icons.drawable:
            self._by_label.setdefault(icon.label.lower(), icon)

    def icon(self, one: DepictedObject) -> Icon | None:
        """Return the icon of an object: the one it names, or one with its phrase or its last word as label."""
        if one.icon is not None and one.icon in self._icons:
            return self._icons.by_name(one.icon)
        words = one.phrase.lower().split()
        return self._labelled(" ".join(words)) or (self._labelled(words[-1]) if words else None)

    def named(self, text: str) -> list[Icon]:
        """Return icons of the things that a text names, in its order, longer names first."""
        words, start = re.findall(r"[a-z]+", text.lower()), 0
        found: list[Icon] = []
        while start < len(words) and len(found) < MOST_NAMED:
            spans = ((n, self._labelled(" ".join(words[start : start + n]))) for n in (3, 2, 1))
            length, icon = next(((n, icon) for n, icon in spans if icon is not None), (1, None))
            if icon is not None and icon not in found:
                found.append(icon)
            start += length
        return found

    def _labelled(self, words: str) -> Icon | None:
        """Return the icon of a label, in the singular or the plural."""
        forms = (words, f"{words}s", words.removesuffix("s"), words.removesuffix("es"))
        return next((self._by_label[form] for form in forms if form in self._by_label), None)
