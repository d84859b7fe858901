"""MicroLens as published: pairs, titles, categories, likes and views, comments, covers, clips and ready features, in one folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from reverie.data.content import ItemFeatures
from reverie.data.loaded import Loaded
from reverie.data.readers import read_catalog, read_events, read_features
from reverie.data.readers.delimited import check_utf8, text_lines
from reverie.data.readers.table import READ_ERRORS, unreadable
from reverie.errors import DataError
from reverie.packed import unpacked, without_packing

_MODALITIES = {"image": ("image", "cover"), "text": ("title", "text"), "video": ("video",), "audio": ("audio",)}
"""What features come from, by words in the name of their file."""
_MEDIA = {"cover": "covers", "video": "videos"}
"""Columns of the catalogue, and the ending of the folder whose files are called by the item."""


def read_microlens(folder: Path) -> Loaded:
    """Read a folder with files of MicroLens-50K, -100K or -1M; those that are not there are left out.

    Parameters
    ----------
    folder : path
        Holds ``*_pairs.csv`` (user, item, timestamp) or ``*_pairs.tsv`` (a user a line, oldest first; read where there is no CSV),
        packed or not. Beside it, by the ends of their names: ``titles.csv`` (with a header, quoted) or ``title_en.csv`` (without,
        cut at the first comma), ``tags_to_summary.csv``, ``likes_and_views.txt``, ``comments.txt``, the folders ``covers`` and
        ``videos`` (``ID.jpg``, ``ID.mp4``), and features ``.npy``, here or in a folder ``*features*``, whose row i is item i + 1.

    Returns
    -------
    Loaded
        The catalogue has the columns ``title``, ``categories``, ``likes``, ``views``, ``cover`` and ``video`` (paths), as far as
        they are known. An event has its ``comment``, which its user made: as a text of the item it would tell of the test.

    Raises
    ------
    DataError
        If there are no pairs, a file cannot be read, or features end before the items.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; give the one that holds the files of MicroLens")
    pairs = _find(folder, "pairs.csv") or _find(folder, "pairs.tsv")
    if pairs is None:
        raise DataError(f"{folder} has no file that ends in pairs.csv or pairs.tsv; give the folder that holds it")
    log = read_events(pairs, format="sequences" if without_packing(pairs).suffix == ".tsv" else None)
    events, notes = log.events, []
    if (path := _find(folder, "comments.txt", "comments.tsv", "comment_en.txt")) is not None:
        said = _fields(path, "\t", "user", "item", "comment").unique(["user", "item"], keep="first", maintain_order=True)
        events = events.join(said, on=["user", "item"], how="left", maintain_order="left")
        notes.append(f"comments of {events['comment'].is_not_null().sum():,} of {events.height:,} events")
    catalog = pl.DataFrame({"item": events["item"].head(0)})
    for part, note in _catalogues(folder):
        catalog = catalog.join(part, on="item", how="full", coalesce=True, maintain_order="left_right")
        notes += [note] if note else []
    if "title" not in catalog.columns:
        notes.append("this copy has no titles")
    content = _read_content(folder, int(events["item"].max()))  # type: ignore[arg-type]  # ids are whole numbers
    return Loaded(events, catalog, log.order, tuple(notes), content)


def _catalogues(folder: Path) -> Iterator[tuple[pl.DataFrame, str]]:
    """Yield what is known of items, and a note of it."""
    if (path := _find(folder, "titles.csv", "title_en.csv", "title.csv")) is not None:
        with unpacked(path) as plain, plain.open("rb") as handle:
            header = handle.readline().lstrip(b"\xef\xbb\xbf").lower().startswith(b"item,")
        yield read_catalog(path) if header else _fields(path, ",", "item", "title"), ""
    if (path := _find(folder, "tags_to_summary.csv")) is not None:
        yield _fields(path, ",", "item", "categories"), ""
    if (path := _find(folder, "likes_and_views.txt")) is not None:
        counts = _fields(path, "\t", "item", "likes", "views").with_columns(pl.col("likes", "views").cast(pl.Int64, strict=False))
        odd = counts.filter(pl.col("likes") > pl.col("views")).height
        yield counts, f"items with more likes than views, as published: {odd:,}" if odd else ""
    for column, ending in _MEDIA.items():
        found = next((one for one in sorted(folder.iterdir()) if one.is_dir() and one.name.lower().endswith(ending)), None)
        if found is not None:
            rows = [(int(one.stem), str(one)) for one in sorted(found.iterdir()) if one.stem.isdecimal()]
            files = pl.DataFrame(rows, schema={"item": pl.Int64, column: pl.String}, orient="row")
            yield files.unique("item", keep="first", maintain_order=True), f"{ending}: {len(rows):,} files"


def _read_content(folder: Path, last: int) -> dict[str, ItemFeatures]:
    """Return features by what they come from; the items are 1 … last."""
    content: dict[str, ItemFeatures] = {}
    inside = [one for one in sorted(folder.iterdir()) if one.is_dir() and "feature" in one.name.lower()]
    for path in [path for where in (folder, *inside) for path in sorted(where.glob("*.npy"))]:
        name = path.stem.lower()
        kind = next((kind for kind, words in _MODALITIES.items() if any(word in name for word in words)), path.stem)
        if kind in content:
            raise DataError(f"{path} holds features of the {kind}, and so does another file; keep one of them in the folder")
        content[kind] = read_features(path, "from 1")
        if len(content[kind].ids) < last:
            raise DataError(f"{path} has {len(content[kind].ids):,} rows, and items go up to {last:,}; row i has to be item i + 1")
    return content


def _find(folder: Path, *endings: str) -> Path | None:
    """Return the file with one of these endings, packed or not."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    return next((path for end in endings for path in files if without_packing(path).name.lower().endswith(end)), None)


def _fields(path: Path, separator: str, *names: str) -> pl.DataFrame:
    """Read fields, the last of which goes on to the end of the line; ids are whole numbers, and a header is dropped."""
    with unpacked(path) as plain:
        try:
            parts = pl.col("line").str.strip_chars_end("\r").str.splitn(separator, len(names)).struct.rename_fields(list(names))
            frame = text_lines(plain).select(parts.struct.unnest()).collect(engine="streaming")
        except READ_ERRORS as error:
            check_utf8(plain, str(path))
            raise unreadable(str(path), error) from error
    ids = [name for name in ("user", "item") if name in names]
    good = frame.with_columns(pl.col(ids).str.strip_chars().cast(pl.Int64, strict=False)).with_row_index("row")
    wrong = good.filter(pl.any_horizontal(pl.col(ids).is_null()) & (pl.col("row") > 0))
    if wrong.height:
        raise DataError(f"{path} line {wrong[0, 'row'] + 1} does not begin with a whole number; correct it or leave it out")
    rows = good.drop("row").drop_nulls(ids)
    return rows if "user" in names else rows.unique("item", keep="first", maintain_order=True)
