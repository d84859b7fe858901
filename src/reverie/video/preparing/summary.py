"""What a prepared folder holds, as tables, lines and plain values."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from reverie.printing import printable
from reverie.report.table import Column, Table
from reverie.video.prepare import SKIPPED, Prepared

_SHOWN = 5
"""Left out files that are printed; all stand in the file."""


def tables(found: Prepared) -> list[Table]:
    """Return a table of the classes and, where files were left out, of the first of those."""
    clips = found.clips
    counts = Counter(int(label) for label in clips.labels)
    parts = [part for part in ("train", "valid", "test", "") if part in clips.parts]
    heads = [Column("class"), Column("clips", "right"), *(Column(part or "no part", "right") for part in parts if len(parts) > 1)]
    rows = []
    for label in [*range(len(clips.classes)), *([-1] if counts[-1] else [])]:
        mine = [part for part, one in zip(clips.parts, clips.labels, strict=True) if one == label]
        each = [f"{mine.count(part):,}" for part in parts if len(parts) > 1]
        rows.append([printable(clips.classes[label]) if label >= 0 else "(no label)", f"{counts[label]:,}", *each])
    made = [Table("", heads, rows)]
    if found.skipped:
        lines = [[printable(file), printable(reason)] for file, reason in found.skipped[:_SHOWN]]
        made.append(Table("Left out", (Column("file", width=(12, 40)), "why"), lines))
    return made


def notes(found: Prepared) -> list[str]:
    """Return what else there is to know, a line each."""
    clips, made = found.clips, []
    least, most = int(clips.counts.min()), int(clips.counts.max())
    side = clips.size[0]
    each = f"{least}" if least == most else f"{least} to {most}"
    where = f"{_bytes(found) / 2**20:,.0f} MB in {found.folder}"
    made.append(f"{many(len(clips), 'clip')} of {each} frames, {side} x {side} pixels, {where}")
    if found.skipped:
        made.append(f"Left out: {many(len(found.skipped), 'file')}; {found.folder / SKIPPED} says why.")
    if found.lost:
        made.append(f"No clip can be read of {', '.join(map(printable, found.lost))}; left out as a class.")
    if lost := sum(1 for one in found.records if one.lost):
        made.append(f"Damaged: {many(lost, 'clip')} with frames that cannot be decoded; the last good frame stands for each.")
    if any(one.sound for one in found.records):
        kinds = Counter(one.sound for one in found.records)
        heard = many(kinds["sound"], "clip")
        made.append(f"Sound: {heard} with sound, {kinds['silent']:,} silent, {kinds['none']:,} without a track.")
    sources = set(clips.groups) - {""}
    made += [f"From {many(len(sources), 'source')}; folds and splits should not divide one."] if sources else []
    if (labelled := np.unique(clips.labels[clips.labels >= 0])).size == 1:
        made.append(f"There is one class only, '{clips.classes[int(labelled[0])]}'; a classifier cannot be trained on this.")
    made += _repeated(found)
    made += [f"Terms of use: {', '.join(str(path) for path in found.terms)}"] if found.terms else []
    return [*made, f"sha256 {clips.digest}"]


def _repeated(found: Prepared) -> list[str]:
    """Return a line about clips whose frames are the same, which a split should not divide."""
    first: dict[str, int] = {}
    same, other = 0, 0
    for i, digest in enumerate(found.clips.sha256):
        before = first.setdefault(digest, i)
        same += before != i
        other += before != i and found.clips.labels[before] != found.clips.labels[i]
    also = f" ({other:,} of another class)" if other else ""
    return [f"Repeated: {many(same, 'clip')} with the frames of one before{also}; no split should divide them."] if same else []


def as_json(found: Prepared) -> dict[str, Any]:
    """Return all of it as plain values."""
    clips = found.clips
    names = [clips.classes[label] if label >= 0 else None for label in clips.labels]
    return {
        "folder": str(found.folder), "name": clips.name, "clips": len(clips), "read_now": found.fresh,
        "classes": {name: names.count(name) for name in clips.classes}, "without_label": names.count(None),
        "classes_left_out": list(found.lost),
        "parts": dict(Counter(part for part in clips.parts if part)), "sources": len(set(clips.groups) - {""}),
        "frames": {"least": int(clips.counts.min()), "most": int(clips.counts.max())}, "size": clips.size[0],
        "bytes": _bytes(found), "skipped": [{"file": file, "reason": reason} for file, reason in found.skipped],
        "notes": notes(found), "sha256": clips.digest,
    }  # fmt: skip


def _bytes(found: Prepared) -> int:
    return sum(path.stat().st_size for path in found.folder.glob("*.npy"))


def many(count: int, thing: str) -> str:
    """Return a number of things as text."""
    return f"{count:,} {thing}{'s' * (count != 1)}"
