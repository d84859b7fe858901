"""Graphs: batches of graphs, synthetic trees, and the TU collection (Morris et al. 2020)."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from reverie.errors import DataError
from reverie.seeds import torch_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


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
