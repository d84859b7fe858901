"""Logs of shown items from files, named datasets and exchange files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from reverie.data.dataset import session_ids
from reverie.data.readers.convert import check_values, require_values, to_ids
from reverie.data.readers.formats import open_table
from reverie.data.readers.layouts import EVENT_NAMES
from reverie.data.readers.table import find_column
from reverie.data.readers.times import Times, to_times
from reverie.data.sources.load import list_datasets, open_dataset
from reverie.errors import ConfigError, DataError
from reverie.rl.ope.exchange import read_exchange
from reverie.rl.ope.log import LoggedRounds, from_dataset, from_frame

NAMES: dict[str, tuple[str, ...]] = {
    "item": (*EVENT_NAMES["item"], "action", "actionid"),
    "reward": ("reward", "rewards", "click", "clicks", "clicked", "converted"),
    "propensity": ("propensity", "propensityscore", "pscore", "loggingprobability", "behaviorprobability", "behaviourprobability"),
    "session": ("session", "sessionid", "episode", "trajectory", "user", "userid", "visitorid"),
    "step": ("step", "timestep", *EVENT_NAMES["timestamp"]),
    "context": ("context", "contextid", "state"),
    "position": ("position", "slot", "rank", "place"),
}
"""Usual column names of a log of shown items, the likeliest first; compared without case, spaces, ``_`` and ``-``."""

LANDED = ("session-world", "session-world-small", "session-world-sparse")
"""Datasets whose sessions begin with an item that the logging policy did not choose."""

ALONE = ("open-bandit", "open-bandit-bts")
"""Datasets whose users are groups of visitors, so that each round stands alone."""


def read_log(
    source: str | Path,
    columns: dict[str, str | None] | None = None,
    rewards: dict[str, float] | None = None,
    offline: bool = False,
    gap_minutes: float | None = None,
) -> LoggedRounds:
    """Read a log of shown items.

    Parameters
    ----------
    source : str or Path
        The name of a dataset whose events have rewards; or a table in any format of `read_events` with one row for each item shown;
        or an ``.npz`` file that `write_exchange` made.
    columns : dict, optional
        Columns by role, where their names are not among the usual ones (`NAMES`).
    rewards : dict, optional
        Reward of each kind of event, for a log of views, carts and purchases; in the place of a column of rewards.
    offline : bool
        Whether the network is never asked.
    gap_minutes : float, optional
        A new session begins where more minutes than these pass, as in a recipe's ``dataset.sessions``.

    Returns
    -------
    LoggedRounds

    Raises
    ------
    DataError
        Where there is no reward, or a value is missing, not finite or out of range.
    """
    named = [role for role, column in (columns or {}).items() if column is not None]
    if named and (_is_dataset(source) or Path(source).suffix.lower() == ".npz"):
        raise ConfigError(f"--{named[0]} names a column of a table, and {source} is none; leave it out")
    if _is_dataset(source):
        dataset = open_dataset(str(source), offline=offline)
        if rewards is not None:
            dataset = replace(dataset, events=_rewarded(dataset.events, rewards, dataset.name))
        dataset = dataset if gap_minutes is None else dataset.cut_sessions(gap_minutes)
        log = from_dataset(dataset, sessions=str(source) not in ALONE)
        return log.without_first(1) if str(source) in LANDED else replace(log, by_people=rewards is not None)
    if Path(source).suffix.lower() == ".npz":
        if gap_minutes is not None:
            raise ConfigError(f"--gap-minutes cuts a log by its times, and {source} has none; leave it out")
        return read_exchange(Path(source))
    chosen = columns or {}
    with open_table(Path(source)) as table:
        names = NAMES if rewards is None else {**NAMES, "reward": EVENT_NAMES["kind"]}
        found = {role: _found(role, chosen.get(role), table.columns, usual, table.where) for role, usual in names.items()}
        listed = ", ".join(table.columns[:20])
        if found["item"] is None:
            raise DataError(f"{table.where} has no column known as the item; its columns are {listed}: name one with --item")
        if found["reward"] is None and rewards is not None:
            raise DataError(f"{table.where} has no column known as the kind; its columns are {listed}: name one with --reward")
        if found["reward"] is None:
            kind = find_column("kind", None, table.columns, EVENT_NAMES["kind"], table.where)
            more = "" if kind is None else f", or say with --rewards what the kinds in '{kind}' are worth"
            raise DataError(
                f"{table.where} has no column of rewards, so nothing can be said of what a policy would earn; its columns are "
                f"{listed}: name one with --reward{more}"
            )
        column_of = {role: column for role, column in found.items() if column is not None}
        frame = table.read(list(column_of.values()), ids=[column_of["item"]])
        if rewards is not None:
            kinds = frame.rename({column_of["reward"]: "kind"})
            frame = frame.with_columns(_rewarded(kinds, rewards, table.where)["reward"].alias(column_of["reward"]))
        typed = pl.DataFrame([_typed(frame[column], role, table.where) for role, column in column_of.items()])
        if gap_minutes is not None:
            for role, what in (("session", "people"), ("step", "times")):
                if role not in column_of:
                    raise ConfigError(
                        f"--gap-minutes cuts what people did by its times, and {table.where} has no column of {what}; name it with "
                        f"--{role}"
                    )
            typed = typed.with_columns(_cut(typed["session"], to_times(frame[column_of["step"]], table.where), gap_minutes))
    return replace(from_frame(typed, str(source)), by_people=rewards is not None)


def _cut(people: pl.Series, times: Times, gap_minutes: float) -> pl.Series:
    """Return the session of each row, as `Dataset.cut_sessions` calls them."""
    columns = {"user": people, "timestamp": times.seconds}
    columns |= {} if times.nanoseconds is None else {"nanosecond": times.nanoseconds}
    ordered = pl.DataFrame(columns).with_row_index("row").sort(*columns, "row")
    return ordered.select("row", session_ids(ordered, gap_minutes).alias("session")).sort("row").to_series(1)


def _is_dataset(source: str | Path) -> bool:
    return str(source) in list_datasets() and not Path(source).exists()


def rewards_of_kinds(text: str) -> dict[str, float]:
    """Return the rewards of kinds that an option gives as ``view=0.2,cart=0.5,buy=1``."""
    found: dict[str, float] = {}
    for part in text.split(","):
        kind, _, value = part.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ConfigError(f"--rewards {part!r} is no kind with a number; write for instance view=0.2,cart=0.5,buy=1")
        if kind.strip() in found:
            raise ConfigError(f"--rewards gives the kind '{kind.strip()}' two rewards; leave one of them out")
        found[kind.strip()] = number
    return found


def _rewarded(events: pl.DataFrame, rewards: dict[str, float], where: str) -> pl.DataFrame:
    """Return events with the rewards of their kinds; a kind without one is named."""
    if "kind" not in events.columns:
        raise DataError(f"{where} has no kinds of events to give rewards to; leave out --rewards")
    kinds = events["kind"].cast(pl.String).fill_null("")
    unknown = sorted(set(kinds.unique()) - set(rewards))
    if unknown:
        raise DataError(f"{where} has events of kind '{unknown[0]}', to which --rewards gives nothing; add {unknown[0]}=0")
    return events.with_columns(kinds.replace_strict(rewards, return_dtype=pl.Float64).alias("reward"))


def _found(role: str, chosen: str | None, columns: Sequence[str], usual: Iterable[str], where: str) -> str | None:
    """Return the column that holds a role; one that is not there is named with its option."""
    try:
        return find_column(role, chosen, columns, usual, where)
    except DataError as error:
        raise DataError(f"{str(error).removesuffix(f'{role}=')}--{role}") from None


def _typed(values: pl.Series, role: str, where: str) -> pl.Series:
    """Bring a column to the type of its role."""
    if role in ("item", "session", "context"):
        return to_ids(values, where, role).alias(role)
    if role in ("reward", "propensity"):
        return _numbers(values, role, where).alias(role)
    if role == "step":
        return _ordering(values, where).alias(role)
    if values.dtype.is_nested():
        raise DataError(f"{where}: column '{values.name}' holds {values.dtype}, not one place a row; choose another with --{role}")
    require_values(values, where)
    if values.dtype.is_float():
        check_values(values, values.is_finite(), where, "a place")
    return values.alias(role)


def _numbers(values: pl.Series, role: str, where: str) -> pl.Series:
    """Bring a column to numbers; the first row that holds none is named, or the column if no row does."""
    source = values.str.strip_chars() if values.dtype == pl.String else values
    numbers = source.cast(pl.Float64, strict=False) if values.dtype == pl.String or values.dtype.is_numeric() else None
    if numbers is None or (numbers.is_null().all() and values.is_not_null().any()):
        raise DataError(f"{where}: column '{values.name}' does not hold numbers; choose another with --{role}")
    require_values(values, where)
    check_values(values, numbers.is_not_null(), where, "a number")
    return numbers


def _ordering(values: pl.Series, where: str) -> pl.Series:
    """Bring what orders a session to numbers: numbers as they are, dates as nanoseconds since 1970."""
    require_values(values, where)
    if values.dtype.is_numeric():
        check_values(values, values.is_finite(), where, "a number or a time")
        return values
    if values.dtype == pl.String or values.dtype in (pl.Date, pl.Datetime):
        numbers = values.str.strip_chars().cast(pl.Float64, strict=False) if values.dtype == pl.String else None
        if numbers is not None and not numbers.is_null().all():
            check_values(values, numbers.is_finite().fill_null(False), where, "a number or a time")
            return numbers
        times = to_times(values, where)
        rest = pl.lit(0) if times.nanoseconds is None else times.nanoseconds
        parts = pl.select(times.seconds.alias("seconds"), rest.alias("rest"))
        return parts.select(pl.col("seconds").cast(pl.Int128) * pl.lit(10**9, pl.Int128) + pl.col("rest")).to_series()
    raise DataError(f"{where}: column '{values.name}' holds {values.dtype}, no numbers and no times; choose another with --step")
