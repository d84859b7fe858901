"""The shelf of defences; listing it imports neither torch nor any defence."""

from __future__ import annotations

from reverie.registry import Entry, Registry

DEFENCES = Registry(
    "defence",
    {
        "none": Entry(
            "reverie.robustness.defences.none:build", "reverie.robustness.defences.none:NoneConfig", "the victim as it is"
        ),
    },
    group="reverie.defences",
)
