"""Options of language models and adapters, and columns of results/language.csv."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from reverie.options import Options

DEFAULT = "smollm2-135m"
"""The language model that installs from the package index."""
TINY = "tiny"
"""A random model for tests."""


class BackboneConfig(Options):
    """Which language model, where it runs and how exactly."""

    name: str = DEFAULT
    """``smollm2-135m`` (real weights, fetched once), a folder, or a name on a model hub; ``tiny`` is a random model for tests."""
    device: str | None = None
    """Where it runs; None takes an accelerator where there is one."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Arithmetic of its weights; on a CPU fp32 is the fastest."""
    quantise: Literal["none", "8bit", "4bit"] = "none"
    """Bits of its weights; other than ``none`` needs the package bitsandbytes."""
    seed: int = Field(default=0, ge=0)
    """Of the random weights of ``tiny``; a real model has none."""


class LoraConfig(Options):
    """Low-rank updates of a frozen language model (arXiv 2106.09685); the defaults are CoLLM's."""

    rank: PositiveInt = 8
    """Rank of the update."""
    alpha: PositiveInt = 16
    """The update is multiplied by alpha / rank."""
    dropout: float = Field(default=0.05, ge=0, le=0.999)
    """Dropout of its input while training."""
    targets: tuple[str, ...] = Field(default=("q_proj", "v_proj"), min_length=1)
    """Names of the linear layers that are updated."""


MORE = ("task", "row", "decoding", "backbone", "adapter")
"""What was asked (``recovery``, ``residual``, ``preference`` …), the row of the table (the system itself or a control), how answers
were decoded (``free``, ``constrained``; empty where nothing is generated), the language model (empty where none is used), and the
adapter."""


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
