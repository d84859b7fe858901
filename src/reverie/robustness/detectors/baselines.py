"""Baselines of fake-profile detection: one statistic of a profile, a random draw, and the likelihood of its sequence."""

from __future__ import annotations

import numpy as np

from reverie.data.sequences import Sequences
from reverie.robustness.arena import Codes, Floats
from reverie.robustness.detectors.config import OneNumberConfig, SequenceLikelihoodConfig
from reverie.robustness.detectors.detector import BaseDetector, DetectorInput
from reverie.robustness.detectors.features import per_user
from reverie.seeds import numpy_generator


class OneNumberDetector(BaseDetector[OneNumberConfig]):
    """Suspect users with a high (or low) number."""

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return the number → [U]."""
        ratings = inputs.ratings
        data = ratings.matrix.data.astype(np.float64)
        if self.config.number == "random":
            value = numpy_generator(seed, "random-flag").random(ratings.n_users)
        elif self.config.number == "profile-length":
            value = ratings.lengths.astype(np.float64)
        elif self.config.number == "mean-rating":
            value = per_user(ratings, data)
        elif self.config.number == "item-popularity":
            value = per_user(ratings, ratings.item_counts[ratings.matrix.indices].astype(np.float64))
        else:
            value = (per_user(ratings, (data >= ratings.scale.high).astype(np.float64)) > 0).astype(np.float64)
        return -value if self.config.lowest else value


class SequenceLikelihood(BaseDetector[SequenceLikelihoodConfig]):
    """How far a user's mean log-likelihood per event lies from the median of all users, in robust standard deviations.

    Our own, after the use of likelihood in one-class detection; the sequence model is a first-order Markov chain backed by
    popularity.
    """

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return distances from the middle → [U]."""
        suspicion = np.zeros(inputs.ratings.n_users)
        some = inputs.sequences.lengths > 0
        if not some.any():
            return suspicion
        likelihood = mean_log_likelihood(inputs.sequences, self.config.backing)[some]
        away = likelihood - np.median(likelihood)
        spread = 1.4826 * float(np.median(np.abs(away))) or 1.0
        sign = {"both": np.abs(away), "low": -away, "high": away}
        suspicion[inputs.sequences.users[some]] = sign[self.config.tails] / spread
        return suspicion


def mean_log_likelihood(sequences: Sequences, backing: float) -> Floats:
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


def _same(first: Codes, second: Codes) -> Codes:
    """How many events share both numbers with this one, itself included."""
    _, back, counts = np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True, return_counts=True)
    return np.asarray(counts[back])
