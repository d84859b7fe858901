"""Whether anything has fitted a model: a mark on its card, changed weights, and what is said where a model is asked before."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reverie.errors import ConfigError
from reverie.models.shelf import MODELS
from reverie.protocols import Blends, Recommender, Wraps


def mark_fitted(model: Recommender, fitted: bool = True) -> None:
    """Note on the card of a model, and of one that it re-ranks, whether it is fitted."""
    model.card = replace(model.card, fitted=fitted)
    if isinstance(model, Wraps):
        mark_fitted(model.base, fitted)


def mark_drawn(model: Any) -> None:
    """Note the state in which the weights of a new model were drawn."""
    model.drawn = _changes(model)


def warn_unfitted(model: Recommender, stacklevel: int) -> None:
    """Warn of a registered model whose weights nothing has fitted; somebody's own class is not judged."""
    if (name := _drawn(model)) is not None:
        warnings.warn(
            f"model '{name}' is not fitted: it answers by the weights that were drawn for it; call rv.fit(model, split) first",
            stacklevel=stacklevel + 1,
        )


@contextlib.contextmanager
def fit_first(model: Recommender) -> Iterator[None]:
    """Turn an attribute that somebody's own model lacks before its fit into a sentence."""
    try:
        yield
    except AttributeError as error:
        if (kind := _waiting(model)) is None:
            raise
        raise ConfigError(f"{kind} is not fitted ({error}); call rv.fit(model, split) first") from error


def _waiting(model: Any) -> str | None:
    """Return the class of an own model, or of one inside, that can be fitted and is not."""
    if model.card.fitted:
        return None
    if isinstance(model, Wraps | Blends):
        inner = model.parts if isinstance(model, Blends) else [model.base]
        return next((kind for one in inner if (kind := _waiting(one)) is not None), None)
    ours = model.card.name in MODELS and model.card.name not in MODELS.session
    able = any(callable(getattr(model, name, None)) for name in ("fit_counts", "loss"))
    return type(model).__name__ if able and not ours else None


def _drawn(model: Any) -> str | None:
    """Return the name of a model, or of one inside it, whose weights are as they were drawn."""
    card = model.card
    if card.fitted:
        return None
    inner = model.parts if isinstance(model, Blends) else [model.base] if isinstance(model, Wraps) else None
    if inner is not None:
        return next((name for one in inner if (name := _drawn(one)) is not None), None)
    ours = card.name in MODELS and card.name not in MODELS.session and "learns" in MODELS[card.name].tags
    return card.name if ours and getattr(model, "drawn", 0) == _changes(model) > 0 else None


def _changes(model: Any) -> int:
    """Return how often the weights were written, by drawing, an optimiser or `load_state_dict`; 0 where there are none."""
    weights = model.parameters() if callable(getattr(model, "parameters", None)) else ()
    return sum(weight._version for weight in weights)
