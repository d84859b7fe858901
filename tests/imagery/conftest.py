from __future__ import annotations

import pytest

from reverie.imagery.language import LocalLanguageModel, load_language_model


@pytest.fixture(scope="session")
def tiny_language_model() -> LocalLanguageModel:
    """A random language model of bytes; nobody changes it."""
    return load_language_model("tiny", device="cpu")
