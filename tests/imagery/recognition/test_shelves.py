"""One verb, three kinds of recipes."""

from __future__ import annotations

from pathlib import Path

import pytest

from reverie.errors import ConfigError
from reverie.imagery.matchers.recipe import MatchersRecipe
from reverie.imagery.pixels.recipe import PixelsRecipe
from reverie.imagery.recognition.recipe import ImageryRecipe
from reverie.imagery.shelves import SHELF


def test_every_packaged_recipe_loads_also_in_its_short_form() -> None:
    kinds = {name: type(SHELF.load(name)) for name in SHELF.files()}
    assert kinds["imagery-concepts"] is kinds["imagery-demo"] is ImageryRecipe
    assert kinds["imagery-matchers"] is MatchersRecipe
    assert kinds["imagery-pixels"] is PixelsRecipe
    for name in kinds:
        assert SHELF.load(name, smoke=True).name == f"{name}-smoke"
        assert set(SHELF.columns(SHELF.load(name))) == {"recipe", "what", "description"}


def test_the_main_recipe_measures_what_was_promised() -> None:
    recipe = SHELF.load("imagery-concepts")
    assert set(recipe.conditions) == {"A", "B", "C", "D", "O", "OF", "E-shuffled", "E-form", "E-sense"}
    assert recipe.concepts.test >= 150
    assert recipe.chooser != recipe.loop.judge  # settings are not chosen by the matcher that measures
    assert recipe.loop.guide != recipe.loop.judge
    pairs = {(one.first, one.other) for one in recipe.claims}
    assert {("O", "chance"), ("O", "E-shuffled"), ("OF", "O"), ("D", "C"), ("D", "A"), ("D", "B"), ("C", "B")} <= pairs


def test_a_file_of_ones_own_is_read_as_what_it_holds(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_bytes(SHELF.files()["imagery-matchers"].read_bytes())
    assert isinstance(SHELF.load(str(mine), ["pictures=50"]), MatchersRecipe)
    mine.write_text("name: mine\njudges: {minilm: {mode: text, kind: minilm}}\nconditions: [A, X]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="conditions"):
        SHELF.load(str(mine))
    mine.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="is a mapping"):
        SHELF.load(str(mine))


def test_a_misspelt_name_is_helped_whatever_its_kind() -> None:
    with pytest.raises(ConfigError, match="did you mean 'imagery-pixels'"):
        SHELF.load("imagery-pixel")
    with pytest.raises(ConfigError, match="did you mean 'imagery-concepts'"):
        SHELF.load("imagery-concept")
