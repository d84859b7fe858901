"""What the benchmark keeps on disk: profiles and fits by the hash of all that made them, so that nothing is computed twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from reverie.data.profiles import Profiles
from reverie.errors import RunError
from reverie.files import atomic_path, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the name of what facts make."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:24]


def digest(profiles: Profiles) -> str:
    """Return the identity of profiles."""
    found = hashlib.sha256()
    for values in (profiles.offsets.astype(np.int64), profiles.items.astype(np.int32), profiles.ratings.astype(np.float32)):
        found.update(np.ascontiguousarray(values).data)
    return found.hexdigest()[:24]


def kept_profiles(
    folder: Path, facts: Mapping[str, Any], make: Callable[[], tuple[Profiles, dict[str, Any]]]
) -> tuple[Profiles, dict[str, Any]]:
    """Return profiles made before, or make and keep them."""
    place = folder / key_of(facts)
    if not (place / "made.json").exists():
        profiles, notes = make()
        frame = pl.DataFrame({"profile": profiles.owners, "item": profiles.items, "rating": profiles.ratings})
        with atomic_path(place / "profiles.parquet") as temporary:
            frame.write_parquet(temporary)
        write_json(place / "made.json", {"facts": dict(facts), "n": len(profiles), "notes": notes})
        return profiles, notes
    made = read_json(place / "made.json")
    try:
        frame = pl.read_parquet(place / "profiles.parquet")
        counts = np.bincount(frame["profile"].to_numpy(), minlength=int(made["n"]))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        found = Profiles(frame["item"].to_numpy().astype(np.int32), frame["rating"].to_numpy().astype(np.float32), offsets)
        return found, dict(made["notes"])
    except (OSError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{place} holds no profiles that can be read; delete it, and the same command makes them again") from error
