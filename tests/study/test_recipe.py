"""Recipes of studies: by name or path, with changes, and the short form."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_room.recipe import COUNTING, CountingRecipe

from reverie.errors import ConfigError
from reverie.study.recipe import RecipeShelf


def test_a_packaged_recipe_is_found_by_name() -> None:
    assert list(COUNTING.files()) == ["counting"]
    recipe = COUNTING.load("counting")
    assert (recipe.name, recipe.seeds, recipe.shares) == ("counting", 3, (0.05, 0.2, 1.0))


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        COUNTING.load("countin")
    said = "no counting recipe 'countin' (did you mean 'counting'?); see 'ls toy_room/recipes', or give a YAML file"
    assert str(caught.value) == said


def test_a_recipe_is_dumped_and_loaded_by_path(tmp_path: Path) -> None:
    recipe = CountingRecipe(name="mine", k=7, description="Grüße")
    (tmp_path / "mine.yaml").write_text(COUNTING.dump(recipe), encoding="utf-8")
    assert COUNTING.load(str(tmp_path / "mine.yaml")) == recipe


def test_overrides_are_applied_last() -> None:
    recipe = COUNTING.load("counting", ["seeds=5", "seeds=6", "shares=[0.5]"], smoke=True)
    assert (recipe.name, recipe.seeds, recipe.shares) == ("counting-smoke", 6, (0.5,))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("seeds", r"--set takes key=value, e\.g\. seeds=5, not 'seeds'"),
        ("sedes=5", r"counting.*sedes.*did you mean 'seeds'"),
        ("seeds=0", r"counting.*seeds"),
        ("smoke.seeds.first=1", r"'seeds' holds a value, not options"),
        ("shares=[", "not valid YAML"),
    ],
)
def test_a_wrong_override_is_one_sentence(override: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        COUNTING.load("counting", [override])


def test_smoke_is_the_short_form() -> None:
    recipe = COUNTING.load("counting", smoke=True)
    assert (recipe.name, recipe.seeds, recipe.shares) == ("counting-smoke", 1, (0.2, 1.0))


def test_a_key_of_smoke_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nsmoke: {sedes: 1}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="sedes"):
        COUNTING.load(str(tmp_path / "mine.yaml"), smoke=True)


@pytest.mark.parametrize("text", ["- 1\n", "words\n", ""])
@pytest.mark.parametrize("smoke", [False, True])
def test_a_recipe_is_a_mapping(tmp_path: Path, text: str, smoke: bool) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a counting recipe is a mapping with the keys name, description, smoke, users"):
        COUNTING.load(str(tmp_path / "mine.yaml"), smoke=smoke)


@pytest.mark.parametrize("name", ["", "../x", "a b", ".hidden"])
def test_a_name_must_do_for_a_folder(name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        COUNTING.parse({"name": name}, "mine.yaml")


def test_a_check_of_its_own_may_refuse() -> None:
    def check(recipe: CountingRecipe, where: str) -> None:
        if len(recipe.shares) < 2:
            raise ConfigError(f"{where}: give two shares or more, so that there is a choice")

    shelf = RecipeShelf("a counting recipe", CountingRecipe, "toy_room", "ls", "seeds=5", check=check)
    with pytest.raises(ConfigError, match="counting: give two shares or more"):
        shelf.load("counting", ["shares=[1.0]"])
