"""Reverie: generative, explainable and attack-tested recommendation.

One event log goes in; out come recommenders and an honest comparison of them. Names are imported when they are first used,
so that ``import reverie`` stays fast.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "Dataset": "reverie.data.dataset",
    "Sequences": "reverie.data.sequences",
    "Queries": "reverie.data.queries",
    "Split": "reverie.data.split",
    "Vocabulary": "reverie.data.vocabulary",
    "ReverieError": "reverie.errors",
    "load_dataset": "reverie.data.sources",
    "list_datasets": "reverie.data.sources",
    "read_events": "reverie.data.readers",
    "leave_one_out": "reverie.data.splits",
    "temporal": "reverie.data.splits",
    "by_user": "reverie.data.splits",
    "by_sequence": "reverie.data.splits",
    "given": "reverie.data.splits",
    "create_model": "reverie.models",
    "list_models": "reverie.models",
    "load_model": "reverie.models",
    "save_model": "reverie.models",
    "fit": "reverie.training",
    "TrainingConfig": "reverie.training",
    "evaluate": "reverie.evaluation",
    "Evaluation": "reverie.evaluation",
    "recommend": "reverie.evaluation",
}

__all__ = ["__version__", *sorted(_WHERE)]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'reverie' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
