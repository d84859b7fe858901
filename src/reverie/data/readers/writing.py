"""Writing a dataset as Parquet, CSV or RecBole's atomic files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from reverie.data.dataset import Dataset
from reverie.errors import DataError
from reverie.files import atomic_path

_EVENTS = {
    "user": "user_id:token", "item": "item_id:token", "timestamp": "timestamp:float", "rating": "rating:float",
    "kind": "kind:token", "reward": "reward:float", "propensity": "propensity:float", "weight": "weight:float",
    "part": "part:token",
}  # fmt: skip
_CATALOG = {
    "item": "item_id:token", "title": "title:token_seq", "categories": "categories:token", "text": "text:token_seq",
    "cover": "cover:token", "video": "video:token",
}  # fmt: skip
_NAMES = ("user", "item", "kind", "part")
"""Columns whose values are names, which stay as they are."""
SUFFIXES = (".parquet", ".csv", ".inter")
WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    ".parquet": lambda frame, path: frame.write_parquet(path),
    ".pq": lambda frame, path: frame.write_parquet(path),
    ".csv": lambda frame, path: frame.write_csv(path),
    ".tsv": lambda frame, path: frame.write_csv(path, separator="\t"),
    ".jsonl": lambda frame, path: frame.write_ndjson(path),
    ".ndjson": lambda frame, path: frame.write_ndjson(path),
}
"""How a table is written, by the suffix of its file."""


def table_writer(path: Path) -> Callable[[pl.DataFrame, Path], None]:
    """Return the writer for the suffix of a file, before anything is computed for it."""
    if path.suffix.lower() not in WRITERS:
        raise DataError(f"a table cannot be written to {path}; choose a name ending in {', '.join(WRITERS)}")
    return WRITERS[path.suffix.lower()]


def write_dataset(dataset: Dataset, path: str | Path) -> list[Path]:
    """Write events, and the catalogue beside them where there is one."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"events cannot be written to {target}; choose a name ending in {', '.join(SUFFIXES)}")
    paths = [_write(_one_time(dataset.events, suffix == ".parquet"), target, _EVENTS)]
    if dataset.catalog.height:
        atomic = suffix == ".inter"
        beside = target.with_suffix(".item") if atomic else target.with_name(f"{target.stem}-items{target.suffix}")
        paths.append(_write(dataset.catalog, beside, _CATALOG))
    return paths


def _one_time(events: pl.DataFrame, binary: bool) -> pl.DataFrame:
    """Join seconds and nanoseconds: decimals in text, moments in Parquet; whole seconds stay as they are."""
    if "nanosecond" not in events.columns:
        return events
    seconds, finer = pl.col("timestamp"), pl.col("nanosecond").cast(pl.Int64)
    if binary:
        whole = (events["nanosecond"] % 1000 == 0).all()
        ticks, unit = (10**6, "us") if whole else (10**9, "ns")
        if not whole and not events["timestamp"].is_between(-9_000_000_000, 9_000_000_000).all():
            raise DataError("times before 1685 or after 2255 have no nanoseconds in Parquet; write .csv")
        time = (seconds * ticks + finer // (10**9 // ticks)).cast(pl.Datetime(unit))  # type: ignore[arg-type]  # one of its units
    else:
        before = (seconds < 0) & (finer > 0)  # -0.5 is half a second before the second 0
        sign, whole_part = (
            pl.when(before).then(pl.lit("-")).otherwise(pl.lit("")),
            pl.when(before).then(-seconds - 1).otherwise(seconds),
        )
        digits = pl.when(before).then(10**9 - finer).otherwise(finer).cast(pl.String).str.zfill(9).str.strip_chars_end("0")
        time = pl.format("{}{}.{}", sign, whole_part, pl.when(digits == "").then(pl.lit("0")).otherwise(digits))
    return events.with_columns(time.alias("timestamp")).drop("nanosecond")


def _write(frame: pl.DataFrame, target: Path, names: dict[str, str]) -> Path:
    with atomic_path(target) as temporary:
        if target.suffix.lower() in WRITERS:
            table_writer(target)(frame, temporary)
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
