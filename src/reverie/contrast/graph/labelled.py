"""Graphs with classes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reverie.contrast.graph.graphs import Graphs


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
