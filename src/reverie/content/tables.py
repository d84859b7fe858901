"""Tables of a content study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from reverie.content.carrying import EITHER, Carried, carried
from reverie.content.cells import WHOLE
from reverie.content.recipe import SLICES
from reverie.content.results import blind_rates, said_options
from reverie.content.summary import Row, Summary
from reverie.content.training import KNOWN
from reverie.evaluation import pooled
from reverie.report.claim_table import claim_table
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, span

ABOUT = ("recommender", "item encoder", "tuning", "fusion", "without")


def score_table(summary: Summary, data: str, metric: str, slices: Sequence[str], bars: bool = False) -> Table:
    """Return the rows of data with a metric on slices of the test, and what a training took."""
    rows: list[list[str | TableCell]] = []
    there = [part for part in slices if any(summary.evaluations(row, part) for row in summary.rows(data))]
    for row in summary.rows(data):
        said = said_options(summary.recipe, row.recommender, row.encoder)
        about = [row.recommender, said["item_encoder"], said["tuning"], said["fusion"], row.drop]
        scores = [metric_cell(summary.metrics(row, part).get(metric)) for part in there]
        trained = summary.trained(row)
        seconds = f"{fmean(one.seconds for one in trained):.0f}" if row.drop == WHOLE else ""
        rows.append([*about, *scores, seconds])
    for known in KNOWN if data in summary.truths else ():
        found = [summary.truth(data, known, part) for part in there]
        cells = [metric_cell(None if one is None else pooled([one], [metric]).to_dicts()[0]) for one in found]
        rows.append([TableCell("oracle", emphasis="dim"), TableCell(f"knows {known}", emphasis="dim"), "", "", "", *cells, ""])
    heads = [Column(f"{part.removeprefix('target:')} {metric}", "right", bar=bars) for part in there]
    shown = [at for at in range(5) if at < 2 or any(row[at] for row in rows)]
    columns = [*(Column(ABOUT[at]) for at in shown), *heads, Column("s", "right")]
    cells_shown = [[row[at] for at in shown] + row[5:] for row in rows]
    return Table(f"{data} · {metric}", columns, cells_shown, [protocol_note(summary, data), *world_notes(summary, data, metric)])


def protocol_note(summary: Summary, data: str) -> str:
    """Return how data were split and measured, in a sentence."""
    split = summary.opened[data].split
    seeds = max((len(summary.trained(row)) for row in summary.rows(data)), default=0)
    cold = max((one.n_cold for row in summary.rows(data) for one in summary.trained(row)), default=0)
    return (
        f"{split.dataset}, {split.protocol}; {len(split.test):,} questions, {split.vocabulary.n_items:,} items, {cold:,} "
        f"of them without an event in training; seen items: {split.test.seen}; {seeds} seed{'s' * (seeds != 1)} of what is "
        f"trained. The epoch was chosen on validation, the test used once.{_lacking(summary, data)}"
    )


def _lacking(summary: Summary, data: str) -> str:
    """Return how many items lack which content, in a sentence."""
    found = {name: n for row in summary.rows(data) for one in summary.trained(row) for name, n in one.without.items()}
    return f" Items without: {', '.join(f'{name} {n:,}' for name, n in sorted(found.items()))}." if found else ""


def world_notes(summary: Summary, data: str, metric: str) -> list[str]:
    """Return what a model without motion and sound can get on new clips of a world, by construction."""
    name, _, k = metric.partition("@")
    cold = summary.truth(data, "nothing", "target:cold")
    if cold is None or name != "recall":
        return []
    n_cold = summary.truths[data].n_cold
    chance, most = blind_rates(summary.opened[data].split, cold, int(k))
    return [
        f"By construction a single frame of a new clip says nothing of whether it is liked: {metric} is {chance:.3f} by chance, "
        f"and at most {most:.3f} where all {n_cold} new clips come first. Oracles know tastes, not only histories."
    ]


def metric_cell(found: Mapping[str, Any] | None) -> TableCell:
    """Return a metric with its interval; nothing where it is not known."""
    if found is None:
        return TableCell("")
    low, high = found["low"], found["high"]
    return TableCell(number(found["value"]), span(low, high, 4), "", found["value"], low, high)


def claims_table(summary: Summary, title: str = "") -> Table:
    """Return the comparisons as a table."""
    rows = [{key: "" if value is None else str(value) for key, value in row.items()} for row in summary.claims]
    notes = [
        "Paired by question, users and seeds drawn anew; p by the bootstrap (one seed on each side: by flips of signs), Holm "
        "over the comparisons of a metric on the same data. “detectable”: the least true difference found in 80 % of trials, "
        "uncorrected."
    ]
    return replace(claim_table(rows, "data", digits=4, ends=("seeds", "detectable")), title=title, notes=notes)


def carried_of(summary: Summary, row: Row) -> Carried | None:
    """Return what each part of a row's encoder carries; None where none was dropped."""
    drops = [
        one
        for one in summary.recipe.encoders[row.encoder].drop
        if summary.trained(Row(row.data, row.recommender, row.encoder, one))
    ]
    if not drops:
        return None
    lost = {drop: summary.evaluations(Row(row.data, row.recommender, row.encoder, drop)) for drop in drops}
    return carried(summary.evaluations(row), lost)


def carrying_table(summary: Summary, row: Row, found: Carried) -> Table:
    """Return which share of the items each part carries, by how often they were clicked in training."""
    clicks = summary.opened[row.data].split.train.item_counts()[found.items]
    middle = float(sorted(clicks[clicks > 0])[int((clicks > 0).sum()) // 2]) if (clicks > 0).any() else 0.0
    rare, popular = (clicks > 0) & (clicks < middle), clicks >= max(middle, 1)
    groups = {"all": clicks >= 0, "no event in training": clicks == 0, "rare": rare, "popular": popular}
    heads = [*found.parts, EITHER]
    rows: list[list[str | TableCell]] = [
        [name, str(int(mask.sum())), *(TableCell(f"{share:.0%}", value=share) for share in found.shares(mask).values())]
        for name, mask in groups.items()
        if mask.any()
    ]
    columns = [Column("items"), Column("asked about", "right"), *(Column(head, "right", bar=True) for head in heads)]
    return Table(f"{row.said} on {row.data}", columns, rows, [f"“popular”: at least {middle:.0f} events in training."])


def summary_json(summary: Summary) -> dict[str, Any]:
    """Return all that was found, as plain values."""
    rows = [
        {
            "data": data,
            "recommender": row.recommender,
            **said_options(summary.recipe, row.recommender, row.encoder),
            "drop": row.drop,
        }
        | {"slice": part, "seeds": len(summary.trained(row)), "metrics": metrics}
        for data in summary.recipe.data
        for row in summary.rows(data)
        for part in SLICES
        if (metrics := summary.metrics(row, part))
    ]
    return {"recipe": summary.recipe.name, "rows": rows, "claims": summary.claims, "commits": summary.commits()}
