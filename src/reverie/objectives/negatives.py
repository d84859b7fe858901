"""Samplers of negatives, what they draw, and false negatives injected on purpose."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.data.sequences import Sequences
from reverie.objectives.config import NegativesConfig
from reverie.objectives.pool import check_at_least_one
from reverie.processes import gather_codes
from reverie.protocols import Head


@dataclass(frozen=True)
class Negatives:
    """Items drawn for a batch of targets.

    Parameters
    ----------
    items : Tensor, shape [M, K] or [K], int64
        Item codes per row, or shared by all rows. They may hit a row's own target: see `mask`.
    log_q : Tensor, shape of items or [1]
        Log of the probability with which one draw gives the item.
    n : int
        Number of draws that q describes: K, but K - 1 for in-batch negatives, where a row's own target is not drawn.
    """

    items: Tensor
    log_q: Tensor
    n: int

    def mask(self, targets: Tensor) -> Tensor:
        """Return which negatives hit their own row's target.

        Parameters
        ----------
        targets : Tensor, shape [M], int64

        Returns
        -------
        Tensor, shape [M, K], bool
            True at a hit.
        """
        return self.items == targets[:, None]

    def log_expected(self) -> Tensor:
        """Return log(n q), the log of how often each item is expected among the draws.

        Returns
        -------
        Tensor, shape of log_q
            For a logQ correction.
        """
        return self.log_q + float(np.log(self.n))


def score_draws(states: Tensor, targets: Tensor, head: Head, drawn: Negatives) -> tuple[Tensor, Tensor]:
    """Return the scores of targets and of drawn negatives; draws that hit a row's own target score -inf.

    states [M, D], targets [M] → [M], [M, K].
    """
    if drawn.items.dim() == 1:
        positive, negative = head.scores(states, targets[:, None])[:, 0], head.scores(states, drawn.items)
    else:
        scores = head.scores(states, torch.cat([targets[:, None], drawn.items], 1))
        positive, negative = scores[:, 0], scores[:, 1:]
    return positive, negative.masked_fill(drawn.mask(targets), float("-inf"))


def apply_weight(loss: Tensor, weight: Tensor | None) -> Tensor:
    """Return losses times weights; loss [M], weight [M] → [M]."""
    if weight is None:
        return loss
    if weight.shape != loss.shape:
        raise ValueError(f"weight must have shape {list(loss.shape)}, one per state, got {list(weight.shape)}")
    return loss * weight


class FalseNegatives:
    """Replaces a share of drawn negatives by random training items of the row's user, as in the noise study of BSL."""

    def __init__(self, train: Sequences, share: float) -> None:
        self.share = share
        self._items = torch.from_numpy(train.items[train.positions()].astype("int64"))
        lengths = torch.from_numpy(train.lengths.astype("int64"))
        size = int(train.users.max()) + 1 if len(train.users) else 0
        self._first, self._counts = torch.zeros(size, dtype=torch.int64), torch.zeros(size, dtype=torch.int64)
        users = torch.from_numpy(train.users.astype("int64"))
        self._first[users], self._counts[users] = lengths.cumsum(0) - lengths, lengths

    def inject(self, drawn: Negatives, users: Tensor | None) -> Negatives:
        """Return draws with some replaced; users [M]."""
        if users is None:
            raise ValueError("users must be given where false negatives are injected")
        items = drawn.items.expand(len(users), -1)
        device = items.device
        self._items, self._first, self._counts = (x.to(device) for x in (self._items, self._first, self._counts))
        counts = self._counts[users][:, None]
        chance = torch.randint(2**53, items.shape, device=device)  # ⌊chance · counts / 2^53⌋, by halves that fit into int64
        at = self._first[users][:, None] + (((chance >> 27) * counts + ((chance % 2**27 * counts) >> 27)) >> 26)
        swapped = (torch.rand(items.shape, device=device) < self.share) & (counts > 0)
        return replace(drawn, items=torch.where(swapped, self._items[at.clamp(max=len(self._items) - 1)], items))


_GRAIN = 2**40
"""Popularity is drawn with whole numbers that sum to about this, so draws are exact on every device."""


class Sampler(Protocol):
    """Draws negatives."""

    def draw(self, targets: Tensor) -> Negatives:
        """Draw for a batch of targets [M], item codes 1..N."""


