"""Fit a victim on clean or poisoned likes and measure it, once: what is there already is read."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from reverie.evaluation import Evaluation, evaluate
from reverie.files import read_json, write_json
from reverie.models import create_model, load_model, save_model
from reverie.robustness.exposure import exposure_queries
from reverie.robustness.store import key_of
from reverie.training.environment import commit
from reverie.training.fit import fit
from reverie.training.memory import peak_mb

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from reverie.data.queries import Queries
    from reverie.data.split import Split
    from reverie.protocols import Recommender
    from reverie.robustness.defences.defence import Fitting
    from reverie.training.config import TrainingConfig


@dataclass(frozen=True)
class Measured:
    """A fitted victim and what it shows to whom."""

    folder: Path
    shown: Evaluation | None
    useful: Evaluation
    facts: dict[str, Any]

    def model(self) -> Recommender:
        """Load the model."""
        return load_model(self.folder)


def fit_and_measure(
    folder: Path,
    facts: dict[str, Any],
    prepare: Callable[[], Fitting],
    clean: Split,
    training: TrainingConfig,
    targets: NDArray[np.int32],
    *,
    keep_model: bool = False,
) -> Measured:
    """Fit what a defence made of the data, and measure it on the real users; targets [K]."""
    place = folder / key_of(facts)
    if not (place / "done.json").exists() or (keep_model and not (place / "model").exists()):
        begin = time.monotonic()
        fitting = prepare()
        split, hardening = fitting.split, time.monotonic() - begin
        model = create_model(fitting.model, split, seed=training.seed, **fitting.options)
        done = fit(model, split, training, show=False, device="cpu")
        if keep_model:
            save_model(model, place / "model")
        if len(targets):
            asked = exposure_queries(clean, targets)  # codes of users and items are those of the poisoned split too
            asked = replace(asked, sequences=replace(asked.sequences, vocabulary=split.vocabulary))
            evaluate(model, asked, top=0, device="cpu").save(place / "shown")
        evaluate(model, split.test, top=0, device="cpu", train=split.train).save(place / "useful")
        cost = {"seconds": done.seconds + hardening, "peak_mb": done.peak_mb, "best_epoch": done.best_epoch, "commit": commit()}
        write_json(place / "done.json", {"facts": facts, "measured": cost | fitting.notes})
    shown = Evaluation.load(place / "shown") if (place / "shown" / "ranks.parquet").exists() else None
    return Measured(place, shown, Evaluation.load(place / "useful"), dict(read_json(place / "done.json")["measured"]))


def measure_polluted(
    folder: Path,
    facts: dict[str, Any],
    fitted: Measured,
    clean: Split,
    targets: NDArray[np.int32],
    pollute: Callable[[Queries], Queries],
) -> Measured:
    """Measure a fitted victim on histories that an attacker has added to; targets [K]."""
    place = folder / key_of(facts | {"targets": targets.tolist()})
    if not (place / "done.json").exists():
        begin, model, parts = time.monotonic(), fitted.model(), []
        for target in targets:
            polluted = pollute(exposure_queries(clean, np.array([target], dtype=np.int32)))
            parts.append(evaluate(model, polluted, top=0, device="cpu"))
        ranks = pl.concat([part.ranks for part in parts])
        replace(parts[0], ranks=ranks, topk=pl.concat([part.topk for part in parts])).save(place / "shown")
        cost = {"seconds": time.monotonic() - begin, "peak_mb": peak_mb(), "best_epoch": None, "commit": commit()}
        write_json(place / "done.json", {"facts": facts, "measured": cost})
    return replace(fitted, shown=Evaluation.load(place / "shown"), facts=dict(read_json(place / "done.json")["measured"]))
