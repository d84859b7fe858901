"""What every world can do: hold many sessions at once, answer actions, and name the policies to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.data.vocabulary import Vocabulary
from reverie.rl.policies import Policy
from reverie.rl.worlds.histories import Histories


class World(Protocol):
    """Users who answer what is shown to them, and leave at some point."""

    name: str
    gamma: float
    """Discount of returns, 0 <= gamma < 1."""
    vocabulary: Vocabulary
    """Ids of its items (and users, where it knows any)."""
    repeats: bool
    """Whether an item may be shown again in a session."""
    bound: int
    """Most events of a session; it is cut off (truncated) there."""
    error: tuple[str, ...]
    """How well it imitates what it was made from, in sentences; empty for a world that is true by construction."""
    histories: Histories
    """Of the sessions since `reset`."""

    def reset(self, n: int, rng: np.random.Generator) -> None:
        """Begin n sessions."""

    def step(self, actions: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Show one item in each session; actions [n], item codes, 0 in sessions that are over → rewards [n], terminated [n].

        It draws as many numbers for sessions that are over, so that session i meets the same chances under every policy.
        """

    def references(self) -> Mapping[str, Policy]:
        """Return the policies to compare with: ``oracle``, ``myopic``, ``popularity``, ``random`` and perhaps more."""

    def value(self, policy: Policy) -> float | None:
        """Return the exact discounted return of a policy from the start; None where only roll-outs tell."""

    def best_value(self) -> float | None:
        """Return the discounted return that no policy exceeds; None where it is not known."""
