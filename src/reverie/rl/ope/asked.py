"""What a command asks for: rounds of a log that are left out, and a policy from a path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from reverie.errors import ConfigError
from reverie.rl.ope.log import LoggedRounds
from reverie.rl.ope.policy import PolicyOnLog, read_policy, run_policy
from reverie.rl.ope.propensities import with_estimated_propensities


def shaped(rounds: LoggedRounds, given: int, horizon: int | None, estimated: bool) -> LoggedRounds:
    """Take given events and late rounds away, and estimate propensities where that was asked for."""
    if (given or horizon) and not rounds.has_sessions:
        raise ConfigError(f"--given and --horizon are of sessions, and {rounds.name} has none; name their column with --session")
    rounds = rounds.without_first(given) if given else rounds
    rounds = rounds if horizon is None else rounds.cut(horizon)
    return with_estimated_propensities(rounds) if estimated else rounds


def policy_at(path: Path, rounds: LoggedRounds, options: dict[str, Any], repeats: bool, log: str) -> PolicyOnLog:
    """Read a policy: a folder is a run, a file a table; `log` is where the rounds were read from."""
    if not path.is_dir():
        return read_policy(path, rounds)
    from reverie.models import load_model
    from reverie.training.event_log import log_of

    made_from = log_of(path)
    same = made_from == log or (made_from != "" and Path(log).exists() and Path(log).resolve() == Path(made_from).resolve())
    return replace(run_policy(load_model(path), rounds, repeats=repeats, **options), trained_here=same)
