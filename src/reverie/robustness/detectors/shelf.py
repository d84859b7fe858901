"""The shelf of detectors; listing it imports neither torch nor any detector."""

from __future__ import annotations

from reverie.registry import Entry, Registry

DETECTORS = Registry(
    "detector",
    {
        "pca": Entry(
            "reverie.robustness.detectors.pca:build",
            "reverie.robustness.detectors.pca_config:PCAConfig",
            "users that vary least along the first principal components",
            "mehta2009unsupervised",
        ),
    },
    group="reverie.detectors",
)
