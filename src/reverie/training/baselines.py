"""The trivial models that every claim is printed beside, fitted in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.data.split import Split
from reverie.models import create_model
from reverie.protocols import Counts
from reverie.training.fit import fit

if TYPE_CHECKING:
    from reverie.data.sequences import Sequences
    from reverie.protocols import Recommender


def fit_baselines(data: Split | Sequences) -> dict[str, Recommender]:
    """Fit popularity, recent popularity where events have times, and first-order Markov."""
    train = data.train if isinstance(data, Split) else data
    found: dict[str, Recommender] = {}
    for name in ("popularity", "recent-popularity", "markov"):
        if name == "recent-popularity" and "time" not in train.columns:
            continue
        model = create_model(name, train.vocabulary)
        if isinstance(data, Split):
            fit(model, data, show=False)
        elif isinstance(model, Counts):
            model.fit_counts(data)
        found[name] = model
    return found
