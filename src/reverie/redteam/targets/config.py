"""Options of targets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reverie.options import Few, Options
from reverie.redteam.models.config import ChatModelConfig, LocalModel

Behaviour = Literal["always-pass", "always-fail", "blank", "repeat", "random"]


class Named(Options):
    """What all targets share."""

    name: str = ""
    """What it is called in tables; empty takes the name of its model or of its kind."""


class ChatTarget(Named):
    """A model that chats, under the system prompt of the goal."""

    kind: Literal["chat"] = "chat"
    model: ChatModelConfig = Field(default_factory=LocalModel)


class ChatRecommenderTarget(Named):
    """A model that chats and recommends: the history and the candidates stand in its system prompt, and its list is read."""

    kind: Literal["chat-recommender"]
    model: ChatModelConfig = Field(default_factory=lambda: LocalModel(max_tokens=160))
    length: Few = 10
    """Titles that it is asked for."""


class CoLLMTarget(Named):
    """A trained CoLLM; what is tried is planted in the title of the goal's item."""

    kind: Literal["collm"]
    run: str
    """Folder of a finished study of CoLLM (`reverie collm`)."""
    row: str = "collm"
    """Row of its table: which of the trained models."""
    plant: Literal["behind", "before", "instead"] = "behind"
    """Where the text stands: behind the title, before it, or in its place."""
    longest: Annotated[int, Field(ge=1, le=10_000)] = 400
    """Characters of planted text that a catalogue would take; what is longer is cut."""
    device: str | None = None
    """Where it runs."""


class RecInterpreterTarget(Named):
    """A trained RecInterpreter; what is tried are titles of events that are added to the history."""

    kind: Literal["recinterpreter"]
    run: str
    """Folder of a finished study of RecInterpreter (`reverie interpret`)."""
    events: Few = 5
    """Events that may be added."""
    max_tokens: Annotated[int, Field(ge=1, le=1024)] = 96
    """Longest answer, in tokens."""
    device: str | None = None
    """Where it runs."""


class ControlTarget(Named):
    """A target that knows the goal and reads nothing: it bounds what detectors get wrong."""

    kind: Literal["control"]
    behaviour: Behaviour
    """``always-pass`` does what the goal wants, ``always-fail`` never, ``blank`` says nothing, ``repeat`` says what was tried, and
    ``random`` says random words and ranks at random."""


TargetConfig = Annotated[
    ChatTarget | ChatRecommenderTarget | CoLLMTarget | RecInterpreterTarget | ControlTarget, Field(discriminator="kind")
]


class TargetChoice(Options):
    """One target."""

    target: TargetConfig
