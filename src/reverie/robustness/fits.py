"""Fits of victims, what they show and how well they recommend, and fake profiles on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.profiles import Profiles
from reverie.data.queries import Queries
from reverie.data.split import Split
from reverie.evaluation import Evaluation, evaluate
from reverie.evaluation.metrics import Ranks, ndcg, recall
from reverie.files import atomic_path
from reverie.models import create_model, load_model, save_model
from reverie.protocols import Recommender
from reverie.robustness.defences.defence import Fitting
from reverie.study.environment import commit, peak_mb
from reverie.study.store import Piece, unreadable
from reverie.training.config import TrainingConfig
from reverie.training.fit import fit


def exposure_queries(split: Split, targets: NDArray[np.int32]) -> Queries:
    """Return one query per real user who does not have all targets yet: their training history, and the targets they lack.

    targets [K].
    """
    train, targets = split.train, targets[np.sort(np.unique(targets, return_index=True)[1])]
    rows = np.flatnonzero(~split.is_fake[train.users])
    real, owned = train.take(rows), np.zeros((len(rows), len(targets)), dtype=bool)
    owner = real.event_rows()
    place = np.full(train.vocabulary.n_items + 1, -1, dtype=np.int64)
    place[targets] = np.arange(len(targets))
    column = place[real.items[real.positions()]]
    owned[owner[column >= 0], column[column >= 0]] = True
    lacks = ~owned[~owned.all(axis=1)]
    asked = real.take(np.flatnonzero(~owned.all(axis=1)))
    return Queries(
        sequences=train, start=asked.starts, stop=asked.stops, users=asked.users, clusters=asked.users,
        targets=targets[np.nonzero(lacks)[1]].astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(lacks.sum(axis=1))]).astype(np.int64), seen="remove",
    )  # fmt: skip


def exposure_by_user(ranks: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Return one value per user: the mean over the targets that the user lacks.

    Parameters
    ----------
    ranks : polars.DataFrame
        Of an evaluation of `exposure_queries`.
    metric : str
        ``hr@k``, ``ndcg@k`` (1 / log2(rank + 1) of each target within the first k), ``share@k`` (the targets' share of a list of
        k), or ``rank`` (mean place over the number of candidates, 0 is first).

    Returns
    -------
    polars.DataFrame
        Columns ``user`` and ``value``, by user.
    """
    name, _, cut = metric.partition("@")
    greater, equal = (ranks[column].to_numpy().astype(np.int64) for column in ("greater", "equal"))
    alone = Ranks(np.arange(len(ranks)), greater, equal)  # one target per query
    if name == "rank":
        others = np.maximum(ranks["n_candidates"].to_numpy() - 1, 1)
        values = (np.minimum(greater, others) + equal / 2) / others
    else:
        values = (ndcg if name == "ndcg" else recall)(alone, int(cut))
    whole = pl.col("value").sum() / int(cut) if name == "share" else pl.col("value").mean()
    return pl.DataFrame({"user": ranks["cluster"], "value": values}).group_by("user").agg(whole).sort("user")


_FILE = "profiles.parquet"


def write_profiles(folder: Path, profiles: Profiles) -> None:
    """Write profiles into a folder."""
    frame = pl.DataFrame({"profile": profiles.owners, "item": profiles.items, "rating": profiles.ratings})
    with atomic_path(folder / _FILE) as temporary:
        frame.write_parquet(temporary)


def read_profiles(piece: Piece) -> Profiles:
    """Read the profiles of a finished piece, whose notes say how many there are."""
    try:
        frame = pl.read_parquet(piece.folder / _FILE, glob=False)
        counts = np.bincount(frame["profile"].to_numpy(), minlength=int(piece.notes["n"]))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Profiles(frame["item"].to_numpy().astype(np.int32), frame["rating"].to_numpy().astype(np.float32), offsets)
    except (OSError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise unreadable(piece.folder) from error


@dataclass(frozen=True)
class Measured:
    """A fitted victim, to whom it shows the targets (None without targets), and how well it recommends."""

    folder: Path
    shown: Evaluation | None
    useful: Evaluation
    facts: Mapping[str, Any]

    def model(self) -> Recommender:
        """Load the model."""
        return load_model(self.folder)


def fit_and_measure(
    folder: Path,
    prepare: Callable[[], Fitting],
    clean: Split,
    training: TrainingConfig,
    targets: NDArray[np.int32],
    keep_model: bool,
    device: str,
) -> dict[str, Any]:
    """Fit what a defence made of the data, measure it on the real users, and return what it cost; targets [T]."""
    begin = time.monotonic()
    fitting = prepare()
    split, hardening = fitting.split, time.monotonic() - begin
    model = create_model(fitting.model, split, seed=training.seed, **fitting.options)
    fitted = fit(model, split, training, show=False, device=device)
    if keep_model:
        save_model(model, folder / "model")
    if len(targets):
        asked = exposure_queries(clean, targets)  # codes of users and items are those of the poisoned split too
        asked = replace(asked, sequences=replace(asked.sequences, vocabulary=split.vocabulary))
        evaluate(model, asked, top=0, device=device).save(folder / "shown")
    evaluate(model, split.test, top=0, device=device, train=split.train).save(folder / "useful")
    cost = {"seconds": fitted.seconds + hardening, "peak_mb": fitted.peak_mb, "best_epoch": fitted.best_epoch}
    return cost | {"commit": commit()} | fitting.notes


def read_fit(piece: Piece) -> Measured:
    """Read a finished fit."""
    shown = Evaluation.load(piece.folder / "shown") if (piece.folder / "shown" / "ranks.parquet").exists() else None
    return Measured(piece.folder, shown, Evaluation.load(piece.folder / "useful"), piece.notes)


def measure_polluted(
    folder: Path,
    fitted: Measured,
    clean: Split,
    targets: NDArray[np.int32],
    pollute: Callable[[Queries], Queries],
    device: str,
) -> dict[str, Any]:
    """Measure a fitted victim on histories that an attacker has added to, target by target; targets [T]."""
    begin, model, parts = time.monotonic(), fitted.model(), []
    for target in targets:
        polluted = pollute(exposure_queries(clean, np.array([target], dtype=np.int32)))
        parts.append(evaluate(model, polluted, top=0, device=device))
    ranks = pl.concat([part.ranks for part in parts]).with_columns(pl.int_range(pl.len()).alias("query"))  # a target a query
    repeats = sum(part.repeats or 0 for part in parts)
    replace(parts[0], ranks=ranks, topk=pl.concat([part.topk for part in parts]), repeats=repeats).save(folder / "shown")
    return {"seconds": time.monotonic() - begin, "peak_mb": peak_mb(), "best_epoch": None, "commit": commit()}
