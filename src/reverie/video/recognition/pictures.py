"""A filmstrip of what a trained method makes of two clips, kept beside its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
    """Draw a training clip, its partner, the mask and the mix, and keep the picture."""
    clips, mixed, _ = next(mixed_batches(learner, source, DRAWN, seed))
    shares = mixed.shares.float().cpu()
    row = int((shares - 0.5).abs().argmin())
    with atomic_path(folder / PICTURE) as temporary:
        temporary.write_bytes(filmstrip(mixed_strips(clips, mixed, row), side=64))
    write_json(folder / ABOUT, {"share": float(shares[row])})
