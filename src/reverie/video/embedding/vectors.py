"""Vectors of clips: the mean of a network's feature map over time, space and views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.errors import DataError
from reverie.video.augment.augmenting import as_clips
from reverie.video.clip_set import ClipSet
from reverie.video.embedding.encoders import ClipEncoder
from reverie.video.sampling import sample_batch
from reverie.video.views import crop_views

if TYPE_CHECKING:
    from numpy.typing import NDArray


@torch.no_grad()
def embed_rows(
    encoder: ClipEncoder, clips: ClipSet, rows: NDArray[np.int64], frames: int, views: int, at_once: int = 16
) -> NDArray[np.float32]:
    """Return vectors of some clips.

    Parameters
    ----------
    encoder : ClipEncoder
    clips : ClipSet
    rows : int64 [M]
        Which clips.
    frames, views : int
        Frames of a view, and views of a clip.
    at_once : int
        Views that the network sees together; it changes the memory that is needed, not the vectors.

    Returns
    -------
    float32 [M, C]

    Raises
    ------
    DataError
        If a number is not finite.
    """
    how = "multi-clip" if encoder.how in ("dense", "middle") and views > 1 else encoder.how
    chosen = sample_batch(clips.counts[rows], frames, how, None, encoder.stride, views)  # [M, V, T]
    which, flat = np.repeat(rows, views), chosen.reshape(-1, frames)
    device = next(encoder.network.parameters()).device
    found = []
    for at in range(0, len(which), at_once):
        seen = as_clips(torch.from_numpy(clips.gather(which[at : at + at_once], flat[at : at + at_once])).to(device))
        if encoder.size is not None:
            seen = crop_views(seen, encoder.size)[:, 0]
        found.append(encoder.network.embed(seen).cpu())
    vectors = torch.cat(found).view(len(rows), views, -1).mean(1).numpy()
    if len(wrong := np.flatnonzero(~np.isfinite(vectors).all(1))):
        raise DataError(
            f"{encoder.name} gives numbers that are not finite for the clip {clips.ids[rows[wrong[0]]]}; take another encoder"
        )
    return vectors
