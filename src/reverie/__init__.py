"""Reverie: generative, explainable and attack-tested recommendation.

One event log goes in; out come recommenders and an honest comparison of them. Names are imported when they are first used,
so that ``import reverie`` stays fast.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_NAMES = {
    "reverie.data.dataset": ("Dataset",),
    "reverie.data.sequences": ("Sequences",),
    "reverie.data.queries": ("Queries",),
    "reverie.data.split": ("Split",),
    "reverie.data.vocabulary": ("Vocabulary",),
    "reverie.errors": ("ReverieError",),
    "reverie.data.sources": ("load_dataset", "list_datasets"),
    "reverie.data.readers": ("read_events",),
    "reverie.data.splits": ("leave_one_out", "temporal", "by_user", "by_sequence", "given"),
    "reverie.models": ("create_model", "list_models", "load_model", "save_model"),
    "reverie.training": ("fit", "TrainingConfig"),
    "reverie.evaluation": ("evaluate", "Evaluation", "recommend"),
}
_WHERE = {name: module for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", *sorted(_WHERE)]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'reverie' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
