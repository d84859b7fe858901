"""A filmstrip of what a trained method makes of two clips, kept beside its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from reverie.files import atomic_path, write_json
from reverie.video.filmstrip import filmstrip, mixed_strips
from reverie.video.recognition.mask_measures import mixed_batches

if TYPE_CHECKING:
    from reverie.video.recognition.batches import ClipBatches
    from reverie.video.recognition.learner import Learner

PICTURE, ABOUT = "filmstrip.png", "filmstrip.json"
DRAWN = 8
"""Clips of which the one is drawn that the mix shares most evenly."""


def save_filmstrip(learner: Learner, source: ClipBatches, seed: int, folder: Path) -> None:
    """Draw a training clip, its partner, mask and mix, and keep the picture; of a method that mixes nothing there is none."""
    drawn = [(clips, mixed) for clips, mixed, _ in mixed_batches(learner, source, DRAWN, seed)]
    apart = torch.stack([(mixed.shares.float() - 0.5).abs().cpu() for _, mixed in drawn])  # [draws, clips]
    at, row = divmod(int(apart.argmin()), apart.shape[1])
    clips, mixed = drawn[at]
    if int(mixed.partners[row]) == row:
        return
    with atomic_path(folder / PICTURE) as temporary:
        temporary.write_bytes(filmstrip(mixed_strips(clips, mixed, row), side=64))
    write_json(folder / ABOUT, {"share": float(mixed.shares[row])})
