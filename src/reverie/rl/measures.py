"""What a training measured: metrics of its evaluations by kind of event, of its roll-outs, and rows of a results table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.documents import read_table
from reverie.evaluation import Effect, Evaluation
from reverie.evaluation.effects import NO_INTERVAL, finite
from reverie.evaluation.intervals import cluster_bootstrap, cluster_sums, interval_name
from reverie.evaluation.metrics import Ranks, expected_hit, parse
from reverie.evaluation.result import measure
from reverie.evaluation.slices import by_kind
from reverie.evaluation.values import Values
from reverie.rl.acting import Actor, Trained
from reverie.rl.recipe import IN_WORLD, RANKED, REWARD, TOLD
from reverie.rl.restored import VALIDATION, Named, effect_over_seeds, mean_of

MORE = ("backbone", "policy", "world", "checkpoint")
"""Columns after the fixed ones of a results table."""
RESAMPLES = 1000
FLAGGED = {"slice": "all", "metric": "flagged", "value": 1.0, "interval": NO_INTERVAL}
"""The only row of a training that failed."""


def measured(trained: Trained, actor: Actor, ks: Sequence[int], best: float | None) -> dict[Named, Values]:
    """Return what an actor was measured by, by slice and metric: a value for each test query, and for each session of the world.

    `best` is the return that none exceeds there.
    """
    if trained.means is not None:
        return {name: mean_of(value) for name, value in trained.means.get(actor, {}).items()}
    found: dict[Named, Values] = {}
    folder = Path(trained.files)
    if (folder / actor.folder).exists():  # the world's own policies are not asked for rankings
        found |= _ranked(Evaluation.load(folder / actor.folder), ks)
    rolled = folder / f"{actor.folder}.parquet"
    if rolled.exists():
        frame = read_table(rolled, dict.fromkeys(("session", "return", "length"), "float"), "delete the piece")
        returns, sessions = frame["return"].to_numpy(), frame["session"].to_numpy()
        found["all", "return"] = _each(returns, sessions)
        found["all", "length"] = _each(frame["length"].to_numpy(), sessions)
        if best is not None:
            found["all", "regret"] = _each(best - returns, sessions)
    return found


def _ranked(evaluation: Evaluation, ks: Sequence[int]) -> dict[Named, Values]:
    found: dict[Named, Values] = {}
    for part, one in {"all": evaluation, **by_kind(evaluation)}.items():
        found |= {(part, name): measure(one, parse(name)) for name in (f"{name}@{k}" for k in ks for name in RANKED)}
        if "reward" in one.ranks.columns:
            found |= {(part, f"{REWARD}@{k}"): rewards_of_hits(one.ranks, k) for k in ks}
    return found


def _each(values: NDArray[np.float64], clusters: NDArray[np.int64]) -> Values:
    return Values(values, np.ones(len(values)), clusters, len(values))


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


def trained_rows(
    common: Mapping[str, Any], trained: Trained, world: str | None, ks: Sequence[int], best: float | None
) -> list[dict[str, Any]]:
    """Return one training as rows of a results table; one that failed has a flag and nothing else."""
    rows, facts = [], _facts(trained)
    if trained.failed:
        return [{**common, **facts, **FLAGGED}]
    for told in trained.acted:
        actor = Actor(str(told["policy"]), str(told["checkpoint"]))
        row = {**common, **facts, "policy": actor.policy, "checkpoint": actor.checkpoint}
        row["trials"] = trials(int(common["trials"]), int(told.get("mixes", 0)))
        if "mix" in told:
            rows.append(row | {"slice": "all", "metric": "mix", "value": told["mix"], "interval": NO_INTERVAL})
        for (part, metric), effect in effects(measured(trained, actor, ks, best)).items():
            numbers = {name: getattr(effect, name) for name in ("value", "low", "high", "interval", "n")}
            rows.append(row | numbers | {"slice": part, "metric": metric, "world": world if metric in IN_WORLD else ""})
        for metric in (name for name in TOLD if name in told):
            ends = {end: told.get(f"{metric}_{end}") for end in ("low", "high")}
            how = "cluster_bootstrap(1000)" if ends["low"] is not None else NO_INTERVAL
            place = {
                "slice": "all",
                "metric": metric,
                "world": "" if metric == "q_minus_logged" else world,
                "value": told[metric],
                "interval": how,
                "n": "",
            }
            rows.append(row | place | ends)
        rows.append(row | {"slice": "all", "metric": "flagged", "value": float(bool(trained.flags)), "interval": NO_INTERVAL})
    return rows


def trials(settings: int, mixes: int) -> int:
    """Return how many choices a number is the best of: settings that were trained, and then factors of Q in ``ce+q``."""
    return settings if not mixes else mixes if settings == 1 else settings + mixes


def validation_rows(common: Mapping[str, Any], trained: Trained, metric: str) -> list[dict[str, Any]]:
    """Return a training of the tuning as a row: what it is chosen by, or the flag of one that failed."""
    if trained.selection is None:
        return [{**common, **_facts(trained), **FLAGGED, "slice": VALIDATION}] if trained.flags else []
    chosen = {"slice": VALIDATION, "metric": metric, "value": trained.selection, "interval": NO_INTERVAL}
    return [{**common, **_facts(trained), **chosen}]


def _facts(trained: Trained) -> dict[str, Any]:
    return {"best_epoch": trained.epoch, "seconds": trained.seconds, "peak_mb": trained.peak_mb, "commit": trained.commit}


def effects(values: Mapping[Named, Values]) -> dict[Named, Effect]:
    """Return metrics of one training with 95 % intervals, by the bootstrap over clusters of queries or over sessions.

    Parameters
    ----------
    values : mapping
        What `measured` returned.

    Returns
    -------
    dict
        By slice and metric, without a test; without an interval where means alone are known.
    """
    sums = cluster_sums([list(values.values())])
    low, high = cluster_bootstrap(sums, RESAMPLES)
    how = interval_name(RESAMPLES, 1)
    found = {}
    for at, (name, one) in enumerate(values.items()):
        n = len(np.unique(_clusters(one)))
        ends = (finite(low[at]), finite(high[at])) if n > 1 else (None, None)
        found[name] = Effect(float(sums.value[at]), *ends, None, n, 1, how if n > 1 else NO_INTERVAL)
    return found


def effects_over_seeds(seeds: Mapping[int, Mapping[Named, Values]], wanted: Sequence[Named]) -> dict[Named, Effect]:
    """Return metrics over seeds with their 95 % t-intervals; of a single seed those of `effects`.

    Parameters
    ----------
    seeds : mapping of int to mapping
        What `measured` returned at each seed.
    wanted : sequence of (slice, metric)
        What was not measured at every seed is left out.

    Returns
    -------
    dict
        By slice and metric, without a test.
    """
    names = [one for one in wanted if all(one in seed for seed in seeds.values())]
    if len(seeds) == 1:
        (values,) = seeds.values()
        return effects({name: values[name] for name in names})
    return {name: effect_over_seeds([values[name].value for values in seeds.values()]) for name in names}


def _clusters(values: Values) -> NDArray[np.int64]:
    return np.arange(len(values.numerator)) if values.clusters is None else values.clusters
