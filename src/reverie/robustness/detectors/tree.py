"""A small decision tree: the classifier of several published detectors, without another package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Tree:
    """Nodes in the order they were made; the root is node 0; feature [K], threshold [K], left, right [K], chance [K]."""

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    chance: NDArray[np.float64]

    def __call__(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of class 1; features [U, F] → [U]."""
        at = np.zeros(len(features), dtype=np.int64)
        rows = np.arange(len(features))
        while (inner := self.feature[at] >= 0).any():
            goes_left = features[rows, np.maximum(self.feature[at], 0)] <= self.threshold[at]
            at = np.where(inner, np.where(goes_left, self.left[at], self.right[at]), at)
        return self.chance[at]


def grow_tree(
    features: NDArray[np.float64], labels: NDArray[np.bool_], depth: int = 6, leaf: int = 1, balanced: bool = True
) -> Tree:
    """Grow a tree by Gini impurity (Breiman, Friedman, Olshen and Stone 1984); features [M, F], labels [M]."""
    ones = labels.astype(np.float64)
    weight = np.ones(len(labels))
    if balanced and 0 < ones.sum() < len(ones):
        weight = np.where(labels, 0.5 / ones.sum(), 0.5 / (len(ones) - ones.sum())) * len(ones)
    base = float((weight * ones).sum() / weight.sum())
    feature, threshold, left, right, chance = [-1], [0.0], [0], [0], [base]
    waiting = [(0, np.arange(len(labels)), 0)]
    while waiting:
        node, rows, level = waiting.pop()
        w, p = weight[rows], (weight * ones)[rows]
        chance[node] = float((p.sum() + base) / (w.sum() + 1.0))
        question = _best_question(features[rows], w, p, leaf) if level < depth else None
        if question is None:
            continue
        feature[node], threshold[node] = question
        goes_left = features[rows, question[0]] <= question[1]
        left[node], right[node] = len(feature), len(feature) + 1
        waiting += [(left[node], rows[goes_left], level + 1), (right[node], rows[~goes_left], level + 1)]
        for whole in (feature, left, right):
            whole += [-1, -1] if whole is feature else [0, 0]
        for real in (threshold, chance):
            real += [base, base]
    return Tree(np.array(feature), np.array(threshold), np.array(left), np.array(right), np.array(chance))


def _best_question(x: NDArray[np.float64], w: NDArray[np.float64], p: NDArray[np.float64], leaf: int) -> tuple[int, float] | None:
    """Return the split with the largest fall of impurity ``Σ p (w - p) / w``, or None if no split lowers it."""
    total_w, total_p = w.sum(), p.sum()
    whole = total_p * (total_w - total_p) / total_w
    if whole <= 1e-12 or len(x) < 2 * leaf:
        return None
    order = np.argsort(x, axis=0, kind="stable")
    sorted_x = np.take_along_axis(x, order, axis=0)
    lw, lp = np.cumsum(w[order], axis=0)[:-1], np.cumsum(p[order], axis=0)[:-1]
    rw, rp = np.maximum(total_w - lw, 1e-300), total_p - lp
    impurity = lp * (lw - lp) / lw + rp * (rw - rp) / rw
    size = np.arange(1, len(x))[:, None]
    allowed = (np.diff(sorted_x, axis=0) > 0) & (size >= leaf) & (len(x) - size >= leaf)
    impurity = np.where(allowed, impurity, np.inf)
    column, row = np.unravel_index(int(np.argmin(impurity.T)), impurity.T.shape)
    if not impurity[row, column] < whole - 1e-12:
        return None
    return int(column), float((sorted_x[row, column] + sorted_x[row + 1, column]) / 2)
