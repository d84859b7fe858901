"""Options of the techniques."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, field_validator

from reverie.options import Few, Options

REQUEST = "{request}"
"""Slot of a template."""


class NoConfig(Options):
    """Nothing to choose."""


NullConfig = NoConfig
SeedsOnlyConfig = NoConfig


class TemplateConfig(Options):
    """Options of random templates."""

    templates: tuple[str, ...] = ()
    """Templates of your own in the place of ours, each with the slot ``{request}``."""

    @field_validator("templates")
    @classmethod
    def _have_their_slot(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a template that would not say what is wanted."""
        for number, text in enumerate(given, 1):
            if REQUEST not in text:
                raise ValueError(f"template {number} lacks its slot {REQUEST}; put it where the request should stand")
        return given


class ReplayConfig(Options):
    """Options of saying attempts of before again."""

    generations: PositiveInt = 1
    """How often each text is said, each time with another seed of the target."""


class WritesConfig(Options):
    """Options of techniques that write with a model of their own."""

    writings: Few = 3
    """Writings for each call of the target, on average: what a weak writer may spoil before the rest of the calls is spent on
    messages that were tried before, with other seeds."""
    form: Literal["marks", "line", "json"] = "marks"
    """How a message is asked for and read: between two marks, as SAP was published; from a mark to the end of its line, where weak
    writers forget the second mark; or as JSON, as PAIR and TAP were published."""


class SapConfig(WritesConfig):
    """Options of SAP."""

    technique: ClassVar[str] = "sap"
    examples: Few = 3
    """Members of the pool that are shown."""
    explanations: bool = True
    """Whether they are shown with their explanations; false is an ablation."""
    grows: bool = True
    """Whether what got through joins the pool; false is an ablation."""
    ask: Literal["text", "turns"] = "text"
    """Whether the writer is shown the members in one message, or as its own answers of before, which weak writers copy better."""
    pool: Literal["kind", "goal"] = "kind"
    """Who shares a pool: all goals of a kind, or nobody."""
    on_goal: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the content words of request and aim that a writing must hold to be tried; 0 tries all, as published."""


class SapNoExplanationsConfig(SapConfig):
    """Options of the ablation of SAP that shows no explanations."""

    technique: ClassVar[str] = "sap.no-explanations"
    explanations: Literal[False] = False
    """Never shown."""


class SapFrozenPoolConfig(SapConfig):
    """Options of the ablation of SAP whose pool stays as it was written by hand."""

    technique: ClassVar[str] = "sap.frozen-pool"
    grows: Literal[False] = False
    """Nothing joins the pool."""


class MutateConfig(Options):
    """Options of a mutator."""

    side: Literal["question", "answer", "either"] = "either"
    """What is disguised: the request, or the answer that is asked for; either is drawn for each call."""


class ManyShotConfig(Options):
    """Options of many-shot dialogues."""

    shots: Few = 8
    """Invented exchanges before the request."""
    form: Literal["text", "turns"] = "text"
    """Whether they stand in one message or as turns of a conversation."""


CrescendoScriptedConfig = NoConfig
ParaphraseConfig = WritesConfig


class RefineConfig(WritesConfig):
    """Options of techniques that refine a message by the target's answers."""

    memory: Few = 3
    """Last exchanges that the writer is shown."""
    begin: Literal["writer", "cases"] = "writer"
    """What is tried first: a message of the writer, as published, or a hand-written case, which helps weak writers."""


class PairConfig(RefineConfig):
    """Options of PAIR."""

    streams: Few = 5
    """Refinements that run side by side; 20 in the paper."""
    depth: Few = 3
    """Messages of one stream; as in the paper."""


class TapConfig(RefineConfig):
    """Options of TAP."""

    branching: Few = 2
    """Revisions of each leaf; 4 in the paper."""
    width: Few = 3
    """Leaves kept at each depth; 10 in the paper."""
    depth: Few = 10
    """Deepest leaf; as in the paper."""
    on_goal: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of the content words of the request and the aim that a message must hold, else it is pruned before it is tried."""


class CrescendoConfig(WritesConfig):
    """Options of Crescendo."""

    rounds: Few = 6
    """Questions of one conversation; 10 in the paper."""
    backtracks: Annotated[int, Field(ge=0, le=1000)] = 4
    """Refused questions that are taken back in one conversation; 10 in the paper."""


class MapElitesConfig(WritesConfig):
    """Options of the archive search."""

    elites: Few = 2
    """Messages kept in each cell."""
    novelty: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Least share of word bigrams in which a message differs from its parent and from each elite of its cell."""
    temperature: Annotated[float, Field(gt=0)] = 0.1
    """Cells are drawn by the exponential of their fitness, made negative and divided by it: low fitness first."""
    operators: Literal["both", "writer", "rules"] = "both"
    """What changes a message: the writer, our rules (templates and mutators), or one of them drawn for each call."""


class MapElitesRulesConfig(MapElitesConfig):
    """Options of the archive search without a writer."""

    operators: Literal["rules"] = "rules"
    """Always rules."""
