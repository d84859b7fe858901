"""A folder of videos made ready for training: small frames of one size in plain arrays, with labels, and what was left out."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reverie.errors import DataError, ReverieError
from reverie.files import locked, write_text
from reverie.study.progress import progress
from reverie.video.clip_set import ClipSet
from reverie.video.layouts import LabelledFile, read_layout
from reverie.video.preparing.index import INDEX, open_prepared, write_index
from reverie.video.preparing.journal import Record
from reverie.video.preparing.listing import make_index
from reverie.video.preparing.options import PrepareOptions
from reverie.video.preparing.place import SETTINGS, check_place, claim_place
from reverie.video.preparing.threads import read_all
from reverie.video.preparing.writer import Writer

SKIPPED = "skipped.csv"
_TERMS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "TERMS")


@dataclass(frozen=True)
class Prepared:
    """What was made of a folder.

    Parameters
    ----------
    folder : Path
    terms : tuple of Path
        Files of the folder of videos that tell what may be done with them.
    clips : ClipSet
    skipped : tuple of (str, str)
        Files that were left out, and why.
    records : tuple of Record
        Of the clips, in their order.
    fresh : int
        Files that were read this time.
    lost : tuple of str
        Labels of which no clip could be read; they are no classes.
    """

    folder: Path
    terms: tuple[Path, ...]
    clips: ClipSet
    skipped: tuple[tuple[str, str], ...]
    records: tuple[Record, ...]
    fresh: int
    lost: tuple[str, ...]


def prepare_folder(
    folder: str | Path,
    out: str | Path,
    options: PrepareOptions | None = None,
    *,
    workers: int | None = None,
    show: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Prepared:
    """Prepare a folder of videos; called again after it was cut, or after files came, it goes on.

    Parameters
    ----------
    folder : path
        Of videos.
    out : path
        Where the prepared clips go. One process writes there, others wait.
    options : PrepareOptions, optional
    workers : int, optional
        Threads that decode; by default one for each processor, at most four.
    show : bool
        Whether to show progress.
    say : callable
        Is told what is expected.

    Raises
    ------
    DataError
        If the folder holds no video, its labels cannot be read, or no clip can.
    RunError
        If `out` holds something else.
    """
    folder, out, options = Path(folder), Path(out), options or PrepareOptions()
    if (folder / INDEX).exists() and (folder / SETTINGS).exists():
        raise DataError(f"{folder} is prepared already; name the folder of videos")
    check_place(out, folder)
    files = {name_of(folder, one.path): one for one in read_layout(folder, options.layout, options.split)}
    with locked(out, inside=True):
        claim_place(out, folder, options)
        writer = Writer(out, options.size)
        todo = [name for name, one in files.items() if not _is_done(writer.done.get(name), one)]
        _estimate(len(files), len(todo), options, out, say)
        try:
            with progress(len(todo), folder.name, show) as bar:
                read_all(todo, files, options, writer, workers or min(4, os.cpu_count() or 1), bar)
        finally:
            writer.close()
        records = {name: writer.done[name] for name in files}
        skipped = tuple((name, one.reason) for name, one in records.items() if one.reason)
        write_text(out / SKIPPED, _as_csv([("file", "reason"), *skipped]))
        if len(skipped) == len(files):
            name, reason = skipped[0]
            raise DataError(f"no clip in {folder} can be read ({name}: {reason}); see {out / SKIPPED}")
        kept = {name: one for name, one in records.items() if not one.reason}
        write_index(out, make_index(folder, options, files, kept))
    clips = open_prepared(out, check=False)  # the writer compared them
    lost = sorted({one.label for one in files.values() if one.label is not None} - set(clips.classes))
    terms = sorted(path for path in folder.iterdir() if path.stem.upper() in _TERMS and path.is_file())
    return Prepared(out, tuple(terms), clips, skipped, tuple(kept.values()), len(todo), tuple(lost))


def name_of(folder: Path, path: Path) -> str:
    """Return the id of a clip: its path from the folder, with slashes."""
    name = (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"the name of {path} is not UTF-8; rename the file") from error
    return name


def _is_done(record: Record | None, file: LabelledFile) -> bool:
    """Whether a file was read as it is now."""
    try:
        found = file.path.stat()
    except OSError:
        return record is not None and not record.changed
    return record is not None and (record.bytes, record.changed) == (found.st_size, found.st_mtime_ns)


def _estimate(count: int, todo: int, options: PrepareOptions, out: Path, say: Callable[[str], None]) -> None:
    """Say how much there is to do; refuse what does not fit on the disk."""
    if not todo:
        return
    before = f", {count - todo:,} of them done before" if todo < count else ""
    if not options.frames:
        say(f"{count:,} files{before}; every frame is kept, {options.size**2 * 3 / 2**10:.0f} KB each")
        return
    needed, free = todo * options.frames * options.size**2 * 3, shutil.disk_usage(out).free
    say(f"{count:,} files{before}; at most {needed / 2**20:,.0f} MB to write into {out}")
    if needed > free:
        raise ReverieError(
            f"the clips need up to {needed / 2**30:,.1f} GB, and {free / 2**30:,.1f} GB are free in {out}; "
            "lower --size or --frames, or choose another folder with --out"
        )


def _as_csv(rows: Sequence[Sequence[str]]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(rows)
    return made.getvalue()
