"""Graphs: batches, synthetic trees, the TU collection (Morris et al. 2020), and augmentations (GraphCL)."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from reverie.contrast.graph.config import GraphTask
from reverie.errors import DataError
from reverie.seeds import torch_generator


@dataclass(frozen=True)
class Graphs:
    """B undirected graphs without loops: N nodes and M edges in all; features [N, F], edges [2, M], graph [N]."""

    features: Tensor
    edges: Tensor
    graph: Tensor
    size: int

    def __post_init__(self) -> None:
        if self.features.dim() != 2 or self.graph.shape != self.features.shape[:1]:
            raise ValueError(f"features must have shape [{len(self.graph)}, F], got {list(self.features.shape)}")
        if self.edges.dim() != 2 or len(self.edges) != 2:
            raise ValueError(f"edges must have shape [2, M], got {list(self.edges.shape)}")

    @cached_property
    def n_nodes(self) -> Tensor:
        """Number of nodes of each graph, shape [B]."""
        return torch.bincount(self.graph, minlength=self.size)

    @cached_property
    def owner(self) -> Tensor:
        """Whose edge it is, shape [M]."""
        return self.graph[self.edges[0]]

    @cached_property
    def n_edges(self) -> Tensor:
        """Number of edges of each graph, shape [B]."""
        return torch.bincount(self.owner, minlength=self.size)

    @cached_property
    def directed(self) -> tuple[Tensor, Tensor]:
        """Where edges come from and lead to, each in both directions, shapes [2M]."""
        return self.edges.flatten(), self.edges.flip(0).flatten()

    def pooled(self, values: Tensor) -> Tensor:
        """Return sums over the nodes of each graph; values [N, D] → [B, D]."""
        return values.new_zeros(self.size, values.shape[1]).index_add(0, self.graph, values)

    def induced(self, keep: Tensor) -> Graphs:
        """Return the graphs without some nodes and their edges; keep [N]."""
        number = keep.cumsum(0) - 1
        return Graphs(self.features[keep], number[self.edges[:, keep[self.edges].all(0)]], self.graph[keep], self.size)

    def pick(self, index: Tensor) -> Graphs:
        """Return some of the graphs. Edges of a graph must stand together, in the order of graphs; index [K]."""
        n_nodes, n_edges = self.n_nodes[index], self.n_edges[index]
        first = starts(self.n_nodes)[index]
        nodes, edges = ranges(first, n_nodes), ranges(starts(self.n_edges)[index], n_edges)
        moved = (starts(n_nodes) - first).repeat_interleave(n_edges)
        graph = torch.arange(len(index)).repeat_interleave(n_nodes)
        return Graphs(self.features[nodes], self.edges[:, edges] + moved, graph, len(index))


def starts(counts: Tensor) -> Tensor:
    """Return where groups begin that stand one behind the other; counts [B] → [B]."""
    return counts.cumsum(0) - counts


def ranges(first: Tensor, counts: Tensor) -> Tensor:
    """Return ``first, first + 1, …`` of each group, one behind the other; first, counts [B] → [sum of counts]."""
    shift = (first - starts(counts)).repeat_interleave(counts)
    return shift + torch.arange(len(shift))


@dataclass(frozen=True)
class LabelledGraphs:
    """Graphs with one class each; labels [B]."""

    graphs: Graphs
    labels: NDArray[np.int64]

    def sha256(self) -> str:
        """Return the SHA-256 of features, edges, owners of nodes, and classes, whatever file they came from."""
        digest = hashlib.sha256()
        graphs = self.graphs
        for array in (graphs.features.numpy(), graphs.edges.numpy(), graphs.graph.numpy(), self.labels):
            little = array.astype(array.dtype.newbyteorder("<"), order="C")
            digest.update(f"{little.dtype.str}{little.shape}".encode() + little.tobytes())
        return digest.hexdigest()


HANGS_ANYWHERE = (0.1, 0.9)
"""Probability, by class, that a node hangs on a random earlier one."""


def synthetic_trees(size: int = 120, seed: int = 0) -> LabelledGraphs:
    """Return long trees and bushy trees, in turn, of 10 to 20 nodes with three kinds of nodes at random."""
    generator = torch_generator(seed, "synthetic graphs")
    labels = torch.arange(size) % len(HANGS_ANYWHERE)
    counts = torch.randint(10, 21, (size,), generator=generator)
    graph = torch.arange(size).repeat_interleave(counts)
    first = starts(counts)[graph]
    place = torch.arange(len(graph)) - first
    anywhere = torch.rand(len(graph), generator=generator) < torch.tensor(HANGS_ANYWHERE)[labels[graph]]
    earlier = (torch.rand(len(graph), generator=generator) ** 3 * place).long()
    parent = first + torch.where(anywhere, earlier, place - 1)
    edges = torch.stack([parent, first + place])[:, place > 0]
    features = F.one_hot(torch.randint(3, (len(graph),), generator=generator), 3).float()
    return LabelledGraphs(Graphs(features, edges, graph, size), labels.numpy())


URL = "https://www.chrsmrrs.com/graphkerneldatasets"


def read_tu(name: str, folder: str | os.PathLike[str] | None = None, attributes: bool = False) -> LabelledGraphs:
    """Read ``<folder>/<name>.zip``."""
    path = _folder(name, folder) / f"{name}.zip"
    if not path.is_file():
        todo = f"put {URL}/{name}.zip there, or name another folder by the task's option folder or by REVERIE_DATA"
        raise DataError(f"graphs '{name}' are not in {path.parent}: {todo}")
    try:
        with zipfile.ZipFile(path) as archive:
            return _graphs(_Tables(archive, name), attributes)
    except (zipfile.BadZipFile, ValueError) as error:
        raise DataError(f"{path} is not a whole TU data set ({error}); get it again from {URL}/{name}.zip") from error


def _folder(name: str, folder: str | os.PathLike[str] | None) -> Path:
    if folder is not None:
        return Path(folder)
    root = os.environ.get("REVERIE_DATA")
    if not root:
        todo = f"put {URL}/{name}.zip into a folder tudataset and set REVERIE_DATA to the folder above it"
        raise DataError(f"graphs '{name}' have no folder: {todo}")
    return Path(root) / "tudataset"


class _Tables:
    """Text files of an archive, as arrays with a row a line."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.archive, self.name = archive, name

    def read(self, what: str, dtype: type[np.generic], columns: int | None = None) -> NDArray[Any] | None:
        """Return a file's numbers, None if there is no such file; ValueError if it is not numbers in so many columns."""
        file = f"{self.name}/{self.name}_{what}.txt"
        if file not in self.archive.namelist():
            return None
        text = self.archive.read(file)
        if not text.strip():
            return np.zeros((0, columns or 1), dtype)
        table = np.loadtxt(BytesIO(text), dtype=dtype, delimiter=",", ndmin=2, comments=None, encoding="utf-8")
        if columns not in (None, table.shape[1]):
            raise ValueError(f"{file} has {table.shape[1]} columns instead of {columns}")
        return table

    def need(self, what: str, columns: int) -> NDArray[np.int64]:
        """Return whole numbers of a file that must be there."""
        table = self.read(what, np.int64, columns)
        if table is None:
            raise ValueError(f"{self.name}/{self.name}_{what}.txt is missing")
        return table


