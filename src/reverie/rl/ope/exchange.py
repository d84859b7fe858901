"""Logs in the array layouts of Open Bandit Pipeline and of d3rlpy, as ``.npz`` files with tables of the ids beside them."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.readers.convert import to_ids
from reverie.data.sequences import row_offsets
from reverie.errors import DataError, unknown
from reverie.files import atomic_path
from reverie.packed import require_file
from reverie.rl.ope.beside import beside, columns_of_rounds, given_items, ids_of_codes, looked_up
from reverie.rl.ope.log import LoggedRounds, from_frame

Layout = Literal["obp", "d3rlpy"]
LAYOUTS = ("obp", "d3rlpy")
HISTORY = 10
"""Last items of an observation of d3rlpy."""


def write_exchange(log: LoggedRounds, path: Path, layout: str, history: int = HISTORY) -> list[Path]:
    """Write a log for another program.

    ``obp``: the keys of Open Bandit Pipeline's ``bandit_feedback`` (n_rounds, n_actions, action, position, reward, pscore, context,
    action_context), which ``dict(numpy.load(path))`` gives back; contexts are one-hot. ``d3rlpy``: observations, actions, rewards
    and terminals as ``d3rlpy.dataset.MDPDataset(**numpy.load(path))`` takes them; an observation holds the codes of the last items,
    oldest first, 0 where there are fewer, and propensities stand in the table of rounds. That table also says where they were
    estimated. Items are codes in both; which id a code stands for is in ``NAME-items.csv``; contexts and sessions likewise. What
    sessions began with before the first round is in ``NAME-given.csv``.

    Parameters
    ----------
    log : LoggedRounds
    path : Path
        Ends in ``.npz``.
    layout : {"obp", "d3rlpy"}
    history : int
        Items of an observation.

    Returns
    -------
    list of Path
        The files that were written.
    """
    if layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    if path.suffix.lower() != ".npz":
        raise DataError(f"arrays cannot be written to {path}; choose a name ending in .npz")
    arrays: dict[str, Any] = _obp(log) if layout == "obp" else _d3rlpy(log, history)
    tables = {"items": pl.DataFrame({"code": np.arange(log.n_items), "item": log.items})}
    if layout == "d3rlpy":
        tables["items"] = (
            tables["items"].with_columns(pl.col("code").alias("action"), (pl.col("code") + 1).alias("observed")).drop("code")
        )
    if log.context_ids is not None and layout == "obp":
        tables["contexts"] = pl.DataFrame({"code": np.arange(len(log.context_ids)), "context": log.context_ids})
    rounds: dict[str, Any] = {"round": np.arange(len(log))}
    if log.session_ids is not None:
        rounds["session"] = log.session_ids.gather(log.sessions)
    if log.propensities is not None and layout == "d3rlpy":
        rounds["propensity"] = log.propensities
    if log.estimated:
        rounds["estimated"] = np.ones(len(log), dtype=bool)
    if len(rounds) > 1:
        tables["rounds"] = pl.DataFrame(rounds)
    if (given := _given(log)) is not None:
        tables["given"] = given
    for name in ("contexts", "rounds", "given"):
        if name not in tables and (old := beside(path, name)).exists():
            raise DataError(
                f"{old} would be read as part of {path}, whose log has no {name} to name; choose another name, or delete it"
            )
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, **arrays)
    written = [path]
    for name, frame in tables.items():
        table = beside(path, name)
        with atomic_path(table) as temporary:
            frame.write_csv(temporary)
        written.append(table)
    return written


def _given(log: LoggedRounds) -> pl.DataFrame | None:
    """Return the items before the first round of each session, with the number of that round; None where there are none."""
    first = log.offsets[:-1]
    sessions, items = log.histories.before(first)
    return pl.DataFrame({"round": first[sessions], "item": log.items.gather(items)}) if len(items) else None


def _obp(log: LoggedRounds) -> dict[str, NDArray[Any]]:
    """Return the arrays of Open Bandit Pipeline's feedback."""
    contexts = np.zeros(len(log), dtype=np.int64) if log.contexts is None else log.contexts
    width = 1 if log.context_ids is None else len(log.context_ids)
    positions = np.zeros(len(log), dtype=np.int64) if log.positions is None else log.positions
    return {
        "n_rounds": np.array(len(log)),
        "n_actions": np.array(log.n_items),
        "action": log.actions,
        "position": positions,
        "reward": log.rewards,
        "pscore": log.known_propensities(),
        "context": np.eye(width)[contexts],
        "action_context": np.eye(log.n_items) if log.n_items <= 2000 else np.zeros((log.n_items, 1)),
    }


