"""What stages ask of the models behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.records import Credit, Form, ObjectSet, Prompt


class LanguageModel(Protocol):
    """A causal language model as this room uses it."""

    @property
    def name(self) -> str:
        """What was loaded."""
        ...

    def log_likelihoods(self, contexts: Sequence[str], continuations: Sequence[str]) -> NDArray[np.float64]:
        """Return the sum of log probabilities of each continuation after its context → [N], natural logarithm.

        Equal contexts are read once.
        """
        ...

    def complete(self, prompts: Sequence[str], n_tokens: int, seed: int, temperature: float = 0.0) -> list[str]:
        """Return continuations of at most so many tokens; greedy at temperature 0, cut at a blank line."""
        ...


@dataclass(frozen=True)
class Scene:
    """What a renderer is given.

    Parameters
    ----------
    prompt : Prompt
        Read by text-to-image models.
    objects, form : ObjectSet, Form
        Read by renderers that compose; empty ones are allowed (conditions without the layer).
    seed : int
    size : int
        Width and height in pixels.
    """

    prompt: Prompt
    objects: ObjectSet
    form: Form
    seed: int
    size: int = 768


@dataclass(frozen=True)
class Rendered:
    """A picture in memory: PNG bytes, the SVG where there is one, credits and the objects known to be drawn."""

    png: bytes
    svg: str | None = None
    credits: tuple[Credit, ...] = ()
    shown: tuple[str, ...] = ()


class Renderer(Protocol):
    """Makes pictures: a collage, a model trained here, a diffusers folder, an endpoint."""

    @property
    def name(self) -> str:
        """As in tables: ``collage``, ``pixels``, ``diffusers``, ``endpoint``."""
        ...

    def render(self, scenes: Sequence[Scene]) -> list[Rendered]:
        """Return a picture of each scene; the same scene gives the same bytes, whatever stands beside it."""
        ...


class TextJudge(Protocol):
    """Reads a prompt and compares it with concepts."""

    @property
    def name(self) -> str:
        """As in tables."""
        ...

    def scores(self, texts: Sequence[str], concepts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each concept's word fits each text, larger is better → [T, K]; an empty text scores all alike."""
        ...


class ImageJudge(Protocol):
    """Looks at a picture and compares it with words: concepts, or names of objects."""

    @property
    def name(self) -> str:
        """As in tables."""
        ...

    def scores(self, pictures: Sequence[bytes | Path], words: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each word fits each picture (PNG bytes or file), larger is better → [P, K]."""
        ...