def _graphs(tables: _Tables, attributes: bool) -> LabelledGraphs:
    graph = tables.need("graph_indicator", 1)[:, 0] - 1
    _, labels = np.unique(tables.need("graph_labels", 1)[:, 0], return_inverse=True)
    size = len(labels)
    if not np.array_equal(np.unique(graph), np.arange(size)) or (np.diff(graph) < 0).any():
        raise ValueError(f"graph_indicator does not go from 1 to the {size} graphs of graph_labels, node by node")
    ends = tables.need("A", 2) - 1
    if ends.size and (ends.min() < 0 or ends.max() >= len(graph)):
        raise ValueError(f"A names nodes beyond the {len(graph)} of graph_indicator")
    if (graph[ends[:, 0]] != graph[ends[:, 1]]).any():
        raise ValueError("A joins nodes of two graphs")
    edges = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
    features = torch.from_numpy(_features(tables, len(graph), attributes))
    graphs = Graphs(features, torch.from_numpy(edges.T.copy()), torch.from_numpy(graph), size)
    return LabelledGraphs(graphs, labels.astype(np.int64))


def _features(tables: _Tables, n_nodes: int, attributes: bool) -> NDArray[np.float32]:
    parts: list[NDArray[Any]] = []
    kinds = tables.read("node_labels", np.int64)
    if kinds is not None:
        parts += [column[:, None] == np.unique(column) for column in kinds.T]
    values = tables.read("node_attributes", np.float64) if attributes else None
    if values is not None:
        spread = values.std(axis=0)
        parts.append((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1))
    if any(len(part) != n_nodes for part in parts):
        raise ValueError(f"node_labels or node_attributes have not the {n_nodes} rows of graph_indicator")
    return np.concatenate(parts or [np.ones((n_nodes, 1))], axis=1).astype(np.float32)


def random_ranks(group: Tensor, generator: torch.Generator) -> Tensor:
    """Return each member's place in a random order of its group; group [N] → [N]."""
    order = torch.argsort(group + torch.rand(len(group), generator=generator, dtype=torch.float64), stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(group)) - starts(torch.bincount(group))[group[order]]
    return ranks


def part(counts: Tensor, share: float) -> Tensor:
    """Return ``⌊share · count⌋``, in float64."""
    return (counts.double() * share).long()


