"""What a training measured: metrics of its evaluations by kind of event, of its roll-outs, and rows of a results table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from reverie.documents import read_table
from reverie.evaluation import Effect, Evaluation
from reverie.evaluation.effects import NO_INTERVAL
from reverie.evaluation.intervals import mean_over_seeds
from reverie.evaluation.metrics import Ranks, expected_hit, parse
from reverie.evaluation.result import measure
from reverie.evaluation.slices import by_kind
from reverie.evaluation.values import Values
from reverie.rl.acting import Actor, Trained

MORE = ("backbone", "policy", "world", "checkpoint")
"""Columns after the fixed ones of a results table."""
REWARD = "cumulative_reward"
"""Rewards of the targets among the first k, per query."""
TOLD = ("q_over", "reward_error", "transition_error")
"""Measured once for each actor of a world, without a value for each session."""


@dataclass(frozen=True)
class Measured:
    """One metric of one actor at one seed: a value for each query or session, and what the bootstrap resamples together."""

    slice: str
    metric: str
    values: np.ndarray
    clusters: np.ndarray

    @property
    def frame(self) -> pl.DataFrame:
        """As intervals over seeds take it."""
        return pl.DataFrame({"user": self.clusters, "value": self.values})


def measured(trained: Trained, actor: Actor, ks: Sequence[int], best: float | None) -> Iterator[Measured]:
    """Return what an actor was measured by, on the test queries and in the world; `best` is the value that none exceeds there."""
    folder = Path(trained.files)
    evaluation = Evaluation.load(folder / actor.folder)
    names = [f"{name}@{k}" for k in ks for name in ("recall", "ndcg")]
    for part, one in {"all": evaluation, **by_kind(evaluation)}.items():
        for name in names:
            yield _of(part, name, measure(one, parse(name)))
        if "reward" in one.ranks.columns:
            for k in ks:
                yield _of(part, f"{REWARD}@{k}", rewards_of_hits(one.ranks, k))
    rolled = folder / f"{actor.folder}.parquet"
    if rolled.exists():
        frame = read_table(rolled, dict.fromkeys(("session", "return", "length"), "float"), "delete the piece")
        sessions, returns = frame["session"].to_numpy(), frame["return"].to_numpy()
        yield Measured("all", "return", returns, sessions)
        if best is not None:
            yield Measured("all", "regret", best - returns, sessions)
        yield Measured("all", "length", frame["length"].to_numpy(), sessions)


def rewards_of_hits(ranks: pl.DataFrame, k: int) -> Values:
    """Return the mean over queries of ``Σ reward · P(target among the first k)``, ties in random order.

    Parameters
    ----------
    ranks : polars.DataFrame
        Of an evaluation, with the column ``reward``.
    k : int
        Length of the list.

    Returns
    -------
    Values
        One value per query.
    """
    places = Ranks.of(ranks)
    values = places.per_query(ranks["reward"].to_numpy() * expected_hit(places.greater, places.equal, k))
    first = np.flatnonzero(np.diff(places.query, prepend=-1))
    return Values(values, np.ones(len(values)), ranks["cluster"].to_numpy()[first], len(values))


def _of(part: str, name: str, values: Values) -> Measured:
    clusters = values.clusters if values.clusters is not None else np.arange(len(values.numerator))
    return Measured(part, name, values.numerator / values.denominator, clusters)


def trained_rows(
    common: Mapping[str, Any], trained: Trained, world: str | None, ks: Sequence[int], best: float | None
) -> list[dict[str, Any]]:
    """Return one training as rows of a results table."""
    rows = []
    facts = {"best_epoch": trained.epoch, "seconds": trained.seconds, "peak_mb": trained.peak_mb, "commit": trained.commit}
    for told in trained.acted:
        actor = Actor(str(told["policy"]), str(told["checkpoint"]))
        row = {**common, **facts, "policy": actor.policy, "checkpoint": actor.checkpoint}
        for one in measured(trained, actor, ks, best):
            place = {"slice": one.slice, "metric": one.metric, "world": world if one.metric in IN_WORLD else ""}
            rows.append(row | place | _numbers(mean_over_seeds([one.frame])))
        for metric in (name for name in TOLD if name in told):
            ends = {end: told.get(f"{metric}_{end}") for end in ("low", "high")}
            how = "cluster_bootstrap(1000)" if ends["low"] is not None else NO_INTERVAL
            place = {"slice": "all", "metric": metric, "world": world, "value": told[metric], "interval": how, "n": ""}
            rows.append(row | place | ends)
        rows.append(row | {"slice": "all", "metric": "flagged", "value": float(bool(trained.flags)), "interval": NO_INTERVAL})
    return rows


IN_WORLD = ("return", "regret", "length")


def _numbers(effect: Effect) -> dict[str, Any]:
    return {name: getattr(effect, name) for name in ("value", "low", "high", "interval", "n")}
