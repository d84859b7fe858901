"""Writing a dataset as Parquet, CSV or RecBole's atomic files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from reverie.errors import DataError
from reverie.files import atomic_path

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset

_EVENTS = {
    "user": "user_id:token",
    "item": "item_id:token",
    "timestamp": "timestamp:float",
    "rating": "rating:float",
    "kind": "kind:token",
    "part": "part:token",
}
_CATALOG = {
    "item": "item_id:token",
    "title": "title:token_seq",
    "categories": "categories:token",
    "text": "text:token_seq",
    "cover": "cover:token",
    "video": "video:token",
}
_NAMES = ("user", "item", "kind", "part")
"""Columns whose values are names, which stay as they are."""
SUFFIXES = (".parquet", ".csv", ".inter")


def write_dataset(dataset: Dataset, path: str | Path) -> list[Path]:
    """Write events, and the catalogue beside them where there is one."""
    target = Path(path)
    if target.suffix not in SUFFIXES:
        raise DataError(f"events cannot be written to {target}; choose a name ending in {', '.join(SUFFIXES)}")
    paths = [_write(dataset.events, target, _EVENTS)]
    if dataset.catalog.height:
        atomic = target.suffix == ".inter"
        beside = target.with_suffix(".item") if atomic else target.with_name(f"{target.stem}-items{target.suffix}")
        paths.append(_write(dataset.catalog, beside, _CATALOG))
    return paths


def _write(frame: pl.DataFrame, target: Path, names: dict[str, str]) -> Path:
    with atomic_path(target) as temporary:
        if target.suffix == ".parquet":
            frame.write_parquet(temporary)
        elif target.suffix == ".csv":
            frame.write_csv(temporary)
        else:
            for name in frame.columns:
                broken = frame.filter(pl.col(name).cast(pl.String).str.contains(r"[\t\r\n]")) if name in _NAMES else frame.head(0)
                if broken.height:
                    raise DataError(
                        f"the {name} {broken[name][0]!r} holds a tab or a line break, which {target.suffix} files cannot; "
                        "write .parquet or .csv"
                    )
            flat = frame.rename(names, strict=False).with_columns(pl.col(pl.String).str.replace_all(r"[\t\r\n]", " "))
            flat.write_csv(temporary, separator="\t", quote_style="never")
    return target
