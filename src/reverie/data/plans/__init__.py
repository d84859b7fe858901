"""Batch plans: how training sequences become batches. A model names its plan; the trainer does not care."""

from reverie.registry import load_object

_PLANS = {
    "positions": "reverie.data.plans.positions:PositionsPlan",
}


def create_plan(name: str, sequences: object, history: int) -> object:
    """Return the plan of a name.

    Parameters
    ----------
    name : str
        A plan's name.
    sequences : Sequences
        What to train on.
    history : int
        How many events a model reads.

    Returns
    -------
    BatchPlan
        See `reverie.protocols.BatchPlan`.
    """
    return load_object(_PLANS[name])(sequences, history)