class Uniform:
    """Every item alike, with replacement."""

    def __init__(self, n_items: int, n: int, shared: bool = False) -> None:
        check_at_least_one(n_items=n_items, n=n)
        self.n_items, self.n, self.shared = n_items, n, shared

    def draw(self, targets: Tensor) -> Negatives:
        """Draw items; targets [M]."""
        items = torch.randint(1, self.n_items + 1, _shape(self.n, self.shared, targets), device=targets.device)
        return Negatives(items, torch.full((1,), -float(np.log(self.n_items)), device=targets.device), self.n)


class Popularity:
    """Items in proportion to a power of their counts, with replacement; an item never seen is never drawn; counts [N + 1]."""

    def __init__(self, counts: NDArray[Any], n: int, shared: bool = False, power: float = 1.0) -> None:
        check_at_least_one(n=n)
        if not power >= 0:
            raise ValueError(f"power must not be negative, got {power}")
        share = _shares(counts, power)
        weights = np.where(share > 0, np.maximum(np.rint(share * _GRAIN), 1), 0).astype(np.int64)
        self.n, self.shared = n, shared
        self._total = int(weights.sum())
        self._edges = torch.from_numpy(np.cumsum(weights))
        with np.errstate(divide="ignore"):
            self._log_q = torch.from_numpy(np.log(weights / self._total).astype(np.float32))

    def draw(self, targets: Tensor) -> Negatives:
        """Draw items; targets [M]."""
        self._edges, self._log_q = self._edges.to(targets.device), self._log_q.to(targets.device)
        at = torch.randint(self._total, _shape(self.n, self.shared, targets), device=targets.device)
        rows = torch.searchsorted(self._edges, at, right=True)
        return Negatives(rows + 1, self._log_q[rows], self.n)


class InBatch:
    """The targets of the batch, shared by all its rows; equal targets are hits and get masked; counts [N + 1]."""

    def __init__(self, counts: NDArray[Any] | None = None) -> None:
        self._log_q: Tensor | None = None
        if counts is not None:
            share = _shares(np.maximum(counts, 1) if len(counts) > 1 and np.min(counts[1:]) >= 0 else counts, 1.0)
            self._log_q = torch.from_numpy(np.log(share).astype(np.float32))

    def draw(self, targets: Tensor) -> Negatives:
        """Return the targets as negatives; targets [M]."""
        items = gather_codes(targets)
        if self._log_q is None:
            _, group, sizes = torch.unique(items, return_inverse=True, return_counts=True)
            log_q = (sizes[group] / len(items)).log()
        else:
            self._log_q = self._log_q.to(items.device)
            log_q = self._log_q[items - 1]
        return Negatives(items, log_q, max(len(items) - 1, 1))


def create_sampler(config: NegativesConfig, n_items: int, counts: NDArray[Any] | None = None) -> Sampler:
    """Return the sampler that a configuration asks for.

    Parameters
    ----------
    config : NegativesConfig
    n_items : int
        Size N of the catalogue.
    counts : ndarray or None, shape [N + 1]
        Training counts by item code; needed by `popularity`, used by `in_batch`.

    Returns
    -------
    Sampler
        Ready to draw.

    Raises
    ------
    ValueError
        If `counts` is missing where it is needed or has another shape.
    """
    if counts is not None and counts.shape != (n_items + 1,):
        raise ValueError(f"counts must have shape [{n_items + 1}], one per item code and one for padding, got {list(counts.shape)}")
    if config.source == "uniform":
        return Uniform(n_items, config.n, config.shared)
    if config.source == "in_batch":
        return InBatch(counts)
    if counts is None:
        raise ValueError("counts must be given for negatives drawn by popularity")
    return Popularity(counts, config.n, config.shared, config.power)


def _shares(counts: NDArray[Any], power: float) -> NDArray[np.float64]:
    """Return counts of items 1..N to a power, as shares of 1; what does not occur stays 0."""
    values = np.asarray(counts, dtype=np.float64)[1:]
    if not len(values) or not np.all(values >= 0) or not values.max() > 0:
        raise ValueError(f"counts must be at least 0, with one above 0 among items 1..N, got shape {list(np.shape(counts))}")
    scaled = np.where(values > 0, (values / values.max()) ** power, 0.0)
    share: NDArray[np.float64] = scaled / scaled.sum()
    return share


def _shape(n: int, shared: bool, targets: Tensor) -> tuple[int, ...]:
    return (n,) if shared else (len(targets), n)
