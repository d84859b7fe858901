"""Batch plans, by name: how training sequences are cut into training examples and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.registry import load_object

if TYPE_CHECKING:
    from reverie.data.plans.protocol import BatchPlan
    from reverie.data.sequences import Sequences

_PLANS = {
    "positions": "reverie.data.plans.prefixes:PositionsPlan",
    "pairs": "reverie.data.plans.labelled:PairsPlan",
    "prefixes": "reverie.data.plans.prefixes:PrefixesPlan",
    "prefixes-with-empty": "reverie.data.plans.prefixes:with_empty",
    "labelled": "reverie.data.plans.labelled:LabelledPlan",
    "labelled-by-user": "reverie.data.plans.labelled:by_user",
}


def create_plan(name: str, sequences: Sequences, history: int) -> BatchPlan:
    """Return the plan of a name."""
    plan: BatchPlan = load_object(_PLANS[name])(sequences, history)
    return plan
