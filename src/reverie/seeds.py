"""Randomness as a pure function of a seed and of names: no stream depends on what ran before it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def _words(seed: int, stream: tuple[str | int, ...]) -> list[int]:
    return [seed & 0xFFFFFFFF, *(zlib.crc32(str(part).encode()) for part in stream)]


def numpy_generator(seed: int, *stream: str | int) -> np.random.Generator:
    """Return the NumPy generator of one named stream."""
    return np.random.default_rng(np.random.SeedSequence(_words(seed, stream)))


def seed_torch(seed: int, *stream: str | int) -> None:
    """Set torch's global generators to one named stream."""
    import torch

    state = _state(seed, stream)
    if torch.accelerator.is_available():
        torch.manual_seed(state)
    else:  # the same, without the stack trace that torch writes down for each kind of accelerator
        torch.default_generator.manual_seed(state)


def torch_generator(seed: int, *stream: str | int) -> torch.Generator:
    """Return a CPU torch generator of one named stream."""
    import torch

    return torch.Generator().manual_seed(_state(seed, stream))


def _state(seed: int, stream: tuple[str | int, ...]) -> int:
    return int(np.random.SeedSequence(_words(seed, stream)).generate_state(1, np.uint64)[0] >> 1)
