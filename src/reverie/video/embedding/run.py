"""All clips of a set into vectors, piece by piece, so that what was cut goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from reverie.documents import read_json
from reverie.errors import ConfigError, RunError
from reverie.files import json_digest, locked, write_json
from reverie.options import Options
from reverie.pieces import has_piece, read_piece, write_piece
from reverie.study.progress import StepClock, duration, progress
from reverie.video.clip_set import ClipSet
from reverie.video.embedding.encoders import ClipEncoder
from reverie.video.embedding.files import about_file, check_name, read_about, read_vectors, write_vectors
from reverie.video.embedding.vectors import embed_rows

PIECE = 16
"""Clips whose vectors are written together."""
VERSION = 2
"""Of the vectors; raised when the same facts come to mean other ones."""


class EmbedOptions(Options):
    """How clips are shown to an encoder."""

    frames: int | None = Field(default=None, ge=1, le=512)
    """Frames of a view; by default 8, or as many as a trained network learned from."""
    views: int = Field(default=1, ge=1, le=64)
    """Views of a clip, spread over its time; their vectors are averaged."""


@dataclass(frozen=True)
class Embedded:
    """Vectors of a set.

    Parameters
    ----------
    out : Path
    ids : tuple of str
    vectors : float32 [N, C]
    facts : dict
    fresh : int
        Clips that were looked at this time.
    """

    out: Path
    ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    facts: dict[str, Any]
    fresh: int


def embed_set(
    clips: ClipSet,
    encoder: ClipEncoder,
    out: str | Path,
    options: EmbedOptions | None = None,
    *,
    show: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Embedded:
    """Make vectors of all clips and write them; called again after it was cut, it goes on, and when finished, it reads them.

    Parameters
    ----------
    clips : ClipSet
    encoder : ClipEncoder
    out : path
        A ``.parquet`` or ``.npy`` file. Until it is whole, pieces lie in a folder beside it.
    options : EmbedOptions, optional
    show : bool
        Whether to show progress.
    say : callable
        Is told what is expected.

    Raises
    ------
    RunError
        If `out` holds vectors of something else.
    """
    out, options = Path(out), options or EmbedOptions()
    check_name(out)
    if not len(clips):
        raise ConfigError(f"{clips.name} has no clips; prepare some first")
    frames = options.frames or encoder.frames
    facts = {"set": clips.name, "clips_sha256": clips.digest, "ids": len(clips), "version": VERSION, **encoder.facts}
    facts["order_sha256"] = json_digest({"clips": [clips.ids, clips.sha256, clips.labels.tolist()]})
    facts |= {"frames": frames, "views": options.views, "how": encoder.how, "stride": encoder.stride, "size": encoder.size}
    with locked(out):
        if out.exists() or about_file(out).exists():
            return _finished(out, facts, clips)
        pieces = _claim_pieces(out, facts)
        starts = range(0, len(clips), PIECE)
        todo = [at for at in starts if not has_piece(pieces, at)]
        left = sum(min(PIECE, len(clips) - at) for at in todo)
        before = f", {len(clips) - left:,} of them done before" if left < len(clips) else ""
        say(f"{len(clips):,} clips{before}, {options.views * frames} frames each, through {encoder.name}")
        _make_pieces(clips, encoder, pieces, todo, (frames, options.views), show)
        vectors = np.concatenate([read_piece(pieces, at) for at in starts])
        labels = [clips.classes[label] if label >= 0 else None for label in clips.labels]
        write_vectors(out, clips.ids, labels, vectors, facts)
        shutil.rmtree(pieces)
    return Embedded(out, clips.ids, vectors, facts, left)


def _make_pieces(clips: ClipSet, encoder: ClipEncoder, pieces: Path, todo: list[int], seen: tuple[int, int], show: bool) -> None:
    """Write the vectors of pieces that are not there yet; seen: frames and views."""
    clock = StepClock()
    with progress(len(todo), f"vectors by {encoder.name}", show) as bar:
        for at in todo:
            clock.start()
            vectors = embed_rows(encoder, clips, np.arange(at, min(at + PIECE, len(clips))), *seen)
            write_piece(pieces, at, vectors)
            bar.advance(f"× {PIECE} clips")
            if clock.stop() and len(todo) > clock.enough:
                bar.line(f"about {duration(clock.seconds * len(todo))} for {len(todo) * PIECE:,} clips")


def _claim_pieces(out: Path, facts: dict[str, Any]) -> Path:
    """Return the folder of pieces; one of other facts is refused."""
    pieces = out.with_name(f"{out.name}.pieces")
    path = pieces / "facts.json"
    if path.exists():
        _refuse_others(read_json(path), facts, pieces)
    else:
        write_json(path, facts)
    return pieces


def _finished(out: Path, facts: dict[str, Any], clips: ClipSet) -> Embedded:
    """Return vectors that are there already."""
    if not out.exists() or not about_file(out).exists():
        missing, there = (out, about_file(out)) if about_file(out).exists() else (about_file(out), out)
        raise RunError(f"{there} is there and {missing} is not; move it away, or choose another --out")
    _refuse_others(read_about(out)["facts"], facts, out)
    ids, vectors, known = read_vectors(out)
    if ids != clips.ids:
        raise RunError(f"{out} holds vectors of other clips; choose another --out")
    return Embedded(out, ids, vectors, known, 0)


def _refuse_others(stored: Any, facts: dict[str, Any], where: Path) -> None:
    """Raise where what is stored is not of these facts."""
    stored = stored if isinstance(stored, dict) else {}
    for name, value in facts.items():
        if stored.get(name) != value:
            raise RunError(
                f"{where} holds vectors with {name} {stored.get(name)}, not {value}; choose another --out, or move it away"
            )