def drop_nodes(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Graphs:
    """Return graphs without ``⌊share · nodes⌋`` random nodes each; chosen [B]."""
    return graphs.induced(~_some_nodes(graphs, chosen, share, generator))


def mask_nodes(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Graphs:
    """Return graphs of whose nodes ``⌊share · nodes⌋`` have normal noise (mean, deviation 0.5) in place of their features."""
    masked = _some_nodes(graphs, chosen, share, generator)
    noise = torch.randn(graphs.features.shape, generator=generator, dtype=graphs.features.dtype) * 0.5 + 0.5
    return Graphs(torch.where(masked[:, None], noise, graphs.features), graphs.edges, graphs.graph, graphs.size)


def move_edges(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Graphs:
    """Return graphs of whose edges up to ``⌊share · edges⌋`` are deleted, and as many pairs that were none are joined."""
    joined = _absent_pairs(graphs, torch.where(chosen, part(graphs.n_edges, share), 0), generator)
    moved = torch.bincount(graphs.graph[joined[0]], minlength=graphs.size)
    stay = random_ranks(graphs.owner, generator) >= moved[graphs.owner]
    return Graphs(graphs.features, torch.cat([graphs.edges[:, stay], joined], dim=1), graphs.graph, graphs.size)


def _absent_pairs(graphs: Graphs, draws: Tensor, generator: torch.Generator) -> Tensor:
    """Return random pairs of nodes of one graph that are no edge, shape [2, K]: `draws` of each graph less those drawn twice.

    Pairs of a graph are numbered (0, 1), (0, 2), (1, 2), (0, 3), …, those of the next graph follow. The absent pair with r absent
    pairs before it has the number r + (edges before it); no pair is written down but edges and draws.
    """
    pairs = graphs.n_nodes * (graphs.n_nodes - 1) // 2
    absent = pairs - graphs.n_edges
    first, offset = starts(graphs.n_nodes), starts(pairs)
    low, high = graphs.edges - first[graphs.owner]
    present = (offset[graphs.owner] + high * (high - 1) // 2 + low).sort().values
    absent_before = present - torch.arange(len(present))
    owner = torch.arange(graphs.size).repeat_interleave(torch.where(absent > 0, draws, 0))
    chance = torch.rand(len(owner), generator=generator, dtype=torch.float64)
    rank = (starts(absent)[owner] + (chance * absent[owner]).long()).sort().values
    rank = rank[rank.diff(prepend=rank.new_tensor([-1])) > 0]
    number = rank + torch.searchsorted(absent_before, rank, right=True)
    owner = torch.searchsorted(pairs.cumsum(0), number, right=True)
    number = number - offset[owner]
    high = ((1 + (1 + 8 * number.double()).sqrt()) / 2).long()
    return torch.stack([number - high * (high - 1) // 2, high]) + first[owner]


def _some_nodes(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return which nodes are drawn, shape [N], bool."""
    wanted = torch.where(chosen, part(graphs.n_nodes, share), 0)
    return random_ranks(graphs.graph, generator) < wanted[graphs.graph]


def grow_subgraphs(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Graphs:
    """Return a connected piece of each graph, of up to ``⌊share · nodes⌋ + 1`` nodes; chosen [B]."""
    source, target = graphs.directed
    target = target[source.argsort(stable=True)]
    degree = torch.bincount(source, minlength=len(graphs.graph))
    first = starts(degree)
    inside = ~chosen[graphs.graph]
    border = torch.zeros_like(inside)
    room = torch.where(chosen, part(graphs.n_nodes, share) + 1, 0)
    new = (~inside & (random_ranks(graphs.graph, generator) == 0)).nonzero()[:, 0]
    while len(new):  # one node more in each graph that can still grow
        inside[new] = True
        room[graphs.graph[new]] -= 1
        border[target[ranges(first[new], degree[new])]] = True
        border &= ~inside
        candidates = (border & (room > 0)[graphs.graph]).nonzero()[:, 0]
        new = candidates[random_ranks(graphs.graph[candidates], generator) == 0]
    return graphs.induced(inside)


CHANGES = {
    "random2": (drop_nodes, grow_subgraphs),
    "random3": (drop_nodes, grow_subgraphs, move_edges),
    "random4": (drop_nodes, grow_subgraphs, move_edges, mask_nodes),
}
"""What GraphCL's code chooses from under each name."""


def random_view(graphs: Graphs, config: GraphTask, generator: torch.Generator) -> Graphs:
    """Return a view of each graph, changed in one way, which is drawn for each graph anew."""
    changes = CHANGES[config.augmentation]
    choice = torch.randint(len(changes), (graphs.size,), generator=generator)
    for number, change in enumerate(changes):
        share = config.kept if change is grow_subgraphs else config.ratio
        graphs = change(graphs, choice == number, share, generator)
    return graphs
