from __future__ import annotations

import pytest

from reverie.models.item_encoders.shelf import ENCODERS
from reverie.video.item_encoders.entries import AUDIO, VIDEO


@pytest.fixture(scope="session", autouse=True)
def _clip_encoders() -> None:
    """Encoders of the room `video`, which are found by entry points once the package is installed with them."""
    for name, entry in (("video", VIDEO), ("audio", AUDIO)):
        ENCODERS._entries.setdefault(name, entry)
