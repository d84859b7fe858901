"""Registry of item encoders; rooms and other packages bring theirs by entry points."""

from reverie.registry import Entry, Registry

_HERE = "reverie.models.item_encoders"

ENCODERS = Registry(
    "item encoder",
    {"id": Entry(f"{_HERE}.create:create_id_table", f"{_HERE}.config:IdOptions", "a trained vector for each item")},
    group="reverie.item_encoders",
)
"""By kind; each is built by ``build(options, vocabulary, dim)``."""
