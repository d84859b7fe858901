"""`Evaluation`: ranks of targets, recommended lists and labelled scores; its metrics with intervals, of one seed or of several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt  # pydantic reads them

from reverie.documents import read_as, read_table
from reverie.errors import ConfigError, DataError
from reverie.evaluation.intervals import cluster_bootstrap, cluster_sums, interval_name
from reverie.evaluation.list_metrics import coverage, gini, self_information
from reverie.evaluation.metrics import ASKED, LABELLED, OWN, RANKED, UNSHOWN, Metric, parse, parsed
from reverie.evaluation.plot import ShownEvaluation
from reverie.evaluation.values import Values, auc_values, grouped_auc, grouped_ndcg, ranked_values, user_values
from reverie.files import atomic_path

_KEY = "reverie"
_AGAIN = "evaluate again and save there"
_COLUMNS: dict[str, dict[str, str] | None] = {
    "measured": None,
    "ranks": dict.fromkeys(("query", "cluster", "target", "greater", "equal", "n_candidates", "masked", "length"), "int"),
    "topk": {"query": "int", "cluster": "int", "rank": "int", "item": "int", "score": "float"},
    "scored": {"query": "int", "cluster": "int", "user": "int", "item": "int", "label": "float", "score": "float", "length": "int"},
}


@dataclass(frozen=True)
class EvaluationFacts:
    """What the files of an evaluation say beside their columns; the parameters are those of `Evaluation`."""

    seen: Literal["remove", "keep"]
    protocol: str
    model: str
    top: NonNegativeInt
    n_items: PositiveInt
    train_events: NonNegativeInt | None
    train_popularity: NonNegativeFloat | None
    repeats: NonNegativeInt | None = None


@dataclass(frozen=True, repr=False)
class Evaluation(ShownEvaluation):
    """Answers to queries; every metric, interval, test and slice is a function of it. Items are codes.

    Parameters
    ----------
    ranks : polars.DataFrame
        One row per query and target, ordered by query: ``query``, ``cluster``, ``target``, ``greater`` (candidates with a
        higher score; 2³¹ - 1 where no list shows the target), ``equal`` (other candidates with the same
        score), ``n_candidates`` (the target included where a list can show it), ``masked`` (seen items taken out), ``length`` (of
        the history), and where known ``popularity`` (training events of the target), ``kind`` and ``reward`` (of the target's
        event; of a target that occurs twice in a query, of the first one).
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
    repeats : int or None
        Ranked targets that stand in the history of their query: misses under ``"remove"``. None in files of before.
    measured : polars.DataFrame or None
        ``query``, and under the name of each metric that was asked for and needs more than ranks and lists its value, NaN where it
        is not defined.
    asked : tuple of str
        Metrics that `evaluate` was asked for, which are the ones that are printed; files do not keep it.
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
    repeats: int | None = None
    measured: pl.DataFrame | None = None
    asked: tuple[str, ...] = ()

    @property
    def seen_note(self) -> str:
        """The rule for seen items, and the share of targets that stand in their own history."""
        share = "" if self.repeats is None else f" ({self.repeats / max(len(self.ranks), 1):.1%} repeats)"
        return f"seen items: {self.seen}{share}"

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

    def metrics(self, names: Sequence[str] | str | None = None, resamples: int = 1000, seed: int = 0) -> pl.DataFrame:
        """Return metrics with 95 % intervals by the cluster bootstrap.

        Parameters
        ----------
        names : str or sequence of str, optional
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
        """Write ``ranks.parquet``, ``topk.parquet`` and, where there are any, ``scored.parquet`` and ``measured.parquet``.

        Each file is written atomically and the ranks last, so that a folder with ranks is complete.

        Parameters
        ----------
        folder : path
            Where to write; an older evaluation there is replaced.
        """
        into = Path(folder)
        (into / "ranks.parquet").unlink(missing_ok=True)
        for name in ("scored", "measured"):
            (into / f"{name}.parquet").unlink(missing_ok=True)
        facts = json.dumps({one.name: getattr(self, one.name) for one in fields(EvaluationFacts)})
        frames = {"topk": self.topk, "scored": self.scored, "measured": self.measured, "ranks": self.ranks}
        for name, frame in frames.items():
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
                raise DataError(f"{place} has no {name}.parquet; {_AGAIN}")
        frames, facts = {}, []
        for name, columns in _COLUMNS.items():
            if (path := place / f"{name}.parquet").exists():
                frames[name] = read_table(path, columns, _AGAIN, {"popularity": "int", "kind": "text", "reward": "float"})
                facts.append(read_as(EvaluationFacts, path, _AGAIN, data=pl.read_parquet_metadata(path).get(_KEY, "").encode()))
        found = cls(frames["ranks"], frames["topk"], frames.get("scored"), **asdict(facts[0]), measured=frames.get("measured"))
        if any(other != facts[0] for other in facts) or not (found.ranks.height and consistent(found)):
            raise DataError(f"{place} holds numbers that cannot be, or of two evaluations; {_AGAIN}")
        return found


def consistent(evaluation: Evaluation) -> bool:
    """Return whether the numbers of an evaluation are in their ranges, and its lists hold the targets where the ranks say."""
    ranks, topk, scored, n = evaluation.ranks, evaluation.topk, evaluation.scored, evaluation.n_items
    whole = pl.col("greater", "equal", "n_candidates", "masked", "length").ge(0).all()
    shown = pl.col("greater") < n
    ranked = (shown | (pl.col("greater") == UNSHOWN)) & (pl.col("equal") < n) & pl.col("n_candidates").le(n)
    target = pl.col("target").is_between(1, n) & ranked
    fits = ranks["query"].is_sorted() and ranks.select(pl.all_horizontal(whole, target.all())).item()
    fits &= topk["query"].is_in(ranks["query"].unique().implode()).all() or bool(len(ranks))
    fits &= topk["item"].is_between(1, n).all() and topk["rank"].is_between(1, max(evaluation.top, 1)).all()
    fits &= topk["score"].is_nan().not_().all()
    if evaluation.measured is not None:
        fits &= evaluation.measured.get_column("query", default=pl.Series()).equals(ranks["query"].unique(maintain_order=True))
    if scored is not None:
        fits &= scored["item"].is_between(1, n).all() and scored.select(pl.col("label", "score").is_finite().all()).to_numpy().all()
    known = evaluation.train_events is not None
    fits &= all(("popularity" in frame.columns) == known for frame in (ranks, topk))
    listed = ranks.join(topk, left_on=["query", "target"], right_on=["query", "item"], how="inner")
    return bool(
        fits
        and listed.select(pl.col("rank").is_between(pl.col("greater") + 1, pl.col("greater") + pl.col("equal") + 1))
        .to_series()
        .all()
    )


def _line(row: dict[str, object]) -> str:
    line = f"{row['metric']} {row['value']:.4f}"
    if row["low"] is not None:
        line += f" [{row['low']:.4f}, {row['high']:.4f}]"
    if not row["excluded"]:
        return line
    return f"{line} ({row['n']} users, {row['excluded']} {'of one class' if row['metric'] in LABELLED else 'without it'} left out)"


def measure(evaluation: Evaluation, metric: Metric) -> Values:
    """Compute one metric.

    Parameters
    ----------
    evaluation : Evaluation
        What was measured.
    metric : Metric
        What to compute, from `parse`.

    Returns
    -------
    Values
        The metric in parts.

    Raises
    ------
    ConfigError
        If the recommended lists are shorter than the cut-off.
    DataError
        If the metric needs labels or training counts that the evaluation has not.
    """
    if evaluation.measured is not None and str(metric) in evaluation.measured.columns:
        return by_query(evaluation.ranks, evaluation.measured[str(metric)].to_numpy())
    if metric.name in RANKED:
        return ranked_values(evaluation.ranks, metric)
    if metric.k:
        return _listed(evaluation, metric)
    if evaluation.scored is None:
        raise DataError(f"metric '{metric}' needs labels, and these queries have none; use 'recall@10' or 'ndcg@10'")
    if metric.name == "auc":
        return auc_values(evaluation.scored)
    return user_values(evaluation.scored, grouped_auc if metric.name == "uauc" else grouped_ndcg)


def by_query(ranks: pl.DataFrame, values: NDArray[np.float64]) -> Values:
    """Return a metric of one value for each query in parts; values [Q], NaN where it is not defined."""
    known, first = np.isfinite(values), np.flatnonzero(np.diff(ranks["query"].to_numpy(), prepend=-1))
    clusters, n = ranks["cluster"].to_numpy()[first][known], int(known.sum())
    return Values(values[known], np.ones(n), clusters, n, len(values) - n)


def _listed(evaluation: Evaluation, metric: Metric) -> Values:
    if metric.k > evaluation.top:
        raise ConfigError(
            f"metric '{metric}' needs lists of {metric.k} items, kept were {evaluation.top}; "
            f"ask for at most {evaluation.top}, or evaluate in Python with top={metric.k}"
        )
    if metric.name in ASKED:
        raise DataError(f"metric '{metric}' needs histories, categories or training events; evaluate with metrics=['{metric}']")
    if metric.name in OWN:
        return OWN[metric.name](evaluation, metric)  # type: ignore[no-any-return]
    lists = evaluation.topk.filter(pl.col("rank") <= metric.k)
    if metric.name in ("coverage", "gini"):
        value = (coverage if metric.name == "coverage" else gini)(lists["item"].to_numpy().astype(np.int64), evaluation.n_items)
        return Values(np.array([value]), np.ones(1), None, lists["query"].n_unique())
    if evaluation.train_events is None or evaluation.train_popularity is None:
        raise DataError(f"metric '{metric}' needs the popularity of items; evaluate with train=split.train")
    popularity = lists["popularity"].to_numpy()
    worth = self_information(popularity, evaluation.train_events) if metric.name == "novelty" else popularity.astype(np.float64)
    query = lists["query"].to_numpy()
    first = np.flatnonzero(np.diff(query, prepend=-1))
    means = np.add.reduceat(worth, first) / np.diff(np.append(first, len(query))) if len(first) else np.zeros(0)
    weight = evaluation.train_popularity if metric.name == "popularity_lift" else 1.0
    return Values(means, np.full(len(means), weight), lists["cluster"].to_numpy()[first], len(means))


def check_same_questions(first: Evaluation, other: Evaluation) -> None:
    """Check that two evaluations answer the same questions, so that they may be paired or pooled."""
    keys = ["query", "cluster", "target", "n_candidates"]
    if not first.ranks.select(keys).equals(other.ranks.select(keys)):
        raise DataError(
            "the evaluations differ in queries, targets or candidates, so they cannot be paired; evaluate both on the same queries"
        )
    a, b = first.scored, other.scored
    labels = ["query", "cluster", "item", "label"]
    if (a is None) != (b is None) or (a is not None and b is not None and not a.select(labels).equals(b.select(labels))):
        raise DataError("the evaluations differ in labelled rows, so they cannot be paired; evaluate both on the same queries")


def default_names(evaluation: Evaluation) -> list[str]:
    """Return the metrics that were asked for, or else the usual ones that an evaluation can answer."""
    if evaluation.asked:
        return list(evaluation.asked)
    names = [f"{name}@10" for name in RANKED[:5] if name not in ("hit", "map") or evaluation.ranks["query"].is_duplicated().any()]
    if evaluation.top >= 10:
        names += ["coverage@10", "gini@10"]
        if evaluation.train_events is not None:
            names += ["novelty@10", "popularity@10", "popularity_lift@10"]
    return names + list(LABELLED) if evaluation.scored is not None else names


def pooled(
    evaluations: Sequence[Evaluation], names: Sequence[str] | str | None = None, resamples: int = 1000, seed: int = 0
) -> pl.DataFrame:
    """Return metrics of one method, measured with one or several training seeds.

    One evaluation is resampled by clusters, which describes a checkpoint; several are resampled by seeds × clusters, which
    describes the method.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        One per training seed, over the same queries.
    names : sequence of str, optional
        Metrics; by default all that the evaluation can answer.
    resamples : int
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    polars.DataFrame
        Columns metric, value, low, high, interval, n (rows the value rests on), excluded (rows that do not define it). `low`
        and `high` are null for metrics without an interval.

    Raises
    ------
    DataError
        If the evaluations answer different questions.
    ConfigError
        If a metric is not known.
    """
    for other in evaluations[1:]:
        check_same_questions(evaluations[0], other)
    metrics = parsed(default_names(evaluations[0]) if names is None else names)
    seeds = [[measure(evaluation, metric) for metric in metrics] for evaluation in evaluations]
    spread = [m for m in range(len(metrics)) if seeds[0][m].clusters is not None]
    low, high = np.full((2, len(metrics)), np.nan)
    if spread:
        low[spread], high[spread] = cluster_bootstrap(
            cluster_sums([[values[m] for m in spread] for values in seeds]), resamples, seed
        )
    kind = interval_name(resamples, len(seeds))
    return pl.DataFrame(
        {
            "metric": [str(metric) for metric in metrics],
            "value": [float(np.mean([values[m].value for values in seeds])) for m in range(len(metrics))], "low": low, "high": high,
            "interval": [kind if np.isfinite(end) else "none" for end in low], "n": [values.n for values in seeds[0]],
            "excluded": [values.excluded for values in seeds[0]],
        },
        schema_overrides={"metric": pl.String, "value": pl.Float64, "interval": pl.String, "n": pl.Int64, "excluded": pl.Int64},
    ).with_columns(pl.col("low", "high").fill_nan(None))  # fmt: skip
