"""Options of adapters: how states of a recommender become soft tokens of a language model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from reverie.options import Options

Start = Literal["random", "titles"]


class Last(Options):
    """The last state alone, through one linear layer: one soft token."""

    kind: Literal["last"]


class Conv(Options):
    """A convolution over the positions, then one linear layer: one soft token, as RecInterpreter was released."""

    kind: Literal["conv"]
    positions: PositiveInt = 10
    """Height of the convolution: the longest history."""


class Position(Options):
    """One linear layer shared by all positions: soft tokens for each state."""

    kind: Literal["position"]
    tokens: PositiveInt = 1
    """Soft tokens per state."""
    start: Start = "random"
    """Initial weights of the last layer: random, or the ridge regression from states to the token vectors of their titles."""


class TwoLayer(Options):
    """Two linear layers with the ReLU that RecInterpreter's release left out, shared by all positions."""

    kind: Literal["two_layer"]
    hidden: PositiveInt = 256
    """Width between the layers."""
    tokens: PositiveInt = 1
    """Soft tokens per state."""
    start: Start = "random"
    """As for ``position``; the first layer stays random."""


class Normed(Options):
    """Layer normalisation, then one linear layer, shared by all positions."""

    kind: Literal["layernorm"]
    tokens: PositiveInt = 1
    """Soft tokens per state."""
    start: Start = "random"
    """As for ``position``."""


class QFormer(Options):
    """Queries that depend on the person attend to the states: a fixed number of soft tokens."""

    kind: Literal["qformer"]
    queries: PositiveInt = 8
    """Number of soft tokens."""
    heads: PositiveInt = 4
    """Attention heads; must divide the width of the states."""


class Catalogue(Options):
    """Each state recalls items of the catalogue by their vectors; the mixture of their titles' token vectors is its soft tokens.

    Ours: nothing it learns belongs to a single item, so that it can name items whose titles it was never taught.
    """

    kind: Literal["catalogue"]
    tokens: PositiveInt = 8
    """Soft tokens per state; longer titles are cut there."""


AdapterConfig = Annotated[Last | Conv | Position | TwoLayer | Normed | QFormer | Catalogue, Field(discriminator="kind")]
