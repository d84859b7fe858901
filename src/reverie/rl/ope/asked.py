"""What a command asks for: sessions of a log that a run was not trained on, rounds that are left out, a policy from a path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from reverie.data.ids import matched
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError
from reverie.models import load_model
from reverie.rl.ope.log import LoggedRounds
from reverie.rl.ope.policy import PolicyOnLog, read_policy, run_policy
from reverie.rl.ope.propensities import with_estimated_propensities


def held_out_sessions(rounds: LoggedRounds, run: Path, log: str, offline: bool, gap_minutes: float | None) -> pl.Series:
    """Return the ids of sessions that the split of a run kept for its test, none of whose events it was trained on.

    `rounds` are all of the log, which has to be cut into sessions as the run's log is: sessions of one id with other items are
    refused.
    """
    from reverie.training.event_log import open_log
    from reverie.training.run import load_run

    if not run.is_dir():
        raise ConfigError(f"--held-out takes sessions that a run was not trained on, and {run} is no run folder; leave it out")
    if not _same_log(run, log):
        raise ConfigError(f"--held-out needs the log that {run} was trained on, and {log} is another one; leave it out")
    named = _named(rounds)
    recipe = load_run(run).recipe
    gap = None if recipe.dataset.sessions is None else recipe.dataset.sessions.gap_minutes
    if gap != gap_minutes:
        todo = "leave --gap-minutes out" if gap is None else f"say --gap-minutes {gap:g}"
        raise ConfigError(f"{run} was trained on sessions cut in another way than {log} is here, so held-out ones differ; {todo}")
    dataset = open_log(run, recipe.dataset, offline=offline)
    split = split_dataset(dataset, recipe.split)
    trained = [split.train.users, split.valid.users, *([] if split.labelled is None else [split.labelled.users])]
    ids = split.vocabulary.users.gather(np.setdiff1d(split.test.users, np.unique(np.concatenate(trained))))
    if not len(ids):
        raise ConfigError(
            f"{run} was trained on events of every session of {log}; train with --set split.protocol=by_user, which holds whole "
            "ones out"
        )
    known = named.filter(named.is_in(matched(ids.alias("session"), named.dtype).implode()))
    if not len(known):
        raise ConfigError(f"no session of {log} is called as those of {run}; name the column that the run read with --session")
    _check_alike(rounds, known, dataset.events.select(session="user", item="item"), run, log)
    return known


def of_sessions(rounds: LoggedRounds, ids: pl.Series) -> LoggedRounds:
    """Return the rounds of some sessions; which items are shown at all is still told by the whole log."""
    kept = _named(rounds).is_in(ids.implode())
    if not kept.any():
        raise ConfigError(f"no held-out session of {rounds.name} has a round that is left; lower --given")
    return rounds.of_sessions(kept.to_numpy())


def _named(rounds: LoggedRounds) -> pl.Series:
    """Return the ids of the sessions of a log, or refuse one that has none."""
    if rounds.session_ids is None:
        raise ConfigError(f"--held-out is of sessions, and {rounds.name} has none; name their column with --session")
    return rounds.session_ids


def _check_alike(rounds: LoggedRounds, ids: pl.Series, events: pl.DataFrame, run: Path, log: str) -> None:
    """Raise where a session holds other items than that of the same id in a run's log; items that the run left out do not count."""
    last = rounds.offsets[1:] - 1
    sessions, items = rounds.histories.before(last)
    sessions, items = np.append(sessions, np.arange(rounds.n_sessions)), np.append(items, rounds.actions[last])
    columns = {"session": _named(rounds).gather(sessions), "item": rounds.items.gather(items)}
    here, there = pl.DataFrame(columns).cast(pl.String).unique(), events.cast(pl.String).unique()
    of_both = pl.col("session").is_in(ids.cast(pl.String).implode()) & pl.col("item").is_in(there["item"].unique().implode())
    here, there = here.filter(of_both), there.filter(of_both)
    differ = pl.concat([one.join(other, on=["session", "item"], how="anti") for one, other in ((here, there), (there, here))])
    if differ.height:
        raise ConfigError(
            f"session {differ['session'][0]} of {log} holds other items than that of {run}, so held-out ones differ; name the "
            "column that the run read with --session"
        )


def shaped(rounds: LoggedRounds, given: int, horizon: int | None, estimated: bool) -> LoggedRounds:
    """Take given events and late rounds away, and estimate propensities where that was asked for."""
    if (given or horizon) and not rounds.has_sessions:
        raise ConfigError(f"--given and --horizon are of sessions, and {rounds.name} has none; name their column with --session")
    rounds = rounds.without_first(given) if given else rounds
    rounds = rounds if horizon is None else rounds.cut(horizon)
    return with_estimated_propensities(rounds) if estimated else rounds


def policy_at(path: Path, rounds: LoggedRounds, options: dict[str, Any], repeats: bool, log: str, held_out: bool) -> PolicyOnLog:
    """Read a policy: a folder is a run, a file a table; `log` is where the rounds were read from, all or those held out."""
    if not path.is_dir():
        return read_policy(path, rounds)
    acting = run_policy(load_model(path), rounds, repeats=repeats, **options)
    return replace(acting, trained_here=not held_out and _same_log(path, log))


def _same_log(run: Path, log: str) -> bool:
    """Return whether a run was trained on a log, by its name or path."""
    from reverie.training.event_log import log_of

    made_from = log_of(run)
    return made_from == log or (made_from != "" and Path(log).exists() and Path(log).resolve() == Path(made_from).resolve())
