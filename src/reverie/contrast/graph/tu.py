"""Reader of TU data sets: zips of text files (Morris et al., arXiv 2007.08663)."""

from __future__ import annotations

import os
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from reverie.contrast.graph.graphs import Graphs
from reverie.contrast.graph.labelled import LabelledGraphs
from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
