"""Tables of ids in CSV beside a file of arrays: what its codes and rounds stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.ids import matched
from reverie.data.readers.convert import require_values, to_ids
from reverie.data.readers.formats import open_table
from reverie.errors import DataError

if TYPE_CHECKING:
    from reverie.rl.ope.log import LoggedRounds

_IDS = ("item", "session", "context")


def beside(path: Path, name: str) -> Path:
    """Return the path of a table beside a file of arrays."""
    return path.with_name(f"{path.stem}-{name}.csv")


def columns_of_rounds(path: Path, n: int) -> list[pl.Series]:
    """Return session, propensity and its mark of the n rounds of a file, in order, as far as the table beside it has them."""
    rounds, where = _table(path, "rounds", ("round",)), beside(path, "rounds")
    if rounds is None:
        return []
    if not rounds["round"].sort().equals(pl.Series("round", np.arange(n))):
        raise DataError(f"{where} does not hold the rounds 0 to {n - 1:,} of {path}, each once; correct it, or take it away")
    ordered = rounds.sort("round")
    found = [ordered[name] for name in ("session", "propensity", "estimated") if name in ordered.columns]
    for one in found:
        require_values(one, str(where))
    return found


def given_items(path: Path, log: LoggedRounds) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return session [m] and item [m], as numbers of a log, of the items that its sessions began with, by the table beside it."""
    table, where = _table(path, "given", ("round", "item")), beside(path, "given")
    if table is None:
        return None
    rows = np.arange(len(log)) if log.rows is None else log.rows
    first = pl.DataFrame({"round": rows[log.offsets[:-1]], "session": np.arange(log.n_sessions)})
    items = pl.DataFrame({"item": log.items, "code": np.arange(log.n_items)})
    typed = table.with_columns(matched(table["item"], log.items.dtype))
    found = typed.join(first, on="round", how="left", maintain_order="left").join(
        items, on="item", how="left", maintain_order="left"
    )
    if not log.has_sessions or found["session"].null_count():
        raise DataError(f"{where} names rounds with which no session of {path} begins; correct it, or take it away")
    if found["code"].null_count():
        raise DataError(f"{where} names an item that {path} and the table of items beside it do not have; add it there")
    return found["session"].to_numpy(), found["code"].to_numpy()


def ids_of_codes(path: Path, name: str, code: str, column: str) -> pl.DataFrame | None:
    """Return codes and their ids by the table beside a file, or None where there is none."""
    table = _table(path, name, (code, column))
    if table is None:
        return None
    for one in (code, column):
        if table[one].is_duplicated().any():
            twice = table[one].filter(table[one].is_duplicated())[0]
            raise DataError(f"{beside(path, name)} has {twice!r} twice in column '{one}'; each code has an id of its own")
    return table.select(pl.col(code).alias("code"), column)


def looked_up(codes: pl.Series, table: pl.DataFrame, path: Path, name: str) -> pl.Series:
    """Return the ids of codes."""
    found = codes.alias("code").to_frame().join(table, on="code", how="left", maintain_order="left").to_series(1)
    if found.null_count():
        code = codes.filter(found.is_null())[0]
        raise DataError(f"{beside(path, name)} has no id of code {code}, which stands in {path}; add it, or take the table away")
    return found


def _table(path: Path, name: str, needed: tuple[str, ...]) -> pl.DataFrame | None:
    """Return the table beside a file, whose first needed column holds whole numbers, or None where there is none."""
    where, code = beside(path, name), needed[0]
    if not where.exists():
        return None
    with open_table(where) as table:
        for column in needed:
            if column not in table.columns:
                raise DataError(f"{where} has no column '{column}'; write it with --export, or take it away")
        frame = table.read(list(table.columns), ids=[column for column in _IDS if column in table.columns])
    require_values(frame[needed[-1]], str(where))
    codes = to_ids(frame[code], str(where), "code")
    if codes.dtype != pl.Int64:
        raise DataError(f"{where}: column '{code}' does not hold whole numbers; write it with --export, or take it away")
    return frame.with_columns(codes)
