"""Graphs as a task for contrastive losses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.contrast.graph.measure import check_folds, svc_accuracy
from reverie.contrast.graph.synthetic import synthetic_trees
from reverie.contrast.graph.training import encoded, new_encoder, train_encoder
from reverie.contrast.graph.tu import read_tu
from reverie.contrast.task import Outcome
from reverie.errors import ConfigError, unknown

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.contrast.graph.config import GraphTask
    from reverie.contrast.graph.labelled import LabelledGraphs
    from reverie.contrast.task import Task
    from reverie.objectives import ScoreLoss


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
