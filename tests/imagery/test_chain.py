"""From a person's history to a picture: a tiny run imagines items, their words become a concept, objects and a picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from typing import TYPE_CHECKING

from tiny_workshop import OwnWorkshop, Painter

from reverie.cli.main import run
from reverie.documents import read_json
from reverie.errors import ConfigError, DataError
from reverie.imagery.chain import faithfulness, imagine_user
from reverie.imagery.chain_section import CHAIN, person_folder, sections
from reverie.imagery.imagined import read_imagined
from reverie.imagery.oracle import Catalogue, Oracle
from reverie.imagery.oracle_words import oracle_intent, oracle_objects
from reverie.testing import tiny_dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECIPE = {
    "name": "small",
    "recommender": {
        "dataset": {"name": "clicks.csv", "catalog": "items.csv"},
        "split": {"protocol": "by_user", "valid": 0.2, "test": 0.2},
        "model": {"name": "dreamrec", "dim": 16, "history": 8},
        "training": {"epochs": 1, "batch_size": 16},
    },
    "backbone": {"name": "tiny"},
    "adapter": {"kind": "position", "tokens": 2, "start": "titles"},
    "windows": {"length": 4, "shortest": 3, "train": 8, "valid": 4, "test": 4},
    "training": {"steps": 1, "validate_every": 1, "checkpoint_seconds": 0, "warmup_steps": 0},
    "test": {"free": ["model"], "constrained": ["model"], "ranked": 9},
}
IDEAS, THINGS = ("freedom", "justice", "independence"), ("dove", "mouse", "scale")


class WordsShared:
    """A judge of texts by the words that two share."""

    name = "words"

    def scores(self, texts: Sequence[str], options: Sequence[str]) -> NDArray[np.float64]:
        def words(text: str) -> set[str]:
            return set(text.lower().replace(".", " ").replace(":", " ").replace(",", " ").split())

        return np.array([[len(words(text) & words(option)) for option in options] for text in texts], dtype=float)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a recommender that imagines items whose titles name ideas and things."""
    folder = tmp_path_factory.mktemp("chain")
    data = tiny_dataset()
    data.events.write_csv(folder / "clicks.csv")
    titles = [f"{IDEAS[at % 3]} of the {THINGS[at // 3 % 3]} {at}" for at in range(data.catalog.height)]
    data.catalog.with_columns(pl.Series("title", titles)).write_csv(folder / "items.csv")
    (folder / "small.yaml").write_text(yaml.safe_dump(RECIPE))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("REVERIE_CACHE", str(folder / "cache"))
        patch.setattr(sys, "argv", ["reverie", "interpret", "small.yaml", "--quiet", "--device", "cpu"])
        run()
    return folder / "runs" / "small"


@pytest.fixture
def shop(tmp_path: Path) -> OwnWorkshop:
    (tmp_path / "tools").mkdir()
    return OwnWorkshop(tmp_path / "tools", Painter())


def test_a_person_gets_a_picture(taught: Path, shop: OwnWorkshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))  # without the judge's weights
    monkeypatch.setenv("REVERIE_OFFLINE", "1")
    shop.device = "cpu"
    user = str(tiny_dataset().events["user"][0])
    folder = person_folder(taught, user)
    facts = imagine_user(taught, user, folder, {"size": 32}, shop)
    done = read_imagined(folder)
    assert done.settings.concept in IDEAS
    assert done.picture is not None
    assert done.digest == facts["digest"]
    assert facts["faithfulness"] is None
    assert facts["top"] not in facts["history"]
    assert read_json(folder / CHAIN)["nearest"] == facts["nearest"]
    assert any(one.icon in ("dove", "mouse", "balance-scale") for one in done.objects.objects)  # type: ignore[union-attr]
    again = imagine_user(taught, user, tmp_path / "again", {"size": 32}, shop)
    assert again["digest"] == facts["digest"]
    assert [one.title for one in sections(taught)] == ["What it imagines, as pictures"]
    with pytest.raises(DataError, match="user 'nobody' is not in the dataset"):
        imagine_user(taught, "nobody", tmp_path / "nobody", {}, shop)
    assert not (tmp_path / "nobody").exists()


def _oracle(user: str, near: str, kinds: tuple[str, ...] = (), title: str = "") -> Oracle:
    return Oracle(user, ("Seen",), title, near, (near,), kinds, "A tax", ("tax",))


def test_the_rarest_idea_is_the_concept_and_titles_name_the_things(shop: OwnWorkshop) -> None:
    catalogue = Catalogue(100, {"justic": 60, "freedom": 2, "dove": 2, "justice": 60})
    oracle = _oracle("u", "Freedom and justice of the dove", ("justice",))
    intent = oracle_intent(oracle, catalogue, shop.lexicon, shop.norms)
    assert intent.concept == "freedom"
    objects = oracle_objects(oracle, catalogue, intent, shop.lexicon, shop.icons, shop.norms, n=3)
    assert objects.objects[0].phrase == "dove"
    assert objects.objects[0].relation == "a word of 'Freedom and justice of the dove', near the oracle item"
    assert len({one.icon for one in objects.objects}) == len(objects.objects)
    with pytest.raises(ConfigError, match="names an idea"):
        oracle_intent(_oracle("u", "The mouse"), catalogue, shop.lexicon, shop.norms)


def test_faithfulness_compares_with_other_people(taught: Path, shop: OwnWorkshop, tmp_path: Path) -> None:
    shop.device = "cpu"
    user = str(tiny_dataset().events["user"][0])
    imagine_user(taught, user, tmp_path / "out", {"size": 32}, shop)
    done = read_imagined(tmp_path / "out")
    things = " ".join(one.phrase for one in done.objects.objects)  # type: ignore[union-attr]
    own = _oracle(user, f"{done.settings.concept} {things}")
    found = faithfulness(done, [own, _oracle("v", "nothing"), _oracle("w", done.settings.concept)], WordsShared())
    shared = len({done.settings.concept, *things.split()})
    assert found == {
        "own": shared, "shuffled": 0.5, "difference": shared - 0.5, "top": 0.0, "rank": 1.0, "of": 3.0
    }  # fmt: skip
    assert faithfulness(done, [own], None) is None
