"""Fake-profile detection by the likelihood of sequences under a Markov chain.

Our own, after the use of likelihood in one-class detection; the sequence model is a first-order Markov chain backed by popularity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences
    from reverie.robustness.detectors.config import SequenceLikelihoodConfig
    from reverie.robustness.detectors.detector import DetectorInput


class SequenceLikelihood:
    """How far a user's mean log-likelihood per event lies from the median of all users, in robust standard deviations."""

    supervised: ClassVar[bool] = False

    def __init__(self, backing: float, tails: str) -> None:
        self.backing, self.tails = backing, tails

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return distances from the middle → [U]."""
        suspicion = np.zeros(inputs.ratings.n_users)
        some = inputs.sequences.lengths > 0
        if not some.any():
            return suspicion
        likelihood = mean_log_likelihood(inputs.sequences, self.backing)[some]
        away = likelihood - np.median(likelihood)
        spread = 1.4826 * float(np.median(np.abs(away))) or 1.0
        sign = {"both": np.abs(away), "low": -away, "high": away}
        suspicion[inputs.sequences.users[some]] = sign[self.tails] / spread
        return suspicion


def mean_log_likelihood(sequences: Sequences, backing: float) -> NDArray[np.float64]:
    """Return how likely each row is under a Markov chain learnt from all the others → [rows]."""
    item, row = sequences.items[sequences.positions()].astype(np.int64), sequences.event_rows()
    n, width = sequences.vocabulary.n_items, sequences.vocabulary.n_items + 1
    before = np.where(np.diff(row, prepend=-1) != 0, 0, np.concatenate([[0], item[:-1]])[: len(item)])
    count = np.bincount(item, minlength=width)[item] - _same(row, item)
    total = len(item) - sequences.lengths[row]
    popularity = (count + 1.0) / (total + n)
    together = _same(before, item) - _same(row, before * width + item)
    from_there = np.bincount(before, minlength=width)[before] - _same(row, before)
    chance = np.where(before > 0, (together + backing * popularity) / (from_there + backing), popularity)
    return np.asarray(np.bincount(row, weights=np.log(chance), minlength=len(sequences)) / np.maximum(sequences.lengths, 1))


def _same(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many events share both numbers with this one, itself included."""
    _, back, counts = np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True, return_counts=True)
    return np.asarray(counts[back])


def build(config: SequenceLikelihoodConfig) -> SequenceLikelihood:
    """Return the detector.

    Parameters
    ----------
    config : SequenceLikelihoodConfig

    Returns
    -------
    SequenceLikelihood
        Ready.
    """
    return SequenceLikelihood(config.backing, config.tails)
