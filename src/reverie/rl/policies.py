"""Policies: how likely each item is shown after a history; from a recommender, or from a table by state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from reverie.data.batch import SequenceBatch
from reverie.data.recode import Recoder
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError, RunError, unknown
from reverie.evaluation.ranking import LARGEST, evaluation_mode
from reverie.options import Options, checked
from reverie.protocols import Recommender

Probabilities = NDArray[np.float64]
KINDS = ("argmax", "softmax", "epsilon-top-k", "plackett-luce")


class PolicyOptions(Options):
    """How a recommender's scores become probabilities."""

    kind: Literal["argmax", "softmax", "epsilon-top-k", "plackett-luce"] = "argmax"
    """``argmax`` shows the best item; ``softmax`` draws by exp(score / temperature); ``epsilon-top-k`` draws among the best k, and
    with probability epsilon among all; ``plackett-luce`` draws lists without replacement by exp(score / temperature), so its first
    place is ``softmax``."""
    temperature: PositiveFloat = 1.0
    """In units of the scores."""
    epsilon: float = Field(default=0.1, ge=0, le=1)
    k: PositiveInt = 10


class Policy(Protocol):
    """Says how likely each item is to be shown next."""

    def probabilities(self, batch: SequenceBatch) -> Probabilities:
        """Return the probability of each item after each history; column j is item code j + 1; shape [B, N], rows add up to 1."""


def action_probabilities(scores: NDArray[Any], options: PolicyOptions) -> Probabilities:
    """Return the exact probability of each item to stand first; equal scores share what they get.

    Parameters
    ----------
    scores : ndarray, shape [B, N]
        Higher is better; minus infinity is never shown. Each row has a finite score.
    options : PolicyOptions
        How scores become probabilities.

    Returns
    -------
    ndarray, shape [B, N], float64
        Rows add up to 1.
    """
    scores = scores.astype(np.float64)
    open_items = scores > -np.inf
    if options.kind in ("softmax", "plackett-luce"):
        with np.errstate(over="ignore"):  # at a temperature near 0 all but the best are minus infinity
            weights = np.exp((scores - scores.max(axis=1, keepdims=True)) / options.temperature)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))
    if options.kind == "argmax":
        return _top(scores, open_items, 1)
    anything = open_items / open_items.sum(axis=1, keepdims=True)
    return np.asarray((1 - options.epsilon) * _top(scores, open_items, options.k) + options.epsilon * anything)


