"""What the tests of lexicon, icons and objects share: a tiny WordNet, tiny norms and a tiny icon set, in the real formats."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tiny_lexicon import write_icons, write_norms, write_table

from reverie.imagery.icon_links import link_icons
from reverie.imagery.icons import IconSet, read_icons
from reverie.imagery.lexicon import Lexicon
from reverie.imagery.norms import Norms
from reverie.imagery.records import Credit


@pytest.fixture(scope="session")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    """A lexicon of a few senses."""
    return Lexicon(write_table(tmp_path_factory.mktemp("lexicon") / "table.sqlite"))


@pytest.fixture(scope="session")
def norms(tmp_path_factory: pytest.TempPathFactory) -> Norms:
    """Ratings of a few words."""
    return Norms(write_norms(tmp_path_factory.mktemp("norms")))


@pytest.fixture(scope="session")
def icons(tmp_path_factory: pytest.TempPathFactory, lexicon: Lexicon) -> IconSet:
    """A few icons, linked."""
    folder = write_icons(tmp_path_factory.mktemp("icons"))
    credit = Credit(what="tiny icons", author="the tests", licence="CC0")
    return link_icons(read_icons("tiny", folder, folder / "tags.json", credit), lexicon)
