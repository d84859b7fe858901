"""Divergence watch of value models: Q against its bound, entropy of the logits, a fallen metric; means of each loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from reverie.data.batch import SequenceBatch, padded
from reverie.data.transitions import require_rewards

if TYPE_CHECKING:
    from reverie.data.sequences import Sequences

PROBES = 256
"""Most training histories on which values are read."""
SCORES = 2**23
"""Most scores that are held for it."""
SHARE_ABOVE = 0.05
"""Share of states with a value above the bound from which a run is flagged."""
FAR = 100.0
"""|Q| as a multiple of the bound from which a run is flagged; a conservative loss pushes values of items that were not chosen below
zero, so lower ones say nothing."""
LEAST_ENTROPY = 0.01
"""Entropy of the logits in nats under which a run is flagged."""
FALL = 0.5
"""Fall of the validation metric from its best, as a share of it, from which a run is flagged."""


@dataclass(frozen=True)
class Reading:
    """What was measured on the probes.

    Parameters
    ----------
    largest : float
        max |Q(s, a)| over states and items; NaN where any value is.
    bound : float
        r_max / (1 - γ), which no discounted return exceeds.
    share_above : float
        Share of states with a value Q(s, a) above the bound.
    entropy : float
        Mean entropy of the softmax of the logits, in nats.
    """

    largest: float
    bound: float
    share_above: float
    entropy: float

    def reasons(self, value: float = math.nan, best: float = math.nan) -> list[str]:
        """Return why a run is flagged, one short sentence each; empty where nothing is wrong.

        Parameters
        ----------
        value, best : float
            The validation metric now, and its best so far; NaN where there is none.

        Returns
        -------
        list of str
            At most three.
        """
        found = []
        if not math.isfinite(self.largest):
            found.append("Q has values that are NaN or infinite")
        elif self.share_above > SHARE_ABOVE or self.largest > FAR * self.bound:
            above = f"in {self.share_above:.0%} of the states a Q lies above r_max/(1-γ) = {self.bound:.3g}"
            found.append(f"{above} (largest |Q| {self.largest:.3g})")
        if not self.entropy >= LEAST_ENTROPY:
            found.append(f"the logits have an entropy of {self.entropy:.2g} nats")
        if value < (1 - FALL) * best:
            found.append(f"the validation metric fell from {best:.4g} to {value:.4g}")
        return found


class HasValues(Protocol):
    """A model with Q values and logits."""

    @property
    def n_items(self) -> int:
        """Size N of the catalogue."""

    @property
    def gamma(self) -> float:
        """Discount γ of its values."""

    def scores_by(self, policy: str, batch: SequenceBatch) -> Tensor:
        """Return the Q values (policy ``q``) or logits (``ce``) of all items → [B, N]."""


@torch.no_grad()
def read(model: HasValues, probes: SequenceBatch, largest_reward: float) -> Reading:
    """Measure a model on some histories.

    Parameters
    ----------
    model : HasValues
        A value model.
    probes : SequenceBatch
        Histories; as many of the first ones are used as fit into memory.
    largest_reward : float
        r_max, the largest |reward| of the training events.

    Returns
    -------
    Reading
        Largest |Q|, share of states above the bound, entropy.
    """
    few = slice(max(1, min(probes.size, SCORES // model.n_items)))
    batch = SequenceBatch(probes.items[few], probes.lengths[few], probes.users[few])
    values = model.scores_by("q", batch)
    bound = largest_reward / (1 - model.gamma)
    logs = model.scores_by("ce", batch).float().log_softmax(1)
    entropy = -(logs.exp() * logs).sum(1).mean()
    above = values.amax(1) > bound * (1 + 1e-6)
    return Reading(float(values.abs().max()), bound, float(above.float().mean()), float(entropy))


class Watch(nn.Module):
    """Sums of the losses since the last epoch, the best metric so far, and histories on which a model is read."""

    sums: Tensor
    best: Tensor
    largest_reward: Tensor

    def __init__(self, n_terms: int) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(n_terms + 1))
        self.register_buffer("best", torch.full((), -math.inf))
        self.register_buffer("largest_reward", torch.full((), 1.0))
        self._probes: SequenceBatch | None = None
        self._told: set[str] = set()

    def observe(self, train: Sequences, history: int) -> None:
        """Choose training histories to read values on, evenly spaced, and find the largest reward."""
        rewards = require_rewards(train).columns["reward"][train.positions()]
        self.largest_reward.fill_(float(np.abs(rewards).max(initial=0)))
        rows = np.flatnonzero(train.lengths > 0)
        rows = rows[np.linspace(0, len(rows) - 1, min(PROBES, len(rows))).astype(np.int64)]
        starts, stops = np.maximum(train.starts[rows], train.stops[rows] - history), train.stops[rows]
        items = torch.from_numpy(padded(train.items, starts, stops))
        self._probes = SequenceBatch(items, torch.from_numpy(stops - starts), torch.from_numpy(train.users[rows]))

    def add(self, losses: Sequence[Tensor | None]) -> None:
        """Add the losses of a step."""
        zero = self.sums.new_zeros(())
        self.sums += torch.stack([*(zero if one is None else one.to(zero) for one in losses), zero + 1])

    def report(self, model: Any, names: Sequence[str], row: dict[str, Any]) -> list[str]:
        """Write means of the losses and a reading into the row of an epoch; return new reasons to flag the run."""
        *sums, steps = self.sums.tolist()
        row |= {name: total / max(1.0, steps) for name, total in zip(names, sums, strict=True)}
        self.sums.zero_()
        if self._probes is None:
            return []
        model.eval()
        reading = read(model, self._probes.to(self.sums.device), float(self.largest_reward))
        value = next((row[name] for name in row if name.startswith("valid_")), math.nan)
        best = float(self.best)
        reasons = reading.reasons(value, best)
        if value > best:
            self.best.fill_(value)
        cells = {"q_largest": reading.largest, "q_bound": reading.bound, "q_share_above": reading.share_above}
        cells |= {"entropy": reading.entropy, "flagged": int(bool(reasons))}
        row |= {name: cell for name, cell in cells.items() if math.isfinite(cell)}
        new = [reason for reason in reasons if _kind(reason) not in self._told]
        self._told |= {_kind(reason) for reason in new}
        return [f"flagged in epoch {row['epoch']}: {reason}" for reason in new]


def _kind(reason: str) -> str:
    """Return a reason without its numbers."""
    return "".join(letter for letter in reason if not letter.isdigit())
