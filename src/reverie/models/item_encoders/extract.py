"""Extraction of features from titles, covers and what rooms add: registered extractors, kept on disk by what was read."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.content import ItemFeatures
from reverie.errors import DataError, short
from reverie.files import atomic_path, cache_folder, locked
from reverie.models.item_encoders.shelf import EXTRACTORS
from reverie.pieces import has_piece, read_piece, write_piece


class Extractor(Protocol):
    """Turns one kind of content into vectors; made by ``build()`` of its entry in `EXTRACTORS`."""

    column: str
    """Column of the items that it reads: ``title``, ``cover``, ``video`` …"""
    version: str
    """Names the network and its weights: features of another version are another file."""
    piece: int
    """How many are made and kept together: what a pass that is cut loses at most."""

    def digest(self, content: Sequence[str]) -> bytes:
        """Return what identifies the content: of texts themselves, of files what is in them."""

    def vectors(self, content: Sequence[str], advance: Callable[[int], None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return vectors [K, F], and which of the K could be read [K]; `advance` is told how many more are done."""


def silent(done: int) -> None:
    """Do nothing with what is told of progress."""


def contents(modality: str, items: pl.DataFrame) -> pl.DataFrame:
    """Return the items that have what an extractor reads, in columns ``item`` and ``content``; none where the column is missing."""
    column = extractor(modality).column
    if column not in items.columns:
        return pl.DataFrame({"item": items["item"].head(0), "content": pl.Series([], dtype=pl.String)})
    texts = pl.col(column).cast(pl.String).str.strip_chars()
    return (
        items.select("item", texts.alias("content"))
        .filter(pl.col("content").str.len_bytes() > 0)
        .unique("item", keep="first", maintain_order=True)
    )


def extractor(modality: str) -> Extractor:
    """Return the extractor of a modality, without its network."""
    made: Extractor = EXTRACTORS.build(modality)()
    return made


def extract(
    modality: str,
    items: pl.DataFrame,
    advance: Callable[[int], None] = silent,
    tell: Callable[[str], None] | None = None,
    skip: Callable[[int], None] = silent,
) -> ItemFeatures:
    """Return features of items from their titles, covers or other content.

    The result is kept in the cache under a digest of the content and the network's version, so a second call reads it; until it is
    whole its pieces lie beside it, so a call after one that was cut goes on. Content that cannot be read is left out: that item has
    no vector.

    Parameters
    ----------
    modality : str
        ``text`` (column ``title``, all-MiniLM-L6-v2), ``image`` (column ``cover``, EfficientNet-lite0), or one of a room.
    items : polars.DataFrame
        Column ``item``, and the column that the extractor reads; items without content are left out.
    advance : callable
        Told how many more items are done.
    tell : callable, optional
        Told in a sentence how many items could not be read.
    skip : callable
        Told first how many items were done before, by a call that was cut.

    Returns
    -------
    ItemFeatures

    Raises
    ------
    ConfigError
        If no extractor has this name.
    DataError
        If no item has content that can be read.
    """
    chosen, some = extractor(modality), contents(modality, items)
    if not len(some):
        raise DataError(
            f"no item has a {chosen.column}, which features of '{modality}' are made from; add the column '{chosen.column}'"
        )
    content = some["content"].to_list()
    digest = hashlib.sha256(f"1 {modality} {chosen.version} {len(content)} ".encode() + chosen.digest(content)).hexdigest()
    path = cache_folder() / "content" / f"{modality}-{digest[:32]}.npz"
    with locked(path):
        if path.exists():
            values, read = _read(path)
            advance(len(content))
        else:
            pieces = path.with_suffix(".pieces")
            values, read = _in_pieces(chosen, content, pieces, advance, skip)
            if read.any():
                with atomic_path(path) as temporary, temporary.open("wb") as handle:
                    np.savez(handle, values=values, read=read)
            shutil.rmtree(pieces)
            if not read.any():
                first = short(content[0])
                raise DataError(f"none of {len(content):,} items has a {chosen.column} that can be read, such as {first!r}")
    if tell is not None and not read.all():
        failed, first = int((~read).sum()), short(content[int(read.argmin())])
        tell(f"{failed:,} of {len(read):,} items have a {chosen.column} that cannot be read, such as {first}; they are without")
    return ItemFeatures(some["item"].filter(pl.Series(read)), values[read])


def _in_pieces(
    chosen: Extractor, content: Sequence[str], pieces: Path, advance: Callable[[int], None], skip: Callable[[int], None]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return vectors [K, F] and which could be read [K], what occurs twice made once; pieces that are there are not made again."""
    place = {one: number for number, one in enumerate(sorted(dict.fromkeys(content), key=len))}  # of similar length together
    distinct, starts = list(place), range(0, len(place), chosen.piece)
    todo = [at for at in starts if not has_piece(pieces, at)]
    skip(len(distinct) - sum(len(distinct[at : at + chosen.piece]) for at in todo))
    for at in todo:
        values, read = chosen.vectors(distinct[at : at + chosen.piece], advance)
        write_piece(pieces, at, np.column_stack([values, read]).astype(np.float32))
    advance(len(content) - len(distinct))
    made = [read_piece(pieces, at) for at in starts]
    width = max(one.shape[1] for one in made)
    some = [one if one.shape[1] == width else np.zeros((len(one), width), np.float32) for one in made]  # where none can be read
    both = np.concatenate(some)[[place[one] for one in content]]
    return both[:, :-1], both[:, -1] > 0


def _read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read what was kept; no pickle."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            found: dict[str, Any] = {name: kept[name] for name in ("values", "read")}
            return found["values"], found["read"]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(f"{path} cannot be read; delete it and run again") from error
