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
    """One linear layer shared by all positions: a soft token per state."""

    kind: Literal["position"]
    start: Start = "random"
    """Initial weights: random, or the ridge regression from states to the mean token vector of their titles."""


class TwoLayer(Options):
    """Two linear layers with the ReLU that RecInterpreter's release left out: a soft token per state."""

    kind: Literal["two_layer"]
    hidden: PositiveInt = 256
    """Width between the layers."""


class Normed(Options):
    """Layer normalisation, then one linear layer: a soft token per state."""

    kind: Literal["layernorm"]
    start: Start = "random"
    """As for ``position``."""


class QFormer(Options):
    """Queries that depend on the person attend to the states: a fixed number of soft tokens."""

    kind: Literal["qformer"]
    queries: PositiveInt = 8
    """Number of soft tokens."""
    heads: PositiveInt = 4
    """Attention heads; must divide the width of the states."""


AdapterConfig = Annotated[Last | Conv | Position | TwoLayer | Normed | QFormer, Field(discriminator="kind")]
