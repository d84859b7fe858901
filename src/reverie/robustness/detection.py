"""Metrics of fake-profile detection: AUC, average precision, and precision and recall of the most suspicious users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import ConfigError
from reverie.evaluation.labelled import grouped_auc
from reverie.evaluation.metrics import Ranks, average_precision, recall
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
            named |= {f"precision{tail}": cut.precision, f"recall{tail}": cut.recall, f"f1{tail}": cut.f1}
            named |= {f"genuine_lost{tail}": cut.genuine_lost, f"genuine_lost_share{tail}": cut.genuine_lost_share}
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
        flagged=flagged,
        precision=hits / flagged if flagged else nan,
        recall=hits / fakes if fakes else nan,
        f1=2 * hits / (flagged + fakes) if fakes else nan,
        genuine_lost=flagged - hits,
        genuine_lost_share=(flagged - hits) / (users - fakes) if users > fakes else nan,
    )


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
