"""Options of contrastive learning on graphs, readable without torch."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from reverie.options import Few, Options


class GraphTask(Options):
    """Graphs with classes, the encoder that is taught, its views, and how it is measured.

    The defaults are those of GraphCL (arXiv 2010.13902) for unsupervised learning on TU data, except `ratio`, where its code has
    0.1, and `scaled`. The encoder is measured after the last epoch; no other is looked at.
    """

    kind: Literal["graph"]
    data: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
    """Name of a TU data set, such as MUTAG; or ``synthetic``, two classes of small generated trees."""
    folder: str | None = None
    """Folder with ``<data>.zip``; by default ``tudataset`` below the environment variable REVERIE_DATA."""
    attributes: bool = False
    """Whether nodes have their attributes, standardised over all nodes, beside their one-hot labels. GraphCL leaves them out.
    Nodes that are left with nothing have the constant 1, as in GraphCL."""
    layers: Few = 3
    """Layers of the encoder, a graph isomorphism network."""
    dim: PositiveInt = 32
    """Width of a layer; a graph's vector is `layers` times as wide."""
    epochs: PositiveInt = 20
    """Passes over all graphs, without their classes."""
    batch_size: int = Field(default=128, ge=2)
    """Graphs of one step; a last batch of one graph is left out, as it has no negatives."""
    learning_rate: PositiveFloat = 0.01
    """Step size of Adam."""
    augmentation: Literal["random2", "random3", "random4"] = "random2"
    """What a view is drawn from, anew for each graph: dropped nodes or a subgraph; also moved edges; also masked nodes."""
    ratio: float = Field(default=0.2, ge=0, lt=1)
    """Share of nodes that are dropped or masked, or of edges that are moved, rounded down."""
    kept: float = Field(default=0.2, ge=0, lt=1)
    """Share of nodes in a subgraph, rounded down, besides the one it starts from."""
    folds: int = Field(default=10, ge=2)
    """Parts of the graphs, each of which is tested once by a classifier of the others."""
    inner_folds: int = Field(default=5, ge=2)
    """Parts of the others, by which the classifier's C is chosen."""
    scaled: bool = True
    """Whether vectors are standardised, by the graphs that a classifier learns from. GraphCL takes sums over nodes as they are,
    so that those that vary most count most."""
