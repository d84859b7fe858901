"""A tiny icon set, and a tiny model that has learned nothing."""

from collections.abc import Callable

import pytest

from reverie.imagery.icons import Icon, IconSet
from reverie.imagery.pixels.config import CaptionConfig, PixelsConfig
from reverie.imagery.records import Credit

SHAPES = {
    "disc": '<circle cx="8" cy="8" r="6" fill="{}"/>',
    "box": '<rect x="2" y="2" width="12" height="12" fill="{}"/>',
    "bar": '<rect x="6" y="0" width="4" height="16" fill="{}"/>',
    "left-half": '<rect x="0" y="0" width="8" height="16" fill="{}"/>',
}


def _make_set(name: str, colour: str) -> IconSet:
    """Return four icons of a colour that are learned, and two that are not."""
    icons = [Icon(key, key.replace("-", " "), body.format(colour), group="Objects") for key, body in SHAPES.items()]
    hidden = Icon("man-cook", "man cook", SHAPES["bar"].format(colour), group="People Body")
    sign = Icon("arrow", "arrow", SHAPES["bar"].format(colour), group="Symbols")
    return IconSet(name, [*icons, hidden, sign], 16, 16, Credit(what=f"{name} icons", author="the test", licence="CC0-1.0"))


@pytest.fixture
def make_set() -> Callable[[str, str], IconSet]:
    return _make_set


@pytest.fixture
def sets() -> list[IconSet]:
    return [_make_set("noto", "#00f"), _make_set("twemoji", "#f00")]


@pytest.fixture
def tiny() -> PixelsConfig:
    caption = CaptionConfig(words=4, pieces=6, buckets=64, dim=16, layers=1)
    return PixelsConfig(size=16, channels=(8, 16), caption=caption, steps=20)
