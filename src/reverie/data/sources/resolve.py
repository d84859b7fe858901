"""`open_dataset`: a dataset by its registered name or by the path of an event log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.data.readers import read_events
from reverie.data.sources.load import list_datasets, load_dataset
from reverie.errors import DataError, nearest

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset


def open_dataset(
    name_or_path: str | Path,
    *,
    user: str | None = None,
    item: str | None = None,
    timestamp: str | None = None,
    rating: str | None = None,
    kind: str | None = None,
    catalog: Any = None,
    format: str | None = None,
    offline: bool = False,
) -> Dataset:
    """Open a registered dataset or a file.

    Parameters
    ----------
    name_or_path : str or path
        A member of `list_datasets`, else the path of an event log.
    user, item, timestamp, rating, kind, catalog, format
        For a file, see `read_events`.
    offline : bool
        For a name, see `load_dataset`.

    Returns
    -------
    Dataset
        Events with their catalogue.

    Raises
    ------
    DataError
        If it is neither; the nearest name is given. Also whatever the readers raise.
    """
    name = str(name_or_path)
    if name in list_datasets():
        return load_dataset(name, offline=offline)
    if Path(name).exists():
        return read_events(
            name, user=user, item=item, timestamp=timestamp, rating=rating, kind=kind, catalog=catalog, format=format
        )
    raise DataError(
        f"'{name}' is no dataset{nearest(name, list_datasets())} and no such file exists; see 'reverie data list' or check the path"
    )
