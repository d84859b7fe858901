"""Options of CoLLM; readable without torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from reverie.llm.config import BackboneConfig, LoraConfig
from reverie.options import Options

Ids = Literal["none", "soft", "binary", "dotted"]


class MappingConfig(Options):
    """From collaborative vectors to soft tokens: Linear(d → factor · d), ReLU, Linear(→ width · tokens)."""

    factor: PositiveInt = 10
    """Hidden width, as a multiple of the input's."""
    tokens: PositiveInt = 1
    """Soft tokens of a user, and of an item."""
    norm: Literal["none", "layer", "feature"] = "none"
    """What comes before the first layer: nothing, as published; LayerNorm; or each feature with mean 0 and spread 1 over training
    rows. With the latter two, soft tokens are as loud as the language model's own."""
    separate: bool = False
    """One mapping for users and one for items, instead of one for both."""


class CollaborativeConfig(Options):
    """The recommender whose vectors are read."""

    name: str = "mf"
    """A registered model with vectors (``mf``, ``lightgcn``, ``sasrec``, …), or ``din``."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Its options."""


class CoLLMConfig(Options):
    """Options of `collm`."""

    backbone: BackboneConfig = BackboneConfig()
    """The language model."""
    lora: LoraConfig = LoraConfig()
    """Its low-rank updates, taught in the first step."""
    ids: Ids = "soft"
    """What stands for user and item beside the titles: nothing (text only, the first step), soft tokens (CoLLM), or bits written in
    the text, as digits or as numbers with dots (after BinLLM)."""
    collaborative: CollaborativeConfig | None = CollaborativeConfig()
    """Where vectors come from; nothing with ``ids: none``."""
    mapping: MappingConfig = MappingConfig()
    """For soft tokens."""
    bits: int = Field(default=32, ge=8, multiple_of=8)
    """For ids written as bits."""
    history: PositiveInt = 10
    """How many of the last liked items are named."""
    template: str | None = None
    """A text file with the slots history, title and, with ids, user and item; None takes ours, which asks before it names the item,
    so that candidates share a long prefix; ``brief`` the same with the shortest end; ``question`` takes the order as published."""
    text_template: str | None = None
    """The same for the first step, which knows no ids: only the slots history and title; None takes that of ours which belongs to
    `template`."""
    year: Literal["keep", "drop"] = "drop"
    """Whether titles keep the year in brackets at their end."""
    score: Literal["yes_logit", "yes_minus_no"] = "yes_logit"
    """The logit of the answer Yes (as in the authors' code), or less that of No (the paper's probability)."""
    cold: Literal["token", "vector"] = "token"
    """What stands for users and items without training rows: a learned token that says so, or the untrained vector (published)."""
    forget: float = Field(default=0.1, ge=0, lt=1)
    """Share of users, and of items, that training shows as unknown, for that token is learned from nothing else; not read with
    ``cold: vector``."""
    tune: Literal["mapping", "mapping+vectors"] = "mapping"
    """Whether the second step also teaches the recommender whose vectors are read."""
    ranking: float = Field(default=0.0, ge=0)
    """Weight of a pairwise loss between liked and other rows of one user in a batch."""
    rows: PositiveInt = 16
    """Prompts that the language model reads at a time."""
    shortlist: PositiveInt | None = None
    """Where the whole catalogue is to be scored: read only this many items, the best by the collaborative scores, and put all
    others behind them; None reads every item."""

    @model_validator(mode="after")
    def _sensible(self) -> CoLLMConfig:
        if self.ids != "none" and self.collaborative is None:
            raise ValueError(f"ids: {self.ids} needs 'collaborative'; name a recommender, or set ids: none")
        if self.shortlist is not None and self.collaborative is None:
            raise ValueError("'shortlist' needs 'collaborative'; name a recommender, or leave it out")
        return self
