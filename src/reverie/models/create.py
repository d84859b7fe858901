"""`create_model`: a model from its registered name and options."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reverie.data.split import Split
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, ReverieError
from reverie.memory import is_out_of_memory, require_memory
from reverie.models.fitted import mark_drawn
from reverie.models.shelf import MODELS
from reverie.options import Options, checked
from reverie.protocols import Card, Recommender
from reverie.registry import Entry, load_object

_SMALL = 1 << 26
"""Weights of a table of items by the largest option, under which a model is made without asking whether it fits."""


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
    if not isinstance(name, str):
        raise ConfigError(
            f"a {type(name).__name__} stands where a name is due, which comes first: rv.create_model('sasrec', split)"
        )
    return make_model(name, MODELS[name], data if isinstance(data, Vocabulary) else data.vocabulary, options, seed)


def make_model(name: str, entry: Entry, vocabulary: Vocabulary, options: Mapping[str, Any], seed: int = 0) -> Recommender:
    """Return an unfitted model of an entry."""
    from reverie.seeds import seed_torch

    config, build = checked(load_object(entry.config), options, f"model '{name}'"), load_object(entry.build)
    if "learns" in entry.tags:
        _check_size(name, build, config, vocabulary)
        seed_torch(seed, "weights")
    model: Recommender = build(config, vocabulary)
    if not hasattr(model, "history"):
        model.history = None
    model.card = Card(name, config, vocabulary)
    if "learns" in entry.tags:
        mark_drawn(model)
    return model


def _check_size(name: str, build: Callable[[Any, Any], Any], config: Options, vocabulary: Vocabulary) -> None:
    """Refuse a model whose weights, gradients and moments do not fit into memory, before any of them is made."""
    largest = max([1, *_whole_numbers(config.model_dump(mode="json"))])
    if largest * (largest + vocabulary.n_items + vocabulary.n_users) < _SMALL:
        return
    import torch

    what, remedy = f"the weights of model '{name}'", "use smaller options, such as dim or history"
    try:
        with torch.device("meta"):
            model = build(config, vocabulary)
        weights = sum(one.numel() * one.element_size() for one in (*model.parameters(), *model.buffers()))
    except (RuntimeError, ValueError, TypeError, NotImplementedError, MemoryError) as error:
        if is_out_of_memory(error):
            raise ReverieError(f"{what} would be larger than any memory; {remedy}") from error
        return  # a model that computes with its weights as it is made
    require_memory(4 * weights, what, remedy)


def _whole_numbers(value: Any) -> Iterator[int]:
    if isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _whole_numbers(one)
    elif isinstance(value, int):
        yield value
