"""All detectors on real labelled profiles: Amazon reviewers called spammers or genuine by people (SDLib's set).

Run ``REVERIE_DATA=… python benchmarks/labelled_profiles.py [--seeds 3]``: it needs ``shilling/sdlib-amazon`` there, prints a table
and appends to ``results/robustness/sdlib-amazon.csv`` (detectors in the column of defences). A fifth of the
labels is known to supervised detectors, all are measured on the others; seeds draw who is known.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from reverie.data.sequences import Sequences
from reverie.data.sources.fetch import find_file
from reverie.data.sources.fields import read_fields
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError
from reverie.evaluation.intervals import percentiles
from reverie.files import sha256
from reverie.options import checked
from reverie.robustness.arena import Ratings, scale_of
from reverie.robustness.detection import DetectionMetrics, detection_metrics, draw_labels
from reverie.robustness.detectors.detector import DetectorInput
from reverie.robustness.detectors.shelf import DETECTORS
from reverie.robustness.results import MORE
from reverie.seeds import numpy_generator
from reverie.study.environment import commit
from reverie.study.rows import append_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.detector import Detector

TABLE = Path(__file__).resolve().parents[1] / "results" / "robustness" / "sdlib-amazon.csv"
METRICS = ("auc", "ap", "precision", "recall", "f1")
FILES = ("profiles.tsv", "labels.tsv")
"""User, item, rating; and user, label: 1 spam, 0 genuine. Tab-separated, without a header."""
BASELINES = ("random", "profile-length", "mean-rating", "item-popularity", "has-maximum")
"""Numbers of `one-number` that stand in the table."""


def labelled_folder(name: str = "sdlib-amazon") -> Path:
    """Find a folder of labelled profiles under ``$REVERIE_DATA/shilling``."""
    root = os.environ.get("REVERIE_DATA")
    if not root:
        raise DataError(f"labelled profiles '{name}' are not fetched by us; set REVERIE_DATA to a folder with shilling/{name}")
    folder = Path(root) / "shilling" / name
    for file in FILES:
        find_file(folder, file)
    return folder


def read_labelled_profiles(folder: Path) -> tuple[DetectorInput, NDArray[np.bool_]]:
    """Read profiles and labels → [U]."""
    rated = read_fields(find_file(folder, FILES[0]), "\t", ["user", "item", "rating"])
    rated = rated.with_columns(pl.col("rating").cast(pl.Float64, strict=False)).unique(
        ["user", "item"], keep="last", maintain_order=True
    )
    known = read_fields(find_file(folder, FILES[1]), "\t", ["user", "label"])
    if rated.is_empty() or rated["rating"].null_count():
        raise DataError(f"{folder}/{FILES[0]} has a line without a rating; give user, item and rating, separated by tabs")
    if not known["label"].is_in(["0", "1"]).all() or known["user"].n_unique() != known.height:
        raise DataError(f"{folder}/{FILES[1]} must give each user once, with the label 1 (spam) or 0 (genuine)")
    users, items = rated["user"].unique().sort(), rated["item"].unique().sort()
    truth = pl.DataFrame({"user": users}).join(known, on="user", how="left", maintain_order="left")["label"]
    if truth.null_count():
        raise DataError(f"{folder}/{FILES[1]} has no label for user {users.filter(truth.is_null())[0]}; label every rated user")
    row = np.searchsorted(users.to_numpy().astype(str), rated["user"].to_numpy().astype(str))
    column = np.searchsorted(items.to_numpy().astype(str), rated["item"].to_numpy().astype(str))
    value = rated["rating"].to_numpy().astype(np.float32)
    ratings = Ratings(csr_array((value, (row, column)), shape=(len(users), len(items))), scale_of(value, folder.name))
    order = np.argsort(row, kind="stable")
    order = order[ratings.scale.likes(value[order])]
    stops = np.cumsum(np.bincount(row[order], minlength=len(users)))
    starts = np.concatenate([[0], stops[:-1]])
    some = np.flatnonzero(stops > starts)
    vocabulary = Vocabulary(items.rename("item"), users.rename("user"))
    likes = Sequences(column[order].astype(np.int32) + 1, starts[some], stops[some], some, vocabulary)
    return DetectorInput(ratings, likes), (truth == "1").to_numpy()


@dataclass(frozen=True)
class DetectorRow:
    """One detector, measured."""

    detector: str
    figures: DetectionMetrics
    low: dict[str, float]
    high: dict[str, float]
    seconds: float


def detector_table(
    inputs: DetectorInput,
    fake: NDArray[np.bool_],
    detectors: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
    *,
    known: float = 0.2,
    assumed: float = 0.05,
    seed: int = 0,
    resamples: int = 200,
) -> list[DetectorRow]:
    """Run detectors and measure all of them on the same users, with intervals over users; fake [U]."""
    labels = draw_labels(fake, known, seed)
    taught = replace(inputs, labels=labels)
    untaught, measured = replace(inputs, labels=None), labels < 0
    rows = []
    for title, (name, options) in (detectors or every_detector()).items():
        detector: Detector = DETECTORS.build(name)(checked(DETECTORS.config(name), options, f"detector '{name}'"))
        start = time.perf_counter()
        suspicion = detector.suspicion(taught if detector.supervised else untaught, seed)
        seconds = time.perf_counter() - start
        low, high = bootstrap(suspicion[measured], fake[measured], assumed, resamples, seed)
        rows.append(DetectorRow(title, detection_metrics(suspicion, fake, assumed, measured), low, high, seconds))
    return rows


def every_detector() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return all registered detectors with their defaults, and ``one-number`` with each of `BASELINES`."""
    baselines = {f"one-number:{number}": ("one-number", {"number": number}) for number in BASELINES}
    return baselines | {name: (name, {}) for name in DETECTORS if name != "one-number"}


