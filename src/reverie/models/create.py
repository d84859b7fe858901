"""`create_model`: a model from its registered name and options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverie.data.vocabulary import Vocabulary
from reverie.models.shelf import MODELS
from reverie.options import checked
from reverie.protocols import Card

if TYPE_CHECKING:
    from reverie.data.split import Split
    from reverie.protocols import Recommender


def list_models() -> list[str]:
    """Return the names of all registered models.

    Returns
    -------
    list of str
        Sorted, those of other installed packages included.
    """
    return sorted(MODELS)


def create_model(name: str, data: Split | Vocabulary, *, seed: int = 0, **options: Any) -> Recommender:
    """Create an unfitted model.

    Parameters
    ----------
    name : str
        A registered name, see `list_models`.
    data : Split or Vocabulary
        What tells the items it can recommend.
    seed : int
        Seed of the initial weights.
    **options
        Options of the model, checked against its configuration.

    Returns
    -------
    Recommender
        With a `card`.

    Raises
    ------
    ConfigError
        If the name or an option is unknown or not valid.
    """
    from reverie.seeds import seed_torch

    config = checked(MODELS.config(name), options, f"model '{name}'")
    vocabulary = data if isinstance(data, Vocabulary) else data.vocabulary
    if "learns" in MODELS[name].tags:
        seed_torch(seed, "weights")
    model: Recommender = MODELS.build(name)(config, vocabulary)
    model.card = Card(name, config, vocabulary)
    return model
