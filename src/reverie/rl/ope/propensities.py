"""Propensities estimated from the log itself, where the logging policy is not known; only where a person asks for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reverie.rl.ope.log import LoggedRounds
from reverie.rl.ope.states import round_states

STRENGTH = 10.0
"""How many rounds the share of an item in all rounds counts for beside those of one state."""


def with_estimated_propensities(log: LoggedRounds) -> LoggedRounds:
    """Return the log with the share of each shown item in its state as propensity, whatever propensities it had.

    ``μ(a | s) = (n(s, a) + k n(a) / n) / (n(s) + k)`` with k = `STRENGTH`; states as for reward models (`round_states`). Our
    design. It is right only if the logging policy looked at nothing else, which a log cannot tell; `estimated` is set, and all
    outputs say so.
    """
    states = round_states(log)
    cells = states * log.n_items + log.actions
    _, place, counts = np.unique(cells, return_inverse=True, return_counts=True)
    of_item = np.bincount(log.actions, minlength=log.n_items)[log.actions] / len(log)
    of_state = np.bincount(states)[states]
    return replace(log, propensities=(counts[place] + STRENGTH * of_item) / (of_state + STRENGTH), estimated=True)
