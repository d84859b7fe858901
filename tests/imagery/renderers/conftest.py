"""A few icons and scenes, made here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from reverie.imagery.icons import Icon, IconSet
from reverie.imagery.records import Credit, DepictedObject, Form, FormPattern, ObjectSet, Prompt
from reverie.imagery.roles import Scene

_LINE = '<path fill="none" stroke="#000" stroke-width="2" d="{d}"/>'
_BODIES = {
    "key": '<circle cx="24" cy="24" r="12" fill="#f1b31c"/><path fill="#f1b31c" d="M30 30l30 30l-6 6l-30 -30z"/>'
    + _LINE.format(d="M30 30l30 30"),
    "house": '<path fill="#ea5a47" d="M6 36L36 8l30 28z"/><path fill="#fff" d="M14 36h44v28h-44z"/>'
    + _LINE.format(d="M14 36h44v28h-44z"),
    "dove": '<defs><path id="a" d="M10 50q20 -50 50 -20q-10 30 -50 20z"/></defs><use href="#a" fill="#fff"/>'
    + _LINE.format(d="M10 50q20 -50 50 -20"),
    "sailboat": '<defs><path id="a" d="M8 50h56l-8 14h-40z"/></defs><use href="#a" fill="#a57939"/>'
    '<path fill="#d0cfce" d="M36 8l20 36h-40z"/>',
    "chains": '<circle cx="36" cy="20" r="12" fill="#9b9b9a"/><circle cx="36" cy="44" r="12" fill="#3f3f3f"/>',
}
_GROUPS = {"dove": "Animals Nature", "sailboat": "Travel Places", "house": "Travel Places"}
CREDIT = Credit(what="Test icons", author="A & B", licence="CC BY-SA 4.0", url="https://example.org/?a=1&b=2")


def icons() -> IconSet:
    """Return five icons; two use the same name inside."""
    return IconSet(
        "tiny", [Icon(name, name, body, (), _GROUPS.get(name, "Objects"), True) for name, body in _BODIES.items()], 72, 72, CREDIT
    )


def form(**slots: str) -> Form:
    """Return a form of one pattern."""
    text = ", ".join(slots.values())
    return (
        Form(patterns=(FormPattern.model_validate({"id": "0" * 12, "text": text, "slots": slots, "source": "test"}),))
        if slots
        else Form(patterns=())
    )


def scene(*phrases: str, text: str = "", seed: int = 0, size: int = 96, look: Form | None = None) -> Scene:
    """Return a scene with objects of these phrases."""
    objects = ObjectSet(objects=tuple(DepictedObject(phrase=phrase) for phrase in phrases))
    return Scene(Prompt(text=text), objects, look or form(), seed, size)


@pytest.fixture(scope="session")
def tiny() -> SimpleNamespace:
    """Return what makes icons, forms and scenes."""
    return SimpleNamespace(icons=icons, form=form, scene=scene, credit=CREDIT)
