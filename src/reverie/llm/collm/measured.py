"""What a study of CoLLM measured: the scores of every row of its table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reverie.data.queries import Queries
    from reverie.data.split import Split
    from reverie.llm.collm.pairs import Pairs
    from reverie.llm.collm.recipe import CoLLMRecipe

Scores = dict[str, "NDArray[np.float64]"]
"""By row of the table, one score per query [Q]."""


@dataclass(frozen=True)
class MeasuredCoLLM:
    """A finished study."""

    folder: Path
    recipe: CoLLMRecipe
    split: Split
    train: Pairs
    valid: Queries
    test: Queries
    valid_scores: Scores
    test_scores: Scores
    facts: dict[str, Any]
