"""``results/dreamrec-zhihu.csv``: every run, runs pooled over seeds, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from dreamrec_page.runs import Measured, without_seen
from reverie.evaluation import Evaluation, paired_test, pooled, with_history
from reverie.files import append_csv
from reverie.study.rows import COLUMNS
from reverie.training.run import result_rows

Found = Mapping[tuple[str, str, int], Measured]
METRICS = ("recall@10", "ndcg@10", "recall@20", "ndcg@20")
PAIRED = ("recall@20", "ndcg@20")
EXTRA = ("row", "against", "p", "valid")
"""Columns after the common ones: the page's name of the row, what a difference is taken against and its p-value, and the value
of the metric on validation."""
DIFFERENCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("popularity", ()),
    ("sasrec", ()),
    ("dreamrec", ("dreamrec 500-steps", "dreamrec exact-draw", "dreamrec nearest", "dreamrec trained-items", "noise-off")),
    ("dreamrec 500-steps", ("dreamrec exact-draw",)),
)
"""Baselines, and the rows that are compared with each; all others where none are named."""


def write_table(path: Path, found: Found) -> None:
    """Write the whole table.

    Parameters
    ----------
    path : Path
        Replaced.
    found : mapping
        Runs by row, what they were fitted on, and seed.
    """
    rows = [row for name, on in dict.fromkeys((name, on) for name, on, _ in found) for row in _measured(found, name, on)]
    for on in ("train", "train+valid"):
        rows += _differences(found, on)
    path.unlink(missing_ok=True)
    append_csv(path, (*COLUMNS, *EXTRA), rows)


def seeds_of(found: Found, name: str, on: str) -> list[Measured]:
    """Return the runs of a row, one per seed.

    Parameters
    ----------
    found : mapping
        All runs.
    name, on : str
        Row, and what it was fitted on.

    Returns
    -------
    list of Measured
        In the order of seeds.
    """
    return [done for (row, fitted, _), done in sorted(found.items()) if (row, fitted) == (name, on)]


def _measured(found: Found, name: str, on: str) -> list[dict[str, Any]]:
    group = seeds_of(found, name, on)
    rows = []
    for done in group:
        for run in (done.run, without_seen(done)):
            rows += [row | _on_validation(run, row) for row in result_rows(run, METRICS)]
    if len(group) > 1:
        for runs in ([done.run for done in group], [without_seen(done) for done in group]):
            rows += _over_seeds(runs)
    return [row | {"row": name} for row in rows]


def _on_validation(run: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    plain = row["slice"] == "all" and row["seen"] == "keep" and row["fit_on"] == "train"
    return {"valid": run.valid.value(row["metric"])} if plain else {}


def _over_seeds(runs: Sequence[Any]) -> list[dict[str, Any]]:
    """Pool seeds: means, with intervals over seeds and sequences."""
    first = result_rows(runs[0], METRICS)
    common = {"seed": span(run.recipe.training.seed for run in runs), "best_epoch": None}
    common |= {"seconds": sum(run.fitted.seconds for run in runs), "peak_mb": max(run.fitted.peak_mb for run in runs)}
    rows = []
    for part, cut in (("all", lambda test: test), ("history:some", with_history)):
        kept = {row["metric"]: row for row in first if row["slice"] == part}
        if not kept:
            continue
        for row in pooled([cut(run.test) for run in runs], METRICS).to_dicts():
            values = {name: row[name] for name in ("value", "low", "high", "interval", "n")}
            extra = {}
            if kept[row["metric"]]["fit_on"] == "train" and part == "all" and runs[0].test.seen == "keep":
                extra = {"valid": sum(run.valid.value(row["metric"]) for run in runs) / len(runs)}
            rows.append(kept[row["metric"]] | common | values | extra)
    return rows


def span(seeds: Any) -> str:
    """Return the first and the last of some seeds.

    Parameters
    ----------
    seeds : iterable of int
        Seeds.

    Returns
    -------
    str
        E.g. ``"0-2"``, or ``"0"`` for one.
    """
    ordered = sorted(seeds)
    return str(ordered[0]) if len(ordered) == 1 else f"{ordered[0]}-{ordered[-1]}"


def _differences(found: Found, on: str) -> list[dict[str, Any]]:
    rows = []
    names = list(dict.fromkeys(name for name, fitted, _ in found if fitted == on))
    for against, chosen in DIFFERENCES:
        for name in chosen or [name for name in names if name != against]:
            rows += _difference(seeds_of(found, name, on), seeds_of(found, against, on), name, against)
    return rows


def _difference(these: list[Measured], others: list[Measured], name: str, against: str) -> list[dict[str, Any]]:
    """Compare two rows; rankings by the same weights are paired seed by seed, and the trainings count as given."""
    run = these[0].run
    sides = [[done.run.test for done in side] for side in (these, others)]
    shared = name.split()[0] == against.split()[0]
    tested = paired_test(*[stacked(side) for side in sides], PAIRED) if shared else paired_test(*sides, PAIRED)
    common = next(iter(result_rows(run, PAIRED[:1]))) | {"row": name, "against": against}
    common |= {"seed": span(done.run.recipe.training.seed for done in these)}
    common |= dict.fromkeys(("best_epoch", "seconds", "peak_mb"))
    kind = "paired_cluster_bootstrap(1000)" if shared or max(map(len, sides)) == 1 else "paired_seeds_x_clusters(1000)"
    return [
        common
        | {"metric": f"{row['metric']} difference", "value": row["difference"], "low": row["low"], "high": row["high"]}
        | {"interval": kind, "n": row["n"], "p": row["p"]}
        for row in tested.to_dicts()
    ]


def stacked(tests: Sequence[Evaluation]) -> Evaluation:
    """Lay evaluations over the same queries end to end, so that a sequence keeps its queries of all seeds together.

    Parameters
    ----------
    tests : sequence of Evaluation
        One per seed.

    Returns
    -------
    Evaluation
        Without lists.
    """
    size = 1 + int(tests[0].ranks["query"].max())  # type: ignore[arg-type]  # a number
    ranks = [test.ranks.with_columns(pl.col("query") + number * size) for number, test in enumerate(tests)]
    return replace(tests[0], ranks=pl.concat(ranks), topk=tests[0].topk.clear())
