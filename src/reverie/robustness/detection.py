"""How well suspicion tells fake users from real ones: figures against the known truth, with ties at their expected value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import ConfigError
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
class Figures:
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


def figures(
    suspicion: NDArray[np.float64],
    fake: NDArray[np.bool_],
    assumed: float = 0.05,
    measured: NDArray[np.bool_] | None = None,
) -> Figures:
    """Measure suspicion against the truth; suspicion [U], fake [U], measured [U]."""
    if not 0 < assumed < 1:
        raise ConfigError(f"the assumed share of fakes is {assumed:g}; give a number between 0 and 1")
    if suspicion.shape != fake.shape or not np.isfinite(suspicion).all():
        raise ValueError(f"suspicion must be {fake.shape} finite numbers")
    if measured is not None:
        suspicion, fake = suspicion[measured], fake[measured]
    ties = _Ties(suspicion, fake)
    return Figures(
        users=len(fake),
        fakes=ties.fakes,
        auc=ties.auc(),
        average_precision=ties.average_precision(),
        true_share=ties.cut(ties.fakes),
        assumed_share=ties.cut(round(assumed * len(fake))),
    )


class _Ties:
    """Users by falling suspicion, in groups of equal suspicion: `a` fakes among `n` users, after `t` fakes among `s`."""

    def __init__(self, suspicion: NDArray[np.float64], fake: NDArray[np.bool_]) -> None:
        order = np.argsort(-suspicion, kind="stable")
        ranked, self.total = suspicion[order], len(fake)
        begins = np.flatnonzero(np.diff(ranked, prepend=np.inf) != 0) if len(ranked) else np.zeros(0, dtype=np.int64)
        cumulated = np.concatenate([np.zeros(1), np.cumsum(fake[order], dtype=np.float64)])
        ends = np.append(begins[1:], len(ranked)) if len(begins) else begins
        self.s, self.n = begins.astype(np.float64), (ends - begins).astype(np.float64)
        self.t, self.a = cumulated[begins], cumulated[ends] - cumulated[begins]
        self.fakes = int(cumulated[-1])

    def auc(self) -> float:
        real = self.total - self.fakes
        if not self.fakes or not real:
            return float("nan")
        less = real - (self.s - self.t) - (self.n - self.a)
        return float((self.a * (less + (self.n - self.a) / 2)).sum() / (self.fakes * real))

    def average_precision(self) -> float:
        """Sum over places of the chance that a fake stands there times the expected precision there given that one does."""
        if not self.fakes:
            return float("nan")
        size = self.n.astype(np.int64)
        group = np.repeat(np.arange(len(size)), size)
        place = np.arange(1, self.total + 1, dtype=np.float64)
        before = place - self.s[group] - 1.0
        a, n, t = self.a[group], self.n[group], self.t[group]
        met = t + 1.0 + before * (a - 1.0) / np.maximum(n - 1.0, 1.0)
        return float((a / n * met / place).sum() / self.fakes)

    def cut(self, flagged: int) -> Cut:
        real = self.total - self.fakes
        hits = float((self.a * np.clip((flagged - self.s) / np.maximum(self.n, 1.0), 0.0, 1.0)).sum())
        nan = float("nan")
        return Cut(
            flagged=flagged,
            precision=hits / flagged if flagged else nan,
            recall=hits / self.fakes if self.fakes else nan,
            f1=2 * hits / (flagged + self.fakes) if self.fakes else nan,
            genuine_lost=flagged - hits,
            genuine_lost_share=(flagged - hits) / real if real else nan,
        )


def labelled(fake: NDArray[np.bool_], share: float, seed: int) -> NDArray[np.int8]:
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
