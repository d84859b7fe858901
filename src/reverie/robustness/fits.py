"""Fits of victims and fake profiles on disk."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from reverie.data.profiles import Profiles
from reverie.evaluation import Evaluation, evaluate
from reverie.files import atomic_path
from reverie.models import create_model, load_model, save_model
from reverie.robustness.exposure import exposure_queries
from reverie.study.environment import commit, peak_mb
from reverie.study.store import unreadable
from reverie.training.fit import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from reverie.data.queries import Queries
    from reverie.data.split import Split
    from reverie.protocols import Recommender
    from reverie.robustness.defences.defence import Fitting
    from reverie.study.store import Piece
    from reverie.training.config import TrainingConfig


_FILE = "profiles.parquet"


def write_profiles(folder: Path, profiles: Profiles) -> None:
    """Write profiles into a folder."""
    frame = pl.DataFrame({"profile": profiles.owners, "item": profiles.items, "rating": profiles.ratings})
    with atomic_path(folder / _FILE) as temporary:
        frame.write_parquet(temporary)


def read_profiles(piece: Piece) -> Profiles:
    """Read the profiles of a finished piece, whose notes say how many there are."""
    try:
        frame = pl.read_parquet(piece.folder / _FILE)
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
    ranks = pl.concat([part.ranks for part in parts])
    replace(parts[0], ranks=ranks, topk=pl.concat([part.topk for part in parts])).save(folder / "shown")
    return {"seconds": time.monotonic() - begin, "peak_mb": peak_mb(), "best_epoch": None, "commit": commit()}