def _d3rlpy(log: LoggedRounds, history: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of d3rlpy's dataset of decision processes."""
    past = log.histories
    at = past.stops[:, None] - history + np.arange(history)
    inside = at >= past.starts[log.sessions][:, None]
    observations = np.where(inside, past.items[np.maximum(at, 0)] + 1, 0).astype(np.float32)
    terminals = np.zeros(len(log), dtype=np.float32)
    terminals[log.offsets[1:] - 1] = 1.0
    return {
        "observations": observations,
        "actions": log.actions[:, None],
        "rewards": log.rewards.astype(np.float32)[:, None],
        "terminals": terminals,
    }


def read_exchange(path: Path) -> LoggedRounds:
    """Read a log in either layout; ids come from the tables beside it, where they are, else codes are the ids.

    Parameters
    ----------
    path : Path
        An ``.npz`` file; nothing in it is unpickled.

    Returns
    -------
    LoggedRounds
        Of ``obp`` without sessions, unless a table of rounds has them.

    Raises
    ------
    DataError
        If the file is damaged, or has the keys of neither layout.
    """
    require_file(path)
    try:
        if not zipfile.is_zipfile(path):
            raise DataError(f"{path} is no .npz file; write it with numpy.savez")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: np.asarray(stored[name]) for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as arrays ({error}); write it with numpy.savez, without objects") from error
    if {"action", "reward"} <= arrays.keys():
        return _from_obp(arrays, path)
    if {"observations", "actions", "rewards", "terminals"} <= arrays.keys():
        return _from_d3rlpy(arrays, path)
    raise DataError(
        f"{path} holds {', '.join(sorted(arrays)[:10]) or 'nothing'}; give the keys action, reward and pscore (obp), or "
        "observations, actions, rewards and terminals (d3rlpy)"
    )


def _from_obp(arrays: dict[str, NDArray[Any]], path: Path) -> LoggedRounds:
    columns: dict[str, Any] = {"item": _codes(arrays, "action", path), "reward": _numbers(arrays, "reward", path)}
    if "pscore" in arrays and arrays["pscore"].ndim:
        columns["propensity"] = _numbers(arrays, "pscore", path)
    position = arrays.get("position")
    if position is not None and position.ndim == 1 and len(np.unique(position)) > 1:
        columns["position"] = _codes(arrays, "position", path)
    context = arrays.get("context")
    if context is not None and context.ndim == 2 and context.shape[1] > 1:
        if context.dtype.kind not in _NUMBERS or not np.isfinite(context).all():
            raise DataError(f"{path}: 'context' holds what is no finite number; give numbers, or leave it out")
        columns["context"] = np.unique(context, axis=0, return_inverse=True)[1].ravel()
        if (context.sum(axis=1) == 1).all() and set(np.unique(context)) <= {0.0, 1.0}:
            columns["context"] = context.argmax(axis=1)
    return _named(columns, path)


def _from_d3rlpy(arrays: dict[str, NDArray[Any]], path: Path) -> LoggedRounds:
    ends = [_numbers(arrays, name, path) for name in ("terminals", "timeouts") if name in arrays]
    if len({len(one) for one in ends}) > 1:
        raise DataError(f"{path}: 'terminals' and 'timeouts' differ in length; give one value a round in each")
    session = row_offsets(np.any([one != 0 for one in ends], axis=0))[:-1]
    columns = {"item": _codes(arrays, "actions", path), "reward": _numbers(arrays, "rewards", path), "session": session}
    return _named(columns, path, "action")


_NUMBERS = "iufb"
"""Kinds of NumPy's types of numbers."""


def _codes(arrays: dict[str, NDArray[Any]], name: str, path: Path) -> pl.Series:
    """Return an array of whole numbers, one a round."""
    return to_ids(pl.Series(name, _flat(arrays, name, path)), str(path), "code")


def _numbers(arrays: dict[str, NDArray[Any]], name: str, path: Path) -> NDArray[np.float64]:
    """Return an array of numbers, one a round."""
    return np.asarray(_flat(arrays, name, path), dtype=np.float64)


def _flat(arrays: dict[str, NDArray[Any]], name: str, path: Path) -> NDArray[Any]:
    """Return an array of one value a round, or refuse one of another shape or type."""
    values = arrays[name]
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in _NUMBERS or not len(values):
        raise DataError(f"{path}: '{name}' has shape {arrays[name].shape} and type {arrays[name].dtype}; give one number a round")
    return values


def _named(columns: dict[str, Any], path: Path, code: str = "code") -> LoggedRounds:
    """Make rounds of arrays, with the ids that tables beside the file give to codes; `code` is the column of an item's."""
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} {n:,}" for name, n in lengths.items())
        raise DataError(f"{path} holds arrays of different lengths ({said}); give one value a round in each")
    frame = pl.DataFrame(columns)
    frame = frame.with_columns(columns_of_rounds(path, frame.height))
    if "context" in frame.columns and (contexts := ids_of_codes(path, "contexts", "code", "context")) is not None:
        frame = frame.with_columns(looked_up(frame["context"], contexts, path, "contexts").alias("context"))
    items = ids_of_codes(path, "items", code, "item")
    if items is not None:
        frame = frame.with_columns(looked_up(frame["item"], items, path, "items").alias("item"))
    log = replace(from_frame(frame, str(path)), estimated="estimated" in frame.columns)
    log = log if items is None else log.with_items(items["item"])
    given = given_items(path, log)
    return log if given is None else log.after(*given)
