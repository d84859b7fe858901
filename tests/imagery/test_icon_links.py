"""Links of icons to senses are kept, and found again where labels or the lexicon are others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tiny_workshop import OwnWorkshop, Painter

from reverie.errors import DataError
from reverie.imagery import icon_links
from reverie.imagery.icon_links import linked_icons, links_file
from reverie.imagery.icons import IconSet


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnWorkshop:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tools").mkdir()
    made = OwnWorkshop(tmp_path / "tools", Painter())
    plain = IconSet("tiny", made.icons.icons, made.icons.width, made.icons.height, made.icons.credit)
    monkeypatch.setattr(icon_links, "load_icons", lambda name: plain)
    return made


def test_links_are_found_once_and_read_afterwards(shop: OwnWorkshop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = linked_icons.__wrapped__(shop.lexicon, "tiny")
    assert first.icons == shop.icons.icons
    assert any(icon.sense for icon in first.icons)
    monkeypatch.setattr(icon_links, "_sense", None)
    assert linked_icons.__wrapped__(shop.lexicon, "tiny").icons == first.icons
    file = links_file(first, shop.lexicon)
    file.write_text('{"gate": 3}')
    with pytest.raises(DataError, match="delete it, and the same command makes it again"):
        linked_icons.__wrapped__(shop.lexicon, "tiny")


def test_other_labels_have_other_links(shop: OwnWorkshop) -> None:
    fewer = IconSet("tiny", shop.icons.drawable[1:], shop.icons.width, shop.icons.height, shop.icons.credit)
    assert links_file(fewer, shop.lexicon) != links_file(shop.icons, shop.lexicon)