def _top(scores: NDArray[np.float64], open_items: NDArray[np.bool_], k: int) -> Probabilities:
    """Return 1 / k for the best k open items, those that tie at the last place sharing it; scores [B, N] → [B, N]."""
    k = min(k, scores.shape[1])
    if k == 1:
        best = scores == scores.max(axis=1, keepdims=True)
        return np.asarray(best / best.sum(axis=1, keepdims=True))
    last = np.partition(scores, -k, axis=1)[:, -k, None]
    above = (scores > last) & open_items
    level = (scores == last) & open_items
    left = k - above.sum(axis=1, keepdims=True)
    weights = above + level * left / np.maximum(level.sum(axis=1, keepdims=True), 1)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def sample(probabilities: Probabilities, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draw one item code per row by the inverse of the distribution function, so that equal uniforms give paired draws.

    Parameters
    ----------
    probabilities : ndarray, shape [B, N]
        Rows add up to 1.
    uniforms : ndarray, shape [B]
        In [0, 1).

    Returns
    -------
    ndarray, shape [B], int64
        Item codes 1..N of positive probability.
    """
    reached = np.cumsum(probabilities, axis=1)
    return np.asarray(np.argmax(reached > (uniforms * reached[:, -1])[:, None], axis=1) + 1)


def sample_lists(probabilities: Probabilities, k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw lists of k item codes without replacement, place by place (Plackett–Luce), by the k largest of log p + Gumbel noise.

    Parameters
    ----------
    probabilities : ndarray, shape [B, N]
        Of the first place; each row has k positive ones.
    k : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape [B, k], int64
        Item codes 1..N, in the order of their places.

    Notes
    -----
    Kool, van Hoof and Welling, Stochastic beams and where to find them, ICML 2019, section 2.3.
    """
    with np.errstate(divide="ignore"):
        keys = np.log(probabilities) + rng.gumbel(size=probabilities.shape)
    return np.argsort(-keys, axis=1, kind="stable")[:, :k] + 1


def list_probability(probabilities: Probabilities, lists: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability that `sample_lists` draws each list: ``Π_j p(a_j) / (1 - Σ_{i<j} p(a_i))``; lists [B, k] → [B]."""
    chosen = np.take_along_axis(probabilities, lists - 1, axis=1)
    before = np.cumsum(chosen, axis=1) - chosen
    factors = np.divide(chosen, 1 - before, out=np.zeros_like(chosen), where=before < 1)
    return np.asarray(np.minimum(factors, 1.0).prod(axis=1))


class StatePolicy:
    """A policy that reads a history by its state alone; table [S, N] of probabilities, states: batch → [B]."""

    def __init__(self, table: Probabilities, states: Callable[[SequenceBatch], NDArray[np.int64]]) -> None:
        self.table, self.states = table, states

    def probabilities(self, batch: SequenceBatch) -> Probabilities:
        """Return the rows of the table → [B, N]."""
        return self.table[self.states(batch)]


class RankedByState:
    """A policy that ranks items by scores of its state, and may leave out items of the history.

    scores [S, N]; kind of `PolicyOptions`; states: batch → [B].
    """

    def __init__(
        self,
        scores: NDArray[np.float64],
        states: Callable[[SequenceBatch], NDArray[np.int64]],
        repeats: bool,
        kind: Literal["argmax", "softmax"] = "argmax",
    ) -> None:
        self.scores, self.states, self.repeats, self.options = scores, states, repeats, PolicyOptions(kind=kind)
        self.table = action_probabilities(scores, self.options) if repeats else None
        """Probabilities by state where items may come again, shape [S, N]."""

    def probabilities(self, batch: SequenceBatch) -> Probabilities:
        """Return the probability of each item → [B, N]."""
        states = self.states(batch)
        if self.table is not None:
            return self.table[states]
        return action_probabilities(_without_seen(self.scores[states], batch.items.numpy()), self.options)


class ModelPolicy:
    """A recommender that acts, in the item codes of a world or a log; made by `policy_of`."""

    def __init__(self, model: Recommender, options: PolicyOptions, vocabulary: Vocabulary, repeats: bool = True) -> None:
        self.model, self.options, self.vocabulary, self.repeats = model, options, vocabulary, repeats
        coder = Recoder(vocabulary, model.card.vocabulary)
        self.codes, self.users = coder.items, coder.users
        """Of each own item and user, the model's code; 0 and -1 where it knows none."""
        self.n_unknown = int((self.codes[1:] == 0).sum())
        if self.n_unknown == vocabulary.n_items:
            ids = f"{model.card.vocabulary.items[0]!r} there and {vocabulary.items[0]!r} here"
            raise DataError(
                f"model '{model.card.name}' knows none of the items here: ids look like {ids}; train it on these items, or "
                "let it act where its own are"
            )

    def probabilities(self, batch: SequenceBatch) -> Probabilities:
        """Return the probability of each of the vocabulary's items, 0 for those that the model does not know → [B, N]."""
        return action_probabilities(self.per_item("scores", batch), self.options)

    def per_item(self, method: str, batch: SequenceBatch) -> NDArray[np.float64]:
        """Return what ``scores`` or ``q_values`` of the model says of each item, minus infinity where it may not be shown.

        batch in the codes of the vocabulary, any number of rows → [B, N].
        """
        width = self.model.card.vocabulary.n_items
        size = max(1, min(512, LARGEST // (4 * width)))
        parts = [self._some(method, batch, slice(at, at + size)) for at in range(0, batch.size, size)]
        values = np.concatenate(parts) if parts else np.zeros((0, width))
        known = np.where(self.codes[1:] > 0, values[:, np.maximum(self.codes[1:] - 1, 0)], -np.inf)
        return known if self.repeats else _without_seen(known, batch.items.numpy())

    def _some(self, method: str, batch: SequenceBatch, rows: slice) -> NDArray[np.float64]:
        asked = in_codes(batch, rows, self.codes, self.users, self.model.history)
        with evaluation_mode(self.model, None, 0) as device:
            values = getattr(self.model, method)(asked.to(device)).double().cpu().numpy()
        if not np.isfinite(values).all():
            raise RunError(f"model '{self.model.card.name}' returned {method} that are not finite; train it with a smaller rate")
        return np.asarray(values)


def _without_seen(values: NDArray[np.float64], items: NDArray[np.int64]) -> NDArray[np.float64]:
    """Put minus infinity where an item stands in its history, unless nothing would be left; values [B, N], items [B, L]."""
    columns = np.concatenate([np.full((len(values), 1), -np.inf), values], axis=1)  # code 0 is padding
    np.put_along_axis(columns, items, -np.inf, axis=1)
    left = columns.max(axis=1, keepdims=True) > -np.inf
    return np.where(left, columns[:, 1:], values)


def in_codes(
    batch: SequenceBatch, rows: slice, codes: NDArray[np.int32], users: NDArray[np.int64], history: int | None
) -> SequenceBatch:
    """Return rows of a batch in other codes: unknown items are left out, and only the last `history` events stay.

    codes [N + 1], users [U + 1] as in `Recoder`.
    """
    items, lengths = codes[batch.items[rows].numpy()].astype(np.int64), batch.lengths[rows].numpy()
    if not codes[1:].all():
        order = np.argsort(np.equal(items, 0), axis=1, kind="stable")
        items, lengths = np.take_along_axis(items, order, axis=1), np.count_nonzero(items, axis=1)
    kept = lengths if history is None else np.minimum(lengths, history)
    column = np.arange(max(int(kept.max(initial=0)), 1))
    at = np.where(column < kept[:, None], (lengths - kept)[:, None] + column, 0)
    shown = np.where(column < kept[:, None], np.take_along_axis(items, at, axis=1), 0)
    return SequenceBatch(torch.from_numpy(shown), torch.from_numpy(kept), torch.from_numpy(users[batch.users[rows].numpy()]))


def policy_of(
    model: Recommender, kind: str = "argmax", vocabulary: Vocabulary | None = None, *, repeats: bool = True, **options: Any
) -> ModelPolicy:
    """Make a policy of a recommender.

    Parameters
    ----------
    model : Recommender
        A fitted model.
    kind : {"argmax", "softmax", "epsilon-top-k", "plackett-luce"}
        See `PolicyOptions`.
    vocabulary : Vocabulary, optional
        In whose codes histories come and probabilities go, as those of a world or of a log; the model's by default. Items and users
        are matched by id.
    repeats : bool
        Whether items of the history may be shown again.
    **options
        ``temperature``, ``epsilon``, ``k``.

    Returns
    -------
    ModelPolicy
        With exact `probabilities`.

    Raises
    ------
    ConfigError
        If an option is wrong.
    DataError
        If the model knows none of the items.
    """
    if kind not in KINDS:
        raise unknown("policy", kind, KINDS)
    checked_options = checked(PolicyOptions, {"kind": kind, **options}, "the policy")
    return ModelPolicy(model, checked_options, vocabulary or model.card.vocabulary, repeats)
