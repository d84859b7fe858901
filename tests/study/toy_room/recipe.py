"""What can be asked of the toy room."""

from pydantic import PositiveFloat, PositiveInt

from reverie.study.recipe import BaseRecipe, RecipeShelf


class CountingRecipe(BaseRecipe):
    users: PositiveInt = 60
    """Users of the made-up log."""
    shares: tuple[PositiveFloat, ...] = (0.05, 0.2, 1.0)
    """Shares of the users that are counted; the best on validation is measured on the test."""
    seeds: PositiveInt = 3
    """Draws of those users."""
    k: PositiveInt = 5
    """Length of the lists."""


COUNTING = RecipeShelf("a counting recipe", CountingRecipe, "toy_room", "ls toy_room/recipes", "seeds=5")
