"""Graph encoder (GIN) and its contrastive training."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.contrast.effective import cosines_of_others
from reverie.contrast.graph.augment import random_view
from reverie.errors import NotFinite
from reverie.objectives.contrastive import contrast
from reverie.seeds import seed_torch, torch_generator

if TYPE_CHECKING:
    from reverie.contrast.graph.config import GraphTask
    from reverie.contrast.graph.graphs import Graphs
    from reverie.objectives import ScoreLoss


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
    first, second = (nn.Linear(before, after) for before, after in pairwise([fan_in, width, width]))
    for linear in (first, second):
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
    return nn.Sequential(first, nn.ReLU(), second)


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
