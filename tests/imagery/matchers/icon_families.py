"""Tiny families of icons, drawn by the tests themselves."""

from __future__ import annotations

from reverie.imagery.icons import Icon, IconSet
from reverie.imagery.records import Credit

COLOURS = {
    "apple": "#d22", "leaf": "#2a2", "wave": "#22d", "sun": "#dd2", "plum": "#a2a", "stone": "#666", "orange": "#e82",
    "sky": "#2ad",
}  # fmt: skip
CREDIT = Credit(what="tiny icons", author="the tests", licence="CC0-1.0")


def tiny_family(name: str) -> IconSet:
    """Each thing has a colour; the family is told by the form."""
    forms = {
        "openmoji": '<circle cx="8" cy="8" r="7" fill="{}"/>',
        "twemoji": '<rect x="2" y="2" width="12" height="12" fill="{}"/>',
    }
    form = forms.get(name, '<path d="M8 1L15 15H1Z" fill="{}"/>')
    things = COLOURS.items()
    icons = [Icon(thing, thing, form.format(colour), ("secret",), "Objects", drawable=True) for thing, colour in things]
    icons.append(Icon("arrow", "arrow", form.format("#000"), group="Symbols"))
    return IconSet(name, icons, 16, 16, CREDIT)
