"""Search space of the co-occurrence model."""

from __future__ import annotations

from typing import Any

SPACE: dict[str, tuple[Any, ...]] = {
    "back": (0.3, 0.5, 0.7, 1.0),
    "distance_power": (0.25, 0.5, 0.75, 1.0),
    "out_power": (0.2, 0.3, 0.5, 0.7),
    "in_power": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
    "gamma": (0.7, 0.8, 0.9, 0.95),
    "popularity_weight": (1e-4, 1e-3, 1e-2, 1e-1, 1.0),
}
"""Values that each option is drawn from, all equally likely; windows are an option of the configuration."""