def bootstrap(
    suspicion: NDArray[np.float64], fake: NDArray[np.bool_], assumed: float, resamples: int, seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return 95 % percentile intervals of all figures over users; suspicion [M], fake [M]."""
    generator, names = numpy_generator(seed, "detection bootstrap"), list(detection_metrics(suspicion, fake, assumed).values())
    drawn = np.full((resamples, len(names)), np.nan)
    for r in range(resamples):
        pick = generator.integers(len(fake), size=len(fake))
        drawn[r] = list(detection_metrics(suspicion[pick], fake[pick], assumed).values().values())
    low, high = percentiles(drawn)
    return dict(zip(names, map(float, low), strict=True)), dict(zip(names, map(float, high), strict=True))


def rows_of(row: DetectorRow, seed: int, digest: str, code: str) -> list[dict[str, Any]]:
    """Return the rows of one detector."""
    common = {
        "recipe": "labelled-sdlib-amazon", "dataset": "sdlib-amazon", "dataset_sha256": digest, "protocol": "labelled(known=0.2)",
        "slice": "all", "seen": "", "fit_on": "", "model": "", "seed": seed, "seconds": row.seconds, "commit": code, "trials": 1,
        "victim": "", "attack": "real-spam", "defence": row.detector, "budget": "", "n": row.figures.users,
        "interval": "bootstrap(200)",
    }  # fmt: skip
    values = row.figures.values()
    return [
        common | {"metric": f"detection_{name}", "value": values[name], "low": row.low[name], "high": row.high[name]}
        for name in METRICS
    ]


def main() -> None:
    """Measure and append."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    folder = labelled_folder()
    inputs, fake = read_labelled_profiles(folder)
    digest, code = sha256(folder / FILES[0])[:12], commit()
    for seed in range(options.seeds):
        for row in detector_table(inputs, fake, seed=seed):
            append_rows(options.table, rows_of(row, seed, digest, code), MORE)
            measured = row.figures
            print(
                f"{row.detector:<28} AUC {measured.auc:.3f}  AP {measured.average_precision:.3f}  F1 {measured.true_share.f1:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
