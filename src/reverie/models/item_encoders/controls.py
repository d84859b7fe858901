"""Controls of features: random vectors drawn by item id, and the features of another item."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from reverie.data.content import Features
from reverie.models.item_encoders.config import VectorOptions

_STEP, _MIX = np.uint64(0x9E3779B97F4A7C15), (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def controlled(features: Features, options: VectorOptions, modality: str, items: pl.Series) -> Features:
    """Return the features of items, or what a control puts in their place; who has some stays as it is."""
    if options.control == "none":
        return features
    keys = _keys(items, f"{options.seed} {options.control} {modality}")
    if options.control == "random":
        return Features(_gaussian(keys, features.width) * features.present[:, None], features.present)
    ring = np.flatnonzero(features.present)
    ring = ring[np.argsort(keys[ring], kind="stable")]
    values = np.zeros_like(features.values)
    values[ring] = features.values[np.roll(ring, 1)]
    return Features(values, features.present)


def _keys(items: pl.Series, name: str) -> NDArray[np.uint64]:
    """Return a number for each id that depends on it and a name alone → [N]."""
    digests = (hashlib.blake2b(f"{name} {item}".encode(), digest_size=8).digest() for item in items.to_list())
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _gaussian(keys: NDArray[np.uint64], width: int) -> NDArray[np.float32]:
    """Return normal numbers that depend on the key of a row and the column alone (SplitMix64 and the normal quantile).

    keys [N] → [N, width].
    """
    with np.errstate(over="ignore"):
        x = keys[:, None] + _STEP * np.arange(1, width + 1, dtype=np.uint64)
        x = (x ^ (x >> np.uint64(30))) * _MIX[0]
        x = (x ^ (x >> np.uint64(27))) * _MIX[1]
        x ^= x >> np.uint64(31)
    return np.asarray(ndtri(((x >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53), dtype=np.float32)
