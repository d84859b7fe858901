"""VMIS-kNN (Kersbergen et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences, row_offsets
from reverie.models import counting
from reverie.models.vmis_knn.config import VMISKNNConfig
from reverie.seeds import numpy_generator


@dataclass(frozen=True)
class Sessions:
    """The distinct items of each session, oldest session first, as a CSR pattern; indptr [S + 1], items [E]."""

    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    n_items: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def by_item(self, m: int) -> csr_array[np.float64]:
        """Return which are the most recent sessions of each item → [N, S]."""
        sessions = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        order = np.argsort(self.items, kind="stable")  # within an item the sessions stay in the order of time
        counts = np.bincount(self.items, minlength=self.n_items)
        before_end = np.repeat(np.cumsum(counts), counts) - np.arange(len(order))
        kept = before_end <= m
        indptr = row_offsets(np.minimum(counts, m))
        return csr_array((np.ones(int(kept.sum())), sessions[order[kept]], indptr), shape=(self.n_items, len(self)))

    def by_session(self, idf: float) -> csr_array[np.float32]:
        """Return the items of each session with their weights → [S, N]."""
        counts = np.bincount(self.items, minlength=self.n_items)
        weight = np.log(max(len(self), 1) / np.maximum(counts, 1)) ** idf
        return csr_array((weight[self.items].astype(np.float32), self.items, self.indptr), shape=(len(self), self.n_items))


def index_sessions(train: Sequences) -> Sessions:
    """Return the training rows as sessions in order of recency."""
    rows = np.flatnonzero(train.lengths > 0)
    if "time" in train.columns:
        rows = rows[np.argsort(train.columns["time"][train.stops[rows] - 1], kind="stable")]
    sessions = train.take(rows)
    n_items = train.vocabulary.n_items
    keys = np.unique(sessions.event_rows() * n_items + sessions.items[sessions.positions()] - 1)
    counts = np.bincount(keys // max(n_items, 1), minlength=len(rows))
    indptr = row_offsets(counts)
    return Sessions(indptr, (keys % max(n_items, 1)).astype(np.int32), n_items)


SPACE: dict[str, tuple[Any, ...]] = {
    "m": (250, 500, 1000, 5000), "k": (50, 100, 200, 500), "decay": ("linear", "harmonic"), "match_decay": (True, False),
    "idf": (0.0, 0.5, 1.0, 2.0), "history": (3, 5, 10, 20),
}  # fmt: skip
"""Values that each option is drawn from, all equally likely."""
_DECAYS = ("linear", "harmonic")


class VMISKNN(counting.CountingModel[VMISKNNConfig]):
    """Score of item j: ``Σ_n r_n λ(a_n) log(S / S_j) ** idf`` over the k nearest sessions n that hold item j.

    ``r_n`` sums the weights of the items of the history that session n holds, each item once, at its last occurrence. The item
    ``a`` events before the last of l weighs ``l - a`` (linear; the common factor 1 / l of a history changes no ranking and is
    left out) or ``1 / (a + 1)`` (harmonic). Candidates are found through an index of the m most recent sessions of each item;
    the m most recent candidates stay. ``a_n`` is the number of events since the last shared item and
    ``λ(a) = max(0, 1 - 0.1 a)``. Of equally near sessions the more recent one is taken. S is the number of sessions, S_j how many
    hold item j. A history for which all scores are 0 (nobody shares it) is scored by the items' share of training events. A
    user's own training row is a session like any other.

    .. [1] Kersbergen, Sprangers and Schelter, Serenade: low-latency session-based recommendation in e-commerce at scale, SIGMOD
       2022 (the index, m and k). Deviations: sparse products over a batch instead of heaps for one session; the exact shapes of
       the two decays and of idf are those written above, after Ludewig and Jannach, User Modeling and User-Adapted Interaction
       28, 2018 (V-SKNN).
    """

    name = "vmis-knn"
    stored = (("indptr", None), ("items", None), ("setting", len(SPACE)), ("share", 0))

    def fit_counts(self, train: Sequences, measure: counting.Measure = None, seed: int = 0) -> dict[str, Any]:
        """Index the sessions, and choose options on validation where that is asked for."""
        sessions, share = index_sessions(train), counting.compute_event_share(train)

        def take(config: VMISKNNConfig) -> None:
            numbers = [config.m, config.k, _DECAYS.index(config.decay), config.match_decay, config.idf, config.history]
            setting = np.array(numbers, dtype=np.float64)
            self._take({"indptr": sessions.indptr, "items": sessions.items, "setting": setting, "share": share})

        settings = counting.random_settings(self.config, SPACE, self.config.trials, numpy_generator(seed, "vmis_knn", "search"))
        return self._choose(settings, take, measure, SPACE)

    def _take(self, arrays: counting.Arrays) -> None:
        sessions = Sessions(arrays["indptr"], arrays["items"], self.n_items)
        self._check_fit(len(sessions.indptr) > 0 and int(sessions.indptr[-1]) == len(sessions.items), sessions.items)
        m, k, decay, match_decay, idf, history = arrays["setting"].tolist()
        values = {"m": int(m), "k": int(k), "decay": _DECAYS[int(decay)], "match_decay": bool(match_decay)}
        self._setting = self.config.model_copy(update={**values, "idf": idf, "history": int(history)})
        self.history = self._setting.history
        self._by_item, self._by_session = sessions.by_item(self._setting.m), sessions.by_session(idf)
        super()._take(arrays)

    def _score(self, batch: SequenceBatch, arrays: counting.Arrays) -> Tensor:
        """Return weighted votes of the nearest sessions → [B, N]."""
        summed = counting.dense_product(self.neighbours(batch), self._by_session)
        summed[~summed.any(dim=1)] = torch.from_numpy(arrays["share"])
        return summed

    def neighbours(self, batch: SequenceBatch) -> csr_array[np.float32]:
        """Return the k nearest sessions of each history, for an explanation as well as for scores → [B, S]."""
        setting = self._setting
        rows, ago, lengths = _last_occurrences(batch, self.n_items, setting.history)
        weight = lengths - ago if setting.decay == "linear" else 1 / (ago + 1)
        nearness = csr_array((weight.astype(np.float64), rows.indices, rows.indptr), shape=rows.shape) @ self._by_item
        row, session = np.repeat(np.arange(len(batch.items)), np.diff(nearness.indptr)), nearness.indices
        value = nearness.data.astype(np.float32)
        if setting.match_decay:
            marks = csr_array((0.5**ago, rows.indices, rows.indptr), shape=rows.shape) @ self._by_item
            since = 1 - np.frexp(marks.data)[1]  # a sum of distinct powers of 1/2 lies below twice the largest of them
            match = np.maximum(0.0, 1 - 0.1 * since).astype(np.float32)
        else:
            match = np.ones_like(value)
        recent = counting.best_in_row(row, session.astype(np.float32), session, len(batch.items), setting.m)
        row, session, value, match = row[recent], session[recent], value[recent], match[recent]
        best = counting.best_in_row(row, value, session, len(batch.items), setting.k)
        return csr_array((value[best] * match[best], (row[best], session[best])), shape=(len(batch.items), nearness.shape[1]))


def _last_occurrences(
    batch: SequenceBatch, n_items: int, history: int
) -> tuple[csr_array[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct items of the newest events, and of each how many events ago and in how long a history it was."""
    rows = counting.history_rows(batch, n_items, np.ones(history, dtype=np.float32))
    counts = np.diff(rows.indptr)
    row = np.repeat(np.arange(len(counts)), counts)
    ago = np.repeat(rows.indptr[1:], counts) - 1 - np.arange(len(row))
    _, at = np.unique((row * n_items + rows.indices)[::-1], return_index=True)
    kept = np.sort(len(row) - 1 - at)
    distinct = row_offsets(np.bincount(row[kept], minlength=len(counts)))
    return csr_array((rows.data[kept], rows.indices[kept], distinct), shape=rows.shape), ago[kept], counts[row[kept]]
