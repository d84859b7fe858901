"""Recipes of studies: what they share, and the one loader of packaged and own YAML files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from reverie.errors import ConfigError, UnknownRecipe, nearest
from reverie.options import Options, checked
from reverie.plain_yaml import read_yaml
from reverie.settings import Settings, as_yaml, overridden, put

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
"""Of a recipe or of one of its rows: it also names files."""
R = TypeVar("R", bound=BaseModel)


def _combinations(value: Any) -> Any:
    """Return settings as they are, and a mapping of options to lists of values as all combinations."""
    if not isinstance(value, Mapping):
        return value
    for option, values in value.items():
        if not isinstance(values, list | tuple) or not values:
            raise ValueError(f"'{option}' needs a list of values, not {values!r}")
    return tuple(dict(zip(value, chosen, strict=True)) for chosen in product(*value.values()))


Grid = Annotated[tuple[Settings, ...], BeforeValidator(_combinations)]
"""Settings from which validation chooses, by dotted option; a mapping of options to lists of values means all combinations."""


def check_tuning_seeds(tuning: Sequence[int], seeds: int) -> None:
    """Refuse seeds of the tuning at which rows are measured (0 … seeds - 1), and one that is there twice."""
    if shared := [seed for seed in tuning if seed < seeds]:
        raise ValueError(f"tuning seed {shared[0]} is also a test seed (0 to {seeds - 1}); choose from {seeds} on")
    if len(set(tuning)) < len(tuning):
        raise ValueError("tuning_seeds: a seed is there twice; two equal trainings count as one")


class BaseRecipe(Options):
    """What the recipe of every study has."""

    name: Name
    """Name of the recipe, and of its file and folder."""
    description: str = ""
    """What it is for."""
    smoke: Settings = Field(default_factory=dict)
    """Changes by dotted key that make a run of seconds."""


def shorten(recipe: Any, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the short form of a recipe, which shows nothing but that it runs."""
    short = dict(values)
    for key, value in recipe.smoke.items():
        short = put(short, key, value, f"{where}, smoke, {key}")
    return short | {"name": f"{recipe.name}-smoke"}


def _summary(recipe: Any) -> dict[str, str]:
    return {"name": recipe.name, "description": recipe.description}


@dataclass(frozen=True)
class RecipeShelf(Generic[R]):
    """The recipes of a room: those that its package carries in ``recipes/``, and those in a user's files.

    Parameters
    ----------
    kind : str
        What messages call such a recipe, with its article: ``"a robustness recipe"``.
    recipe : type
        Its configuration.
    package : str
        The package whose folder ``recipes`` holds YAML files.
    listing : str
        The command that lists them.
    example : str
        A setting of the command line.
    check : callable, optional
        Checks a recipe beyond its configuration, `(recipe, where) -> None`; it raises `ConfigError`.
    short : callable
        Makes the short form, `(recipe, values, where) -> values`; see `shorten`.
    file : str
        Name under which a study keeps its recipe in its folder.
    content : callable
        Makes plain values of a recipe.
    summary, columns : callable
        What lists say of a recipe, as JSON and as columns of a table by their heads.
    """

    kind: str
    recipe: type[R]
    package: str
    listing: str
    example: str
    check: Callable[[R, str], None] = lambda recipe, where: None
    short: Callable[[R, Mapping[str, Any], str], Mapping[str, Any]] = shorten
    file: str = "recipe.yaml"
    content: Callable[[R], Mapping[str, Any]] = lambda recipe: recipe.model_dump(mode="json")
    summary: Callable[[R], Mapping[str, Any]] = _summary
    columns: Callable[[R], Mapping[str, str]] = _summary

    def files(self) -> dict[str, Path]:
        """Return the packaged recipes by name."""
        folder = Path(str(resources.files(self.package) / "recipes"))
        return {path.stem: path for path in sorted(folder.glob("*.yaml"))}

    def others(self, name: str) -> Iterator[R]:
        """Yield the packaged recipes but one."""
        return (self.load(other) for other in self.files() if other != name)

    def parse(self, values: Any, where: str) -> R:
        """Check the values of a recipe.

        Parameters
        ----------
        values : object
            What the YAML file holds.
        where : str
            The file, for messages.

        Returns
        -------
        BaseModel
            The recipe.

        Raises
        ------
        ConfigError
            If an option is unknown, missing or wrong.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"{where}: {self.kind} is a mapping with the keys {', '.join(self.recipe.model_fields)}")
        recipe = checked(self.recipe, values, where)
        self.check(recipe, where)
        return recipe

    def load(self, name_or_path: str, overrides: Sequence[str] = (), smoke: bool = False) -> R:
        """Load a recipe by the name of a packaged one or by the path of a file.

        Parameters
        ----------
        name_or_path : str
            Name or path.
        overrides : sequence of str
            ``key=value`` with dotted keys; they are applied last.
        smoke : bool
            Whether to take the short form.

        Returns
        -------
        BaseModel
            The recipe.

        Raises
        ------
        ConfigError
            If there is no such recipe, or something in it is wrong.
        """
        values, where = self._read(name_or_path)
        if smoke:
            values = self.short(self.parse(values, where), values, where)
        for override in overrides:
            values = overridden(values, override, self.example)
        return self.parse(values, where)

    def dump(self, recipe: R) -> str:
        """Return a recipe as YAML, all options named."""
        return as_yaml(self.content(recipe))

    def _read(self, name_or_path: str) -> tuple[Any, str]:
        """Return the values of a YAML file, and what messages call it."""
        known = self.files()
        path = known.get(name_or_path, Path(name_or_path))
        if not path.is_file():
            noun = self.kind.partition(" ")[2]
            near = nearest(name_or_path, known)
            raise UnknownRecipe(f"no {noun} '{name_or_path}'{near}; see '{self.listing}', or give a YAML file", name_or_path)
        return read_yaml(path), name_or_path if name_or_path in known else str(path)
