"""`Evaluation`: ranks of targets, recommended lists and labelled scores, saved as Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from reverie.errors import DataError
from reverie.evaluation.metrics import parse
from reverie.evaluation.summary import pooled
from reverie.evaluation.values import measure
from reverie.files import atomic_path

_KEY = "reverie"
_FACTS = ("seen", "protocol", "model", "top", "n_items", "train_events", "train_popularity")


@dataclass(frozen=True)
class Evaluation:
    """Answers to queries; every metric, interval, test and slice is a function of it. Items are codes.

    Parameters
    ----------
    ranks : polars.DataFrame
        One row per query and target, ordered by query: ``query``, ``cluster``, ``target``, ``greater`` (candidates with a
        higher score), ``equal`` (other candidates with the same score), ``n_candidates`` (the target included), ``masked``
        (seen items taken out), ``length`` (of the history), and ``popularity`` (training events of the target) where known.
    topk : polars.DataFrame
        The recommended lists: ``query``, ``cluster``, ``rank`` (from 1), ``item``, ``score``, and ``popularity`` where known.
    scored : polars.DataFrame or None
        Labelled rows: ``query``, ``cluster``, ``user``, ``item``, ``label``, ``score``, ``length``.
    seen : str
        ``"remove"`` or ``"keep"``: what was done with items of the history.
    protocol : str
        How the data were split, where the caller said so.
    model : str
        Name of the model.
    top : int
        Longest list kept.
    n_items : int
        Size of the catalogue.
    train_events : int or None
        Number of training events, where popularity is known.
    train_popularity : float or None
        Mean popularity of the item of a training event.
    """

    ranks: pl.DataFrame
    topk: pl.DataFrame
    scored: pl.DataFrame | None
    seen: str
    protocol: str
    model: str
    top: int
    n_items: int
    train_events: int | None = None
    train_popularity: float | None = None

    def value(self, name: str) -> float:
        """Return one metric without its interval.

        Parameters
        ----------
        name : str
            E.g. ``"ndcg@10"``.

        Returns
        -------
        float
            The metric.

        Raises
        ------
        ConfigError, DataError
            If the metric is not known or cannot be computed from what was kept.
        """
        return measure(self, parse(name)).value

    def metrics(self, names: Sequence[str] | None = None, resamples: int = 1000, seed: int = 0) -> pl.DataFrame:
        """Return metrics with 95 % intervals by the cluster bootstrap.

        Parameters
        ----------
        names : sequence of str, optional
            Metrics; by default all that this evaluation can answer.
        resamples : int
        seed : int
            Seed of the bootstrap.

        Returns
        -------
        polars.DataFrame
            See `reverie.evaluation.pooled`.
        """
        return pooled([self], names, resamples, seed)

    def __str__(self) -> str:
        return "\n".join(_line(row) for row in self.metrics().iter_rows(named=True))

    def save(self, folder: str | Path) -> None:
        """Write ``ranks.parquet``, ``topk.parquet`` and, with labels, ``scored.parquet``.

        Each file is written atomically and the ranks last, so that a folder with ranks is complete.

        Parameters
        ----------
        folder : path
            Where to write; an older evaluation there is replaced.
        """
        into = Path(folder)
        (into / "ranks.parquet").unlink(missing_ok=True)
        (into / "scored.parquet").unlink(missing_ok=True)
        facts = json.dumps({name: getattr(self, name) for name in _FACTS})
        for name, frame in (("topk", self.topk), ("scored", self.scored), ("ranks", self.ranks)):
            if frame is not None:
                with atomic_path(into / f"{name}.parquet") as temporary:
                    frame.write_parquet(temporary, metadata={_KEY: facts})

    @classmethod
    def load(cls, folder: str | Path) -> Evaluation:
        """Read an evaluation written by `Evaluation.save`.

        Parameters
        ----------
        folder : path
            Where it was written.

        Returns
        -------
        Evaluation
            As it was.

        Raises
        ------
        DataError
            If a file is missing or is not one of ours.
        """
        place = Path(folder)
        for name in ("ranks", "topk"):
            if not (place / f"{name}.parquet").exists():
                raise DataError(f"{place} has no {name}.parquet; evaluate again and save there")
        try:
            facts = json.loads(pl.read_parquet_metadata(place / "ranks.parquet")[_KEY])
            ranks, topk = (pl.read_parquet(place / f"{name}.parquet") for name in ("ranks", "topk"))
            scored = pl.read_parquet(place / "scored.parquet") if (place / "scored.parquet").exists() else None
        except (KeyError, ValueError, pl.exceptions.PolarsError) as error:
            raise DataError(
                f"{place} does not hold an evaluation that this version can read; evaluate again and save there"
            ) from error
        return cls(ranks, topk, scored, **{name: facts[name] for name in _FACTS})


def _line(row: dict[str, object]) -> str:
    line = f"{row['metric']} {row['value']:.4f}"
    if row["low"] is not None:
        line += f" [{row['low']:.4f}, {row['high']:.4f}]"
    return f"{line} ({row['n']} users, {row['excluded']} of one class left out)" if row["excluded"] else line
