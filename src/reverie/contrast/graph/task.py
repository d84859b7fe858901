"""Graph classification as a task: an encoder (GIN) taught by a contrastive loss, and support vector machines on frozen vectors."""

import warnings
from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reverie.contrast.graph.config import GraphTask
from reverie.contrast.graph.graphs import Graphs, LabelledGraphs, random_view, read_tu, synthetic_trees
from reverie.contrast.task import Measure, Outcome, Task, cosines_of_others, quantiles
from reverie.errors import ConfigError, DataError, NotFinite, unknown
from reverie.evaluation.intervals import t_interval
from reverie.objectives import ScoreLoss
from reverie.objectives.contrastive.vectors import contrast
from reverie.seeds import numpy_generator, seed_torch, torch_generator


class GIN(nn.Module):
    """Vectors of graphs: sums of their nodes' states after each layer, side by side.

    Layer l turns the states h of a node v and of its neighbours N(v) into ``BatchNorm(ReLU(MLP(h_v + Σ_{u ∈ N(v)} h_u)))``
    (arXiv 1810.00826, eq. 4.1 with ε = 0), where the MLP has two layers and a ReLU between them. Weights start from Xavier's
    uniform distribution, biases from 0.
    """

    def __init__(self, width: int, dim: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_mlp(fan_in, dim) for fan_in in [width] + [dim] * (layers - 1))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dim) for _ in range(layers))

    def forward(self, graphs: Graphs) -> Tensor:
        """Return the graphs' vectors → [B, layers · dim]."""
        source, target = graphs.directed
        states, pooled = graphs.features, []
        for layer, norm in zip(self.layers, self.norms, strict=True):
            heard = states.index_add(0, target, states.index_select(0, source))
            states = norm(layer(heard).relu())
            pooled.append(graphs.pooled(states))
        return torch.cat(pooled, dim=1)


def projection(width: int) -> nn.Sequential:
    """Return the head whose outputs a contrastive loss compares, and which is left out afterwards."""
    return _mlp(width, width)


def _mlp(fan_in: int, width: int) -> nn.Sequential:
    layers = nn.Linear(fan_in, width), nn.ReLU(), nn.Linear(width, width)
    for linear in layers[::2]:
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
    return nn.Sequential(*layers)


def new_encoder(width: int, config: GraphTask, seed: int) -> GIN:
    """Return an encoder with the weights that a seed says."""
    seed_torch(seed, "graph encoder")
    return GIN(width, config.dim, config.layers)


def train_encoder(
    encoder: GIN, graphs: Graphs, loss: ScoreLoss, config: GraphTask, seed: int, say: Callable[[str], None]
) -> tuple[list[float], Tensor]:
    """Teach an encoder that a graph and its own view are alike, and the views of other graphs are not."""
    seed_torch(seed, "graph head")
    head = projection(config.layers * config.dim)
    parameters = [*encoder.parameters(), *head.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=config.learning_rate)
    encoder.train()
    # not `Trainer`: plain Adam, a head beside the encoder, and streams of randomness that stored results rest on
    losses, cosines = [], []
    for epoch in range(config.epochs):
        order = torch.randperm(graphs.size, generator=torch_generator(seed, "graph order", epoch))
        sums = []
        for step, index in enumerate(torch.split(order, config.batch_size)):
            if len(index) == 1:
                continue
            batch = graphs.pick(index)
            view = random_view(batch, config, torch_generator(seed, "graph views", epoch, step))
            seed_torch(seed, "graph step", epoch, step)  # for losses that draw
            anchors, views = head(encoder(batch)), head(encoder(view))
            value = contrast(loss, anchors, views, temperature=None)
            if not bool(value.isfinite()):
                raise NotFinite(f"the loss became {float(value)} in epoch {epoch + 1}; use a smaller learning rate")
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call] # torch's own
            optimiser.step()
            sums.append(float(value.detach()))
            if epoch == config.epochs - 1:
                cosines.append(cosines_of_others(anchors.detach(), views.detach()))
        losses.append(sum(sums) / len(sums))
        say(f"epoch {epoch + 1}/{config.epochs}: loss {losses[-1]:.4f}")
    return losses, torch.cat(cosines)


@torch.no_grad()
def encoded(encoder: GIN, graphs: Graphs, batch_size: int) -> Tensor:
    """Return vectors of graphs as they are, before the head, with the normalisation that training has settled on.

    → [B, layers · dim].
    """
    encoder.eval()
    return torch.cat([encoder(graphs.pick(index)) for index in torch.split(torch.arange(graphs.size), batch_size)])


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
    low, high = np.clip(t_interval(mean, spread, len(values)), 0.0, 1.0).tolist()  # of an accuracy
    return Measure(mean, n, low, high, f"folds({len(values)})", spread)


class GraphLearning:
    """Encoders of graphs, taught without classes and measured by a support vector machine with classes; a `Task`."""

    baselines = ("untrained", "raw")
    """The encoder before training, and sums of nodes' features with numbers of nodes and edges."""

    def __init__(self, config: GraphTask, data: LabelledGraphs) -> None:
        check_folds(data.labels, config.folds, config.inner_folds)
        self.config, self.data, self.dataset = config, data, config.data
        self.protocol = f"svc_{config.folds}_folds" + ("" if config.scaled else "_unscaled")

    @cached_property
    def sha256(self) -> str:
        """Hash of the graphs with their features and classes."""
        return self.data.sha256()

    def train(self, loss: ScoreLoss, seed: int, say: Callable[[str], None]) -> Outcome:
        """Train an encoder from the beginning, and measure it."""
        graphs = self.data.graphs
        encoder = new_encoder(graphs.features.shape[1], self.config, seed)
        _, cosines = train_encoder(encoder, graphs, loss, self.config, seed, say)
        vectors = encoded(encoder, graphs, self.config.batch_size)
        return self._measured(vectors, seed, self.config.epochs, quantiles(cosines))

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
