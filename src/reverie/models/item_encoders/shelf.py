"""Registries of item encoders and of extractors of features; rooms and other packages bring theirs by entry points."""

from reverie.registry import Entry, Registry

_HERE = "reverie.models.item_encoders"


def _entry(build: str, options: str, summary: str) -> Entry:
    return Entry(f"{_HERE}.{build}", f"{_HERE}.config:{options}", summary)


ENCODERS = Registry(
    "item encoder",
    {
        "id": _entry("create:create_id_table", "IdOptions", "a trained vector for each item"),
        "features": _entry("features:create_features", "FeaturesOptions", "ready features of any modality"),
        "text": _entry("text:create_text", "TextOptions", "titles, by a small transformer"),
        "image": _entry("features:create_features", "ImageOptions", "covers, by features of EfficientNet-lite0"),
        "fused": _entry("fused:FusedEncoder", "FusedOptions", "several encoders, fused"),
    },
    group="reverie.item_encoders",
)
"""By kind; each is built by ``build(options, vocabulary, dim)``."""

EXTRACTORS = Registry(
    "extractor",
    {
        "text": Entry(f"{_HERE}.extractors:Titles", "", "titles, by all-MiniLM-L6-v2"),
        "image": Entry(f"{_HERE}.extractors:Covers", "", "covers, by EfficientNet-lite0"),
    },
    group="reverie.extractors",
)
"""By modality; each is built by ``build()`` into an `Extractor`."""
