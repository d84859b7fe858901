"""Which models know items by their content, and by which; readable without torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reverie.models.shelf import MODELS


def reads_content(name: str, config: Any) -> bool:
    """Return whether a model with these options reads titles or features of items rather than their ids alone."""
    encoder = getattr(config, "item_encoder", None)
    return "needs-content" in MODELS[name].tags or (encoder is not None and encoder.kind != "id")


def modalities_read(config: Any, known: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the features that a model reads, which are all known ones where its options name none."""
    encoder = getattr(config, "item_encoder", None)
    if encoder is not None:
        return tuple(getattr(encoder, "modalities", ()))
    return tuple(getattr(config, "modalities", ())) or tuple(known)


def content_unread(config: Any, known: Iterable[str]) -> tuple[str, ...]:
    """Return the content that a model could read and does not, as nobody chose its encoder of items; ids chosen are a choice."""
    if "item_encoder" not in getattr(type(config), "model_fields", ()) or "item_encoder" in config.model_fields_set:
        return ()
    return tuple(known)


def reads_titles(config: Any) -> bool:
    """Return whether an encoder of a model, or a part of it, reads the titles themselves rather than features of them."""
    encoder = getattr(config, "item_encoder", None)
    return any(getattr(part, "end_to_end", False) for part in getattr(encoder, "parts", (encoder,)))
