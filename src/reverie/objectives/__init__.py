"""Losses that teach a model which item comes next. Names are imported when first used: options are readable without torch."""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "BCE": "config",
    "BPR": "config",
    "FullSoftmax": "config",
    "GBCE": "config",
    "NegativesConfig": "config",
    "ObjectiveConfig": "config",
    "SampledSoftmax": "config",
    "Negatives": "negatives",
    "Objective": "objective",
    "bce": "pointwise",
    "bpr": "pairwise",
    "create_objective": "objective",
    "create_sampler": "negatives",
    "full_softmax": "full",
    "gbce": "pointwise",
    "gbce_beta": "pointwise",
    "sampled_softmax": "softmax",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"reverie.objectives.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'reverie.objectives' has no attribute '{name}'")
