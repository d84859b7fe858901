"""Files of vectors: a Parquet table, or an array with its ids beside it, and a JSON file that tells what they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.documents import read_json, regular
from reverie.errors import ConfigError, DataError
from reverie.files import atomic_path, check_digests, check_seal, sealed, sha256, write_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 1
SUFFIXES = (".parquet", ".npy")
_REMEDY = "make it again: reverie video embed"


def check_name(out: Path) -> None:
    """Refuse a name that is not one of a file of vectors."""
    if out.suffix not in SUFFIXES:
        raise ConfigError(f"--out {out} must end in .parquet or .npy")


def about_file(out: Path) -> Path:
    """Return the file that tells what vectors are of."""
    return out.with_name(f"{out.name}.json")


def write_vectors(
    out: Path, ids: Sequence[str], labels: Sequence[str | None], vectors: NDArray[np.float32], facts: Mapping[str, Any]
) -> None:
    """Write vectors by ids; labels are names of classes, None where there is none."""
    with atomic_path(out) as temporary:
        if out.suffix == ".npy":
            with temporary.open("wb") as file:
                np.save(file, vectors, allow_pickle=False)
        else:
            import polars as pl

            column = pl.Series("vector", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1]))
            pl.DataFrame([pl.Series("id", ids), pl.Series("label", labels, dtype=pl.String), column]).write_parquet(temporary)
    about = {"format": FORMAT, "facts": dict(facts), "clips": len(ids), "dim": vectors.shape[1], "sha256": sha256(out)}
    more = {"ids": list(ids), "labels": list(labels)} if out.suffix == ".npy" else {}
    write_json(about_file(out), sealed(about | more))


def read_about(out: Path) -> dict[str, Any]:
    """Return what is told of a file of vectors, whose digest is compared.

    Raises
    ------
    DataError
        If it is missing, or one of both files was changed.
    """
    path = about_file(out)
    values = read_json(path)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise DataError(f"{path} is not of a format that this version reads; {_REMEDY}")
    check_seal(values, path, _REMEDY, required=True)
    check_digests(out.parent, {out.name: str(values.get("sha256"))}, _REMEDY)
    return values


def read_vectors(out: str | Path) -> tuple[tuple[str, ...], NDArray[np.float32], dict[str, Any]]:
    """Read what `reverie video embed` wrote.

    Parameters
    ----------
    out : path
        The Parquet or ``.npy`` file; what is told of it lies beside it.

    Returns
    -------
    tuple of ids, vectors float32 [N, C] and facts
    """
    out = Path(out)
    check_name(out)
    about = read_about(out)
    if out.suffix == ".npy":
        vectors, ids = np.load(regular(out), allow_pickle=False), tuple(about.get("ids", ()))
    else:
        import polars as pl

        try:
            frame = pl.read_parquet(regular(out), columns=["id", "vector"], glob=False)
            ids, vectors = tuple(frame["id"].to_list()), frame["vector"].to_numpy()
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{out} cannot be read as vectors; {_REMEDY}") from error
    if vectors.dtype != np.float32 or vectors.shape != (len(ids), about["dim"]):
        raise DataError(f"{out} does not fit what is told of it; {_REMEDY}")
    return ids, vectors, about["facts"]
