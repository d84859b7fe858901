"""How well a support vector machine tells classes apart by vectors, on parts that it has not learnt from."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from reverie.contrast.task import Measure
from reverie.errors import DataError
from reverie.evaluation.paired_seeds import t_interval
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = tuple(10.0**power for power in range(-3, 4))
"""Values of C that are tried, as in GraphCL."""
STEPS = 100_000
"""Bound on the solver's steps, which it may otherwise take without end; on PROTEINS the largest C took 56,000."""


def check_folds(labels: NDArray[np.int64], folds: int, inner_folds: int) -> None:
    """Raise an error if a class is too small to be in every part; labels [B]."""
    counts = np.bincount(labels)
    least = int(counts[counts > 0].min())
    if (counts > 0).sum() < 2:
        raise DataError("graphs of one class only cannot be told apart; take data with two classes or more")
    if least < folds or least - -(-least // folds) < inner_folds:
        parts = f"folds={folds} with inner_folds={inner_folds}"
        raise DataError(f"the smallest class has {least} graphs, too few for {parts}: take fewer folds or other data")


def svc_accuracy(
    vectors: NDArray[np.floating], labels: NDArray[np.int64], folds: int, inner_folds: int, scaled: bool, seed: int
) -> tuple[float, Measure]:
    """Return the accuracy of support vector machines in stratified cross-validation; vectors [B, D], labels [B]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    outer_state, inner_state = (int(state) for state in numpy_generator(seed, "graph folds").integers(2**31, size=2))
    machine = make_pipeline(StandardScaler(with_mean=scaled, with_std=scaled), SVC(max_iter=STEPS))
    inner = StratifiedKFold(inner_folds, shuffle=True, random_state=inner_state)
    accuracies, chosen = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for others, tested in StratifiedKFold(folds, shuffle=True, random_state=outer_state).split(vectors, labels):
            search = GridSearchCV(machine, {"svc__C": GRID}, cv=inner).fit(vectors[others], labels[others])
            accuracies.append(float(search.score(vectors[tested], labels[tested])))
            chosen.append(float(search.best_score_))
    return float(np.mean(chosen)), _over_folds(np.array(accuracies), len(labels))


def _over_folds(values: NDArray[np.float64], n: int) -> Measure:
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    return Measure(mean, n, *t_interval(mean, spread, len(values)), f"folds({len(values)})", spread)
