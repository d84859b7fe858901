from __future__ import annotations

import pytest

from reverie.llm.backbone import Backbone, load_backbone
from reverie.llm.config import BackboneConfig


@pytest.fixture(scope="session")
def tiny() -> Backbone:
    """A random language model; nobody changes it."""
    return load_backbone(BackboneConfig(name="tiny", device="cpu"))
