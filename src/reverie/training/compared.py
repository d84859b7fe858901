"""What is compared: registered names and models in memory, by label, and a new unfitted model for each fit."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reverie.calls import named
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError
from reverie.models import MODELS, adopt, create_model
from reverie.protocols import Recommender, Scores

Compared = str | Scores


def labelled(models: Any, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return what is compared by distinct labels: its keys in a mapping, or else names; unknown names are refused."""
    if isinstance(models, str) or not isinstance(models, Sequence | Mapping):
        raise ConfigError(f"models={named(models)} is no list; write models=[{named(models)}]")
    if not models:
        raise ConfigError("models=[] names no model; give names, as in models=['ease', 'sasrec'], or models in memory")
    given = list(models.items()) if isinstance(models, Mapping) else [(_name_of(one, vocabulary), one) for one in models]
    for _, one in given:
        if isinstance(one, str):
            MODELS[one]  # an unknown name is refused before anything is fitted
    seen: Counter[str] = Counter()
    found: dict[str, Any] = {}
    for label, one in given:
        seen[label] += 1
        found[f"{label} #{seen[label]}" if seen[label] > 1 else label] = one
    return found


def _name_of(one: Any, vocabulary: Vocabulary) -> str:
    return one if isinstance(one, str) else adopt(one, vocabulary).card.name


def anew(one: Compared, vocabulary: Vocabulary, seed: int) -> Recommender:
    """Return an unfitted model of a name, or a copy of an unfitted model; of a registered one with weights of its own seed."""
    if isinstance(one, str):
        return create_model(one, vocabulary, seed=seed)
    model = adopt(one, vocabulary)
    if model.card.name in MODELS:
        made = create_model(model.card.name, vocabulary, seed=seed, **model.card.config.model_dump(mode="json", exclude_unset=True))
        if type(made) is type(model):
            return made
    return copy.deepcopy(model)
