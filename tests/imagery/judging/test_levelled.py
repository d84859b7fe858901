"""Words that fit every picture are taken down to the level of the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.imagery.judging.levelled import Levelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Hub:
    """Gives a word its number of letters, and one more where the picture's name holds it."""

    name = "hub"

    def scores(self, pictures: Sequence[bytes | Path], words: Sequence[str]) -> NDArray[np.float64]:
        return np.array([[len(word) + (word in str(one)) for word in words] for one in pictures], dtype=np.float64)


def test_a_word_that_fits_everything_is_not_named_for_everything() -> None:
    words = ["ox", "elephant"]
    picture = [Path("an-ox.png")]
    assert Hub().scores(picture, words).argmax() == 1
    levelled = Levelled(Hub(), [Path("a.png"), Path("elephant.png")])
    assert np.allclose(levelled.scores(picture, words), [[1.0, -0.5]])
    assert np.allclose(levelled.scores(picture, ["elephant", "bee"]), [[-0.5, 0.0]])
    assert levelled.name == "hub"


def test_without_a_background_scores_stay() -> None:
    assert np.array_equal(Levelled(Hub(), []).scores([Path("a.png")], ["ox"]), Hub().scores([Path("a.png")], ["ox"]))
