"""What a command asks for: rounds of a log that are left out, and a policy from a path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reverie.data.ids import matched
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError
from reverie.models import load_model
from reverie.rl.ope.log import LoggedRounds
from reverie.rl.ope.policy import PolicyOnLog, read_policy, run_policy
from reverie.rl.ope.propensities import with_estimated_propensities


def held_out_rounds(rounds: LoggedRounds, run: Path, log: str, offline: bool) -> LoggedRounds:
    """Return the rounds of sessions that the split of a run kept for its test, none of whose events it was trained on."""
    from reverie.training.event_log import open_log
    from reverie.training.run import load_run

    if not run.is_dir():
        raise ConfigError(f"--held-out takes sessions that a run was not trained on, and {run} is no run folder; leave it out")
    if not _same_log(run, log):
        raise ConfigError(f"--held-out needs the log that {run} was trained on, and {log} is another one; leave it out")
    if rounds.session_ids is None:
        raise ConfigError(f"--held-out is of sessions, and {rounds.name} has none; name their column with --session")
    recipe = load_run(run).recipe
    split = split_dataset(open_log(run, recipe.dataset, offline=offline), recipe.split)
    known = np.unique(np.concatenate([split.train.users, split.valid.users]))
    ids = split.vocabulary.users.gather(np.setdiff1d(split.test.users, known))
    if not len(ids):
        raise ConfigError(
            f"{run} was trained on events of every session of {log}; train with --set split.protocol=by_user, which holds whole "
            "ones out"
        )
    kept = rounds.session_ids.is_in(matched(ids.alias("session"), rounds.session_ids.dtype).implode())
    if not kept.any():
        raise ConfigError(f"no session of {log} is called as those of {run}; cut them alike, with --session or --gap-minutes")
    return rounds.of_sessions(kept.to_numpy())


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
