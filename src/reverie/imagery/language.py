"""The language model of this room: likelihoods of texts, and short continuations."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.decoding import continuations
from reverie.imagery.likelihood import text_log_likelihoods
from reverie.llm.backbone import Backbone, load_backbone
from reverie.llm.config import DEFAULT, BackboneConfig
from reverie.seeds import numpy_generator


class LocalLanguageModel:
    """A causal language model on this machine; a `reverie.imagery.roles.LanguageModel`.

    Parameters
    ----------
    backbone : Backbone
    """

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone

    @property
    def name(self) -> str:
        """What was loaded."""
        return self.backbone.name

    def log_likelihoods(self, contexts: Sequence[str], continuations: Sequence[str]) -> NDArray[np.float64]:
        """Return the sum of log probabilities of each continuation after its context → [N], natural logarithm.

        A continuation is cut into tokens by itself, so it begins with the blank that stands before it. Behind an empty context
        it stands where a text begins.
        """
        tokens = self.backbone.tokens
        return text_log_likelihoods(
            self.backbone, [self._context(text) for text in contexts], [tokens(text) for text in continuations]
        )

    def complete(self, prompts: Sequence[str], n_tokens: int, seed: int, temperature: float = 0.0) -> list[str]:
        """Return continuations of at most so many tokens; greedy at temperature 0, cut at a blank line.

        What is drawn after a prompt depends on the seed and on that prompt, not on those beside it.
        """
        generators = [numpy_generator(seed, "completion", prompt) for prompt in prompts]
        return continuations(self.backbone, [self._context(text) for text in prompts], n_tokens, temperature, generators)

    def _context(self, text: str) -> list[int]:
        """Return the tokens of a beginning, at least one."""
        return [*self.backbone.begin, *self.backbone.tokens(text)] or [self.backbone.end]


def load_language_model(name: str = DEFAULT, device: str | None = None, offline: bool = False) -> LocalLanguageModel:
    """Load a language model.

    Parameters
    ----------
    name : str
        ``smollm2-135m``, a folder, a name on a model hub, or ``tiny``.
    device : str or None
        None takes an accelerator where there is one.
    offline : bool
        Whether to use the cache and folders only; also set by ``REVERIE_OFFLINE=1``.

    Raises
    ------
    DataError
        If there is no such model, or it is not fetched yet and may not be.
    ConfigError
        If a package is missing.
    """
    before = os.environ.get("REVERIE_OFFLINE")
    try:
        if offline:
            os.environ["REVERIE_OFFLINE"] = "1"
        return LocalLanguageModel(load_backbone(BackboneConfig(name=name), on=device))
    finally:
        if offline and before is None:
            os.environ.pop("REVERIE_OFFLINE", None)
        elif offline and before is not None:
            os.environ["REVERIE_OFFLINE"] = before
