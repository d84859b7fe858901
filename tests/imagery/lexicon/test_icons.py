"""Icons: reading, what is drawable, links to senses, and names inside drawings."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_lexicon import write_icons

from reverie.errors import ConfigError, DataError
from reverie.imagery.icon_sets import FILES, ICON_SETS
from reverie.imagery.icons import IconSet, load_icons, own_names, read_icons
from reverie.imagery.records import Credit

CREDIT = Credit(what="x", author="y", licence="CC0")


def test_icons_carry_tags_and_senses(icons: IconSet) -> None:
    assert [icon.name for icon in icons.drawable] == ["balance-scale", "broken-chain", "dove", "mouse"]
    dove = icons.by_name("dove")
    assert (dove.sense, dove.tags, dove.group) == ("dove.n.01", ("bird", "peace", "liberty"), "Animals Nature")
    assert icons.by_name("broken-chain").tags == ("freedom",)
    assert [icon.name for icon in icons.of_sense("chain.n.01")] == ["broken-chain"]
    assert (icons.by_name("broken-chain").thing, icons.by_name("balance-scale").sense) == ("broken chain", "scale.n.01")
    assert icons.by_name("flag-france").sense is None
    assert "dove" in icons
    with pytest.raises(ConfigError, match="did you mean 'dove'"):
        icons.by_name("dov")


def test_a_drawing_is_a_document_with_its_own_names(icons: IconSet) -> None:
    body = icons.by_name("dove").svg_body
    assert icons.svg("dove") == f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72">{body}</svg>'
    assert own_names(body, "p") == '<path id="p-a" d="M0 0h9v9z"/><use href="#p-a" fill="url(#p-a)"/>'


def test_a_folder_of_something_else_is_a_sentence(tmp_path: Path) -> None:
    folder = write_icons(tmp_path)
    for broken in ('{"icons": [1]}', '{"icons": {"a": 3}}', "[]"):
        (folder / "icons.json").write_text(broken)
        with pytest.raises(DataError, match="does not hold icons"):
            read_icons("tiny", folder, None, CREDIT)


def test_sets_are_pinned_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ICON_SETS.values():
        assert set(package.files.sha256) == set(FILES)
        assert all(len(digest) == 64 for digest in package.files.sha256.values())
    with pytest.raises(ConfigError, match="unknown icon set 'openmojj'"):
        load_icons("openmojj")
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path))
    monkeypatch.setenv("REVERIE_OFFLINE", "1")
    with pytest.raises(DataError, match="icons-openmoji is not fetched yet, and offline"):
        load_icons.__wrapped__("openmoji")
