"""Which models know items by their content; readable without torch."""

from __future__ import annotations

from typing import Any

from reverie.models.shelf import MODELS


def reads_content(name: str, config: Any) -> bool:
    """Return whether a model with these options reads titles or features of items rather than their ids alone."""
    encoder = getattr(config, "item_encoder", None)
    return "needs-content" in MODELS[name].tags or (encoder is not None and encoder.kind != "id")
