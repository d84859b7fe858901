"""A set of labelled clips, all frames of one size, as training and measuring read it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.errors import DataError
from reverie.files import json_digest
from reverie.video.shards import Shards

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTS = ("train", "valid", "test", "")
"""Parts that a publisher may have put a clip into; "" for none."""


@dataclass(frozen=True, eq=False)
class ClipSet:
    """Clips with labels; N clips in the order of `ids`.

    Parameters
    ----------
    name : str
    root : Path or None
        Prepared folder; None for a set in memory.
    classes : tuple of str
    ids : tuple of str
        One for each clip, none twice.
    labels : int64 [N]
        Number of the class, -1 where there is none.
    groups : tuple of str
        Source of each clip, "" where it is not known; clips of one source should not stand on both sides of a split.
    folds : int64 [N]
        Fold that a publisher gave, -1 for none.
    parts : tuple of str
        ``train``, ``valid``, ``test`` or "".
    counts : int64 [N]
        Frames of each clip.
    fps : float64 [N]
        Frames a second as they are stored, 0 where it is not known.
    sha256 : tuple of str
        Digest of the frames of each clip.
    shards : Shards
        The frames.
    """

    name: str
    root: Path | None
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    groups: tuple[str, ...]
    folds: NDArray[np.int64]
    parts: tuple[str, ...]
    counts: NDArray[np.int64]
    fps: NDArray[np.float64]
    sha256: tuple[str, ...]
    shards: Shards

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of a frame."""
        return self.shards.size

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 over the sorted digests of the clips with the names of their classes."""
        names = [self.classes[label] if label >= 0 else "" for label in self.labels]
        return set_digest(self.sha256, names)

    @cached_property
    def split_digest(self) -> str:
        """Return the SHA-256 over what decides how clips are split: each clip in its order, with source, fold and part."""
        return json_digest({"clips": [self.ids, self.sha256, self.groups, self.folds.tolist(), self.parts]})

    def frames(self, i: int) -> NDArray[np.uint8]:
        """Return the frames of a clip, a view on what is stored → uint8 [F, H, W, 3]."""
        return self.shards.clip(i, int(self.counts[i]))

    def gather(self, indices: NDArray[np.int64], frame_indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return frames of clips.

        Parameters
        ----------
        indices : int64 [B]
            Clips.
        frame_indices : int64 [B, T]
            Frames of each, from 0.

        Returns
        -------
        uint8 [B, T, H, W, 3]

        Raises
        ------
        IndexError
            If a clip has no such frame.
        """
        indices, frame_indices = np.asarray(indices), np.asarray(frame_indices)
        if frame_indices.size and ((frame_indices < 0) | (frame_indices >= self.counts[indices][:, None])).any():
            raise IndexError("a frame beyond the end of its clip; take indices of reverie.video.sampling")
        return self.shards.gather(indices, frame_indices)

    def subset(self, mask: NDArray[Any]) -> ClipSet:
        """Return some clips, on the same frames; classes stay as they are.

        Parameters
        ----------
        mask : bool [N] or int64 [M]
            Which clips, or their numbers.
        """
        kept = np.flatnonzero(mask) if np.asarray(mask).dtype == bool else np.asarray(mask, dtype=np.int64)
        chosen: dict[str, Any] = {key: getattr(self, key)[kept] for key in ("labels", "folds", "counts", "fps")}
        chosen |= {key: tuple(getattr(self, key)[i] for i in kept) for key in ("ids", "groups", "parts", "sha256")}
        return replace(self, **chosen, shards=self.shards.subset(kept))

    @classmethod
    def from_arrays(
        cls,
        name: str,
        frames: NDArray[np.uint8],
        labels: NDArray[np.int64],
        classes: Sequence[str],
        *,
        ids: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        folds: NDArray[np.int64] | None = None,
        parts: Sequence[str] | None = None,
        fps: float = 0.0,
    ) -> ClipSet:
        """Return a set in memory.

        Parameters
        ----------
        name : str
        frames : uint8 [N, F, H, W, 3]
            Not copied where they lie in one piece.
        labels : int64 [N]
        classes : sequence of str
        ids, groups, parts : sequence of str, optional
            By default numbers, and none.
        folds : int64 [N], optional
        fps : float
            Frames a second, 0 where it means nothing.

        Raises
        ------
        DataError
            If shapes or labels do not fit together.
        """
        frames, labels = np.ascontiguousarray(frames), np.asarray(labels, dtype=np.int64)
        if frames.dtype != np.uint8 or frames.ndim != 5 or frames.shape[-1] != 3 or not frames.size:
            raise DataError(f"{name}: frames must be uint8 [N, F, H, W, 3], not {frames.dtype} {list(frames.shape)}")
        n, count = frames.shape[:2]
        texts = [tuple(values) for values in (ids or [f"{i:06d}" for i in range(n)], groups or [""] * n, parts or [""] * n)]
        folds = np.full(n, -1) if folds is None else np.asarray(folds)
        if {len(labels), len(folds), *map(len, texts)} != {n} or len(set(texts[0])) < n:
            raise DataError(f"{name}: {n} clips need as many labels, groups, folds, parts and ids, and no id twice")
        if labels.min() < -1 or labels.max() >= len(classes) or not set(texts[2]) <= set(PARTS):
            raise DataError(f"{name}: labels must be -1 to {len(classes) - 1}, and parts train, valid, test or ''")
        starts = np.arange(n, dtype=np.int64) * count
        shards = Shards((frames.reshape(n * count, *frames.shape[2:]),), np.zeros(n, dtype=np.int64), starts)
        return cls(
            name, None, tuple(classes), texts[0], labels, texts[1], folds.astype(np.int64), texts[2],
            np.full(n, count, dtype=np.int64), np.full(n, float(fps)), tuple(map(clip_digest, frames)), shards,
        )  # fmt: skip


def clip_digest(frames: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of the shape and the pixels of a clip; uint8 [F, H, W, 3]."""
    found = hashlib.sha256(repr(tuple(frames.shape)).encode())
    found.update(np.ascontiguousarray(frames).data)
    return found.hexdigest()


def set_digest(clips: Sequence[str], names: Sequence[str]) -> str:
    """Return the SHA-256 over the sorted digests of clips with the names of their classes, "" for none."""
    lines = sorted(f"{digest} {name}" for digest, name in zip(clips, names, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
