"""Metrics of detection against the known truth, and how far fake profiles are from real ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reverie.data.profiles import Profiles
from reverie.errors import ConfigError
from reverie.evaluation.metrics import Ranks, average_precision, recall
from reverie.evaluation.values import grouped_auc
from reverie.robustness.arena import Ratings, profile_matrix
from reverie.robustness.detectors.features import per_user
from reverie.seeds import numpy_generator


@dataclass(frozen=True)
class Cut:
    """What happens when the most suspicious users are flagged."""

    flagged: int
    precision: float
    recall: float
    f1: float
    genuine_lost: float
    genuine_lost_share: float


@dataclass(frozen=True)
class DetectionMetrics:
    """How well a detector does."""

    users: int
    fakes: int
    auc: float
    average_precision: float
    true_share: Cut
    assumed_share: Cut

    def values(self) -> dict[str, float]:
        """Return all figures by the names that tables use."""
        named = {"auc": self.auc, "ap": self.average_precision}
        for tail, cut in (("", self.true_share), ("@assumed", self.assumed_share)):
            named |= {f"{name}{tail}": value for name, value in asdict(cut).items() if name != "flagged"}
        return named


def detection_metrics(
    suspicion: NDArray[np.float64],
    fake: NDArray[np.bool_],
    assumed: float = 0.05,
    measured: NDArray[np.bool_] | None = None,
) -> DetectionMetrics:
    """Measure suspicion against the truth; suspicion [U], fake [U], measured [U]."""
    if not 0 < assumed < 1:
        raise ConfigError(f"the assumed share of fakes is {assumed:g}; give a number between 0 and 1")
    if suspicion.shape != fake.shape or not np.isfinite(suspicion).all():
        raise ValueError(f"suspicion must be {fake.shape} finite numbers")
    if measured is not None:
        suspicion, fake = suspicion[measured], fake[measured]
    users, fakes = len(fake), int(fake.sum())
    lower, upper = (np.searchsorted(np.sort(suspicion), suspicion[fake], side=side) for side in ("left", "right"))
    ranks = Ranks(np.zeros(fakes, dtype=np.int64), users - upper, upper - lower - 1)
    return DetectionMetrics(
        users=users,
        fakes=fakes,
        auc=float(grouped_auc(np.zeros(users, dtype=np.int64), fake, suspicion)[0]) if fakes else float("nan"),
        average_precision=float(average_precision(ranks, users)[0]) if fakes else float("nan"),
        true_share=_flag(ranks, fakes, users),
        assumed_share=_flag(ranks, round(assumed * users), users),
    )


def _flag(ranks: Ranks, flagged: int, users: int) -> Cut:
    """Return what happens when the most suspicious users are flagged, ties in random order."""
    fakes, nan = len(ranks.greater), float("nan")
    hits = float(recall(ranks, flagged)[0]) * fakes if fakes else 0.0
    return Cut(
        flagged=flagged, precision=hits / flagged if flagged else nan, recall=hits / fakes if fakes else nan,
        f1=2 * hits / (flagged + fakes) if fakes else nan, genuine_lost=flagged - hits,
        genuine_lost_share=(flagged - hits) / (users - fakes) if users > fakes else nan,
    )  # fmt: skip


def draw_labels(fake: NDArray[np.bool_], share: float, seed: int) -> NDArray[np.int8]:
    """Draw the users whose labels a supervised detector is given; it must be measured on the others only; fake [U] → [U]."""
    if not 0 < share < 1:
        raise ConfigError(f"the share of users with a label is {share:g}; give a number between 0 and 1")
    given = np.full(len(fake), -1, dtype=np.int8)
    for kind in (0, 1):
        members = np.flatnonzero(fake == bool(kind))
        n = min(max(1, round(share * len(members))), len(members) - 1)
        if n > 0:
            given[numpy_generator(seed, "labelled", kind).choice(members, n, replace=False)] = kind
    return given


FOLDS = 5


def profile_statistics(ratings: Ratings, popularity: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what a look at single profiles can tell; popularity [N] → [U, 6]."""
    mean = partial(per_user, ratings)
    data = ratings.matrix.data.astype(np.float64)
    seen = np.log1p(popularity[ratings.matrix.indices].astype(np.float64))
    first, common = mean(data), mean(seen)
    spread = np.sqrt(np.maximum(mean(data**2) - first**2, 0.0))
    wide = np.sqrt(np.maximum(mean(seen**2) - common**2, 0.0))
    highest = mean((data >= ratings.scale.high).astype(np.float64))
    return np.stack([np.log1p(ratings.lengths), first, spread, highest, common, wide], axis=1)


def stealth(ratings: Ratings, profiles: Profiles, seed: int) -> dict[str, float]:
    """Compare fake profiles with real ones."""
    real = ratings.rows(np.flatnonzero(ratings.lengths > 0))
    fake = Ratings(profile_matrix(profiles, ratings.n_items), ratings.scale)
    popularity = ratings.item_counts
    a, b = profile_statistics(real, popularity), profile_statistics(fake, popularity)
    spread = np.maximum(a.std(axis=0), 1e-9)
    shift = np.abs(b.mean(axis=0) - a.mean(axis=0)) / spread
    values = {
        "stealth_length": float(shift[0]),
        "stealth_popularity": float(shift[4]),
        "stealth_ratings": _rating_distance(real, fake),
    }
    if len(profiles) > 1:
        values["stealth_auc"] = _discriminant_auc((np.concatenate([a, b]) - a.mean(axis=0)) / spread, len(a), seed)
    return values


def _rating_distance(real: Ratings, fake: Ratings) -> float:
    """Area between the two cumulative distributions."""
    levels, scale = real.scale.levels, real.scale
    if scale.implicit:
        return 0.0
    sides = [np.searchsorted(np.sort(r.matrix.data), levels, side="right") / max(len(r.matrix.data), 1) for r in (real, fake)]
    apart = np.abs(sides[0] - sides[1])[:-1]
    area = apart @ np.diff(scale.uneven) if scale.uneven else apart.sum() * scale.step
    return float(area / (scale.high - scale.low))


def _discriminant_auc(rows: NDArray[np.float64], n_real: int, seed: int) -> float:
    """Cross-validated AUC of Fisher's linear discriminant on features and their squares."""
    x = np.concatenate([rows, rows**2], axis=1)
    fake = np.arange(len(rows)) >= n_real
    generator = numpy_generator(seed, "stealth")
    fold = np.empty(len(rows), dtype=np.int64)
    for part in (np.flatnonzero(~fake), np.flatnonzero(fake)):
        fold[generator.permutation(part)] = np.arange(len(part)) % FOLDS
    scores = np.zeros(len(rows))
    for k in range(FOLDS):
        taught = fold != k
        good, bad = x[taught & ~fake], x[taught & fake]
        if not len(bad):
            continue
        inside = np.cov(good, rowvar=False) + (np.cov(bad, rowvar=False) if len(bad) > x.shape[1] else 0.0)
        direction = np.linalg.solve(inside + 1e-2 * np.eye(x.shape[1]), bad.mean(axis=0) - good.mean(axis=0))
        held = x[~taught] @ direction
        scores[~taught] = (held - held.mean()) / max(held.std(), 1e-12)
    return float(grouped_auc(np.zeros(len(rows), dtype=np.int64), fake, scores)[0])
