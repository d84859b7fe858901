"""Cells in words and as plain values, and results as pieces keep them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from reverie.imagery.recognition.cells import (
    Cell,
    CheckCell,
    Checked,
    JudgeCell,
    Judged,
    LoopCell,
    Looped,
    Painted,
    PicturesCell,
    Result,
    Staged,
    StagesCell,
)
from reverie.imagery.recognition.settings import StageSettings
from reverie.study.store import Piece, unreadable

KINDS: dict[type, str] = {
    CheckCell: "checks", StagesCell: "stages", PicturesCell: "pictures", JudgeCell: "guesses", LoopCell: "loops"
}  # fmt: skip
"""Folders of pieces."""


def fields_of(cell: Cell) -> dict[str, Any]:
    """Return what names a cell, as plain values."""
    named = {one.name: getattr(cell, one.name) for one in fields(cell)}
    return {name: one.model_dump(mode="json") if isinstance(one, StageSettings) else one for name, one in named.items()}


def label(cell: Cell) -> str:
    """Return a cell in a few words."""
    if isinstance(cell, CheckCell):
        return f"{cell.judge} · concepts and their glosses"
    if isinstance(cell, LoopCell):
        return f"rounds, {'guided' if cell.guided else 'drawn anew'} · {cell.renderer} · seed {cell.seed}"
    what = f"{cell.part}, seed {cell.seed}"
    if isinstance(cell, StagesCell):
        return f"{what} · stages"
    if isinstance(cell, PicturesCell):
        return f"{what} · {cell.condition} · {cell.renderer}"
    return f"{what} · {cell.condition} · {cell.judge}" + (f" on {cell.renderer}" if cell.mode == "image" else "")


def read_result(cell: Cell, piece: Piece) -> Result:
    """Return the result that a piece holds."""
    notes, folder = piece.notes, str(piece.folder)
    try:
        if isinstance(cell, JudgeCell):
            return Judged.from_notes(notes)
        if isinstance(cell, LoopCell):
            return Looped.from_notes(notes, folder)
        if isinstance(cell, CheckCell):
            return Checked(**{**notes, "shares": {name: tuple(values) for name, values in notes["shares"].items()}})
        if isinstance(cell, StagesCell):
            return Staged(**{**notes, "folder": folder, "without_objects": tuple(notes["without_objects"])})
        return Painted(**{**notes, "folder": folder})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise unreadable(piece.folder) from error
