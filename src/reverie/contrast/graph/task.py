"""Graph classification as a task: support vector machines on frozen vectors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.contrast.graph.graphs import read_tu, synthetic_trees
from reverie.contrast.graph.training import encoded, new_encoder, train_encoder
from reverie.contrast.task import Measure, Outcome
from reverie.errors import ConfigError, DataError, unknown
from reverie.evaluation.intervals import t_interval
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.contrast.graph.config import GraphTask
    from reverie.contrast.graph.graphs import LabelledGraphs
    from reverie.contrast.task import Task
    from reverie.objectives import ScoreLoss


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


class GraphLearning:
    """Encoders of graphs, taught without classes and measured by a support vector machine with classes; a `Task`."""

    baselines = ("untrained", "raw")
    """The encoder before training, and sums of nodes' features with numbers of nodes and edges."""

    def __init__(self, config: GraphTask, data: LabelledGraphs) -> None:
        check_folds(data.labels, config.folds, config.inner_folds)
        self.config, self.data = config, data

    @property
    def dataset(self) -> str:
        """Name of the data."""
        return self.config.data

    @cached_property
    def sha256(self) -> str:
        """Hash of the graphs with their features and classes."""
        return self.data.sha256()

    @property
    def protocol(self) -> str:
        """Such as ``svc_10_folds``; ``_unscaled`` where vectors are not standardised."""
        return f"svc_{self.config.folds}_folds" + ("" if self.config.scaled else "_unscaled")

    def train(self, loss: ScoreLoss, seed: int, say: Callable[[str], None]) -> Outcome:
        """Train an encoder from the beginning, and measure it."""
        graphs = self.data.graphs
        encoder = new_encoder(graphs.features.shape[1], self.config, seed)
        _, cosines = train_encoder(encoder, graphs, loss, self.config, seed, say)
        quantiles = np.quantile(cosines.numpy(), np.linspace(0, 1, 21))
        vectors = encoded(encoder, graphs, self.config.batch_size)
        return self._measured(vectors, seed, self.config.epochs, tuple(float(cosine) for cosine in quantiles))

    def baseline(self, name: str, seed: int, say: Callable[[str], None]) -> Outcome:
        """Measure vectors that no loss has taught, in the same way."""
        graphs = self.data.graphs
        if name == "untrained":
            vectors = encoded(new_encoder(graphs.features.shape[1], self.config, seed), graphs, self.config.batch_size)
        elif name == "raw":
            vectors = torch.cat([graphs.pooled(graphs.features), torch.stack([graphs.n_nodes, graphs.n_edges], dim=1)], dim=1)
        else:
            raise unknown("baseline", name, self.baselines)
        return self._measured(vectors, seed)

    def _measured(self, vectors: Tensor, seed: int, epoch: int | None = None, cosines: tuple[float, ...] = ()) -> Outcome:
        config = self.config
        found = svc_accuracy(vectors.double().numpy(), self.data.labels, config.folds, config.inner_folds, config.scaled, seed)
        return Outcome(found[0], {"accuracy": found[1]}, epoch, cosines)


def open_task(config: GraphTask, device: str | None = None) -> Task:
    """Return the task that options ask for; small graphs are encoded on the CPU."""
    if device not in (None, "cpu"):
        raise ConfigError(f"graphs are encoded on the CPU, not on {device}; leave out --device")
    synthetic = config.data == "synthetic"
    return GraphLearning(config, synthetic_trees() if synthetic else read_tu(config.data, config.folder, config.attributes))
