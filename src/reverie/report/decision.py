"""What to deploy: the model that validation chose, what it costs, whom it can serve, how soon it ages, and what to type next."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.dataset import Dataset
from reverie.data.queries import repeated_targets
from reverie.data.split import Split
from reverie.evaluation import Evaluation, by_kind, paired_test, pooled, slice_masks, sliced
from reverie.evaluation.effects import SIGNIFICANT
from reverie.evaluation.ranking import ranked_targets
from reverie.models.shelf import MODELS
from reverie.report.board import Leaderboard
from reverie.report.cells import ORDER, Cell, cells, kinds_of
from reverie.report.leaderboard_table import HEAD
from reverie.report.row import Row
from reverie.report.words import duration, number, percent, titled
from reverie.training.run import Run
from reverie.training.serving import kept_serving, serving_of
from reverie.training.trial import Trial

SPANS = {"an hour": 3_600, "a day": 86_400, "a week": 604_800, "30 days": 2_592_000}
"""Ages of a model, in seconds, of which the longest that is at most a tenth of the log is looked at."""

FEW = 100
"""Held-out items below which a share of them is a guess, and it is said."""


@dataclass(frozen=True)
class Decision:
    """What to deploy.

    Parameters
    ----------
    row : Row
        The one with the highest `ORDER` on validation, among those that were fitted on training events only.
    cheaper : Row or None
        The fastest fit among those that took at most half the processor time (of a blend, its parts included) and that validation
        does not show to be worse.
    p : float
        Of the difference on validation between the two.
    """

    row: Row
    cheaper: Row | None
    p: float

    @property
    def folders(self) -> list[str]:
        """Run folders of the row; none where it is in memory."""
        return [str(run.folder) for run in self.row.runs if isinstance(run, Run)]

    def to_json(self) -> dict[str, Any]:
        """Return labels and run folders as plain values."""
        run = self.row.runs[0]
        served = kept_serving(run) if isinstance(run, Run) else None
        cheaper = None if self.cheaper is None else self.cheaper.label
        serving = None if served is None else asdict(served)
        return {"label": self.row.label, "runs": self.folders, "cheaper": cheaper, "serving": serving}


def decide(board: Leaderboard) -> Decision:
    """Choose on validation, a blend only where it is better than every part alone; the test is not looked at."""
    rows = [row for row in board.rows if row.fit_on == "train"] or list(board.rows)
    best = min(rows, key=lambda row: (-_on_validation(row), row.model_name == "blend", row.label))
    cost = {row.label: _spent(row) for row in rows}
    parts = {str(part["name"]) for chosen in best.chosen for part in chosen.get("parts", ())}  # of a blend
    whole = cost[best.label] + sum(cost[row.label] for row in rows if row.model_name in parts)
    for row in sorted(rows, key=lambda row: (cost[row.label], row.label)):
        if row is best or 2 * cost[row.label] > whole:
            break
        p = float(paired_test(_valid(best), _valid(row), [ORDER], permutations=2000)["p"][0])
        if not p < SIGNIFICANT:
            return Decision(best, row, p)
    return Decision(best, None, float("nan"))


def facts_to_decide(board: Leaderboard, decision: Decision, split: Split, dataset: Dataset | None) -> list[tuple[str, str]]:
    """Return accuracy, also by kind of event, cost, time of a list, cold users, cold items and freshness, in sentences."""
    row = decision.row
    found = [("Accuracy", _accuracy(board, row) + _of_new_ones(row, split))]
    found += [("By kind", said)] if (said := _by_kind(row, split)) else []
    found += [("Cheaper", _cheaper(decision)), ("Cost", _cost(row))]
    found += [("Serving", said)] if (said := _serving(row, split)) else []
    found += [("New people", _cold_users(row, split)), ("New items", _cold_items(row, split))]
    return found + ([("Freshness", said)] if dataset is not None and (said := _freshness(board, dataset)) else [])


def next_commands(decision: Decision) -> list[str]:
    """Return what to type to get lists of the chosen model, its files, and the report of an attack on it."""
    run = decision.folders[0]
    words = (["recommend", run, "--all", "lists.parquet"], ["export", run, "exported"], ["attack", run])
    return [shlex.join(["reverie", *one]) for one in words]


def _spent(row: Row) -> float:
    """Return the processor seconds of a fit, or those of the clock where they are not known; mean over seeds."""
    spent = [run.fitted.processor_seconds for run in row.runs]
    return fmean(one for one in spent if one is not None) if None not in spent else row.seconds


def _valid(row: Row) -> list[Evaluation]:
    return [run.valid for run in row.runs]


def _on_validation(row: Row) -> float:
    value = fmean(run.valid.value(ORDER) for run in row.runs)
    return value if value == value else -1.0


def _accuracy(board: Leaderboard, row: Row) -> str:
    """Return how often the chosen model finds what came next, beside the most popular items and the best on the test."""
    cell = row.cells.get(HEAD, row.cells[ORDER])
    ends = "" if cell.low is None or cell.high is None else f" ({percent(cell.low)} to {percent(cell.high)})"
    said = ["A baseline: nothing here did better on validation."] if row.baseline else ["The best on validation."]
    said.append(f"Its first ten hold {percent(cell.value)}{ends} of the {cell.n:,} held-out items of the test.")
    plain = next((other for other in board.rows if other.model_name == "popularity" and other is not row), None)
    if plain is not None and HEAD in plain.cells:
        said.append(f"The same popular items for everybody: {percent(plain.cells[HEAD].value)}.")
    if board.best is not row:
        pair = board.pair(board.best.label, row.label)
        shown = "beyond chance" if pair is not None and pair.shown else "which may be chance"
        said.append(f"On the test {board.best.label} ranks higher, {shown}; the test does not choose.")
    return " ".join(said)


def _of_new_ones(row: Row, split: Split) -> str:
    """Return how well it finds what somebody had not chosen before, where what they had is counted, too."""
    new = _new_ones(row, split)
    if new is None or new.all() or not new.any():
        return ""
    parts = [replace(test, ranks=test.ranks.filter(pl.Series(new))) for test in row.tests]
    found = cells(pooled(parts, [HEAD]))[HEAD]
    repeats = percent(1 - float(new.mean()))
    said = f" {repeats} of them stand in their own history already, as a purchase after a view;"
    return f"{said} of the others it finds {percent(found.value)}."


def _new_ones(row: Row, split: Split) -> NDArray[np.bool_] | None:
    """Return which held-out items somebody had not chosen before; None where such items are removed, or the rows are others."""
    ranked = ranked_targets(split.test)
    targets = split.test.targets[ranked]
    if row.tests[0].seen != "keep" or any(not np.array_equal(test.ranks["target"].to_numpy(), targets) for test in row.tests):
        return None
    return np.asarray(~repeated_targets(split.test)[ranked])


def _by_kind(row: Row, split: Split) -> str:
    """Return how much of each kind of event it finds, and how many repeat; nothing where there are no two kinds."""
    parts = [by_kind(test) for test in row.tests]
    found = {name: cells(pooled([part[name] for part in parts], [HEAD]))[HEAD] for name in set.intersection(*map(set, parts))}
    if len(found) < 2:
        return ""
    new, kinds = _new_ones(row, split), row.tests[0].ranks["kind"].to_numpy()
    said = []
    for name in kinds_of(found):
        kind = name.partition(":")[2]
        again = "" if new is None else f" ({percent(1 - float(new[kinds == kind].mean()))} repeats)"
        said.append(f"{percent(found[name].value)} of {found[name].n:,} '{kind}'{again}")
    return f"Its first ten hold {', '.join(said)}. Validation chose by all of them, whatever their kind."


def _cheaper(decision: Decision) -> str:
    row, other = decision.row, decision.cheaper
    if other is None:
        return f"No model that takes half the time comes near it: each is worse on validation in {titled(ORDER)}."
    values = f"{number(_on_validation(other))} against {number(_on_validation(row))}, p = {decision.p:.2f}"
    return (
        f"{other.label} is fitted in {duration(_spent(other))} of processor time, and validation does not show it to be worse "
        f"({titled(ORDER)} {values})."
    )


def _cost(row: Row) -> str:
    """Return time, processor time, load and memory of a fit, and the size of the stored model."""
    fitted, run = row.runs[0].fitted, row.runs[0]
    stored = run.folder / "model" if isinstance(run, Run) else None
    size = 0 if stored is None else sum(path.stat().st_size for path in stored.rglob("*") if path.is_file())
    spent = [f"A fit took {duration(row.seconds)}"]
    if fitted.processor_seconds is not None and fitted.load is not None:
        spent.append(f"{duration(fitted.processor_seconds)} of processor time, load {fitted.load:.1f}")
    parts = " Its parts were fitted before and are not counted." if row.model_name == "blend" else ""
    return f"{', '.join(spent)}, with {row.peak_mb:,.0f} MB; the stored model has {_size(size)}.{parts}"


def _serving(row: Row, split: Split) -> str:
    """Return how long one list takes; nothing where no run in a folder tells."""
    run = row.runs[0]
    if not isinstance(run, Run) or (served := serving_of(run, split.test)) is None:
        return ""
    threads = "one thread" if served.threads == 1 else f"{served.threads} threads"
    times = f"{_milliseconds(served.median_ms)} in the median and {_milliseconds(served.p95_ms)} at the 95th percentile"
    how = f"{served.requests:,} single requests, one after another with {threads}"
    return f"One list of ten took {times} of {how}; {_milliseconds(served.processor_ms)} of processor time each."


def _milliseconds(value: float) -> str:
    return f"{value:.2g} ms" if value < 100 else f"{value:,.0f} ms"


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MB" if count >= 2**20 else f"{count / 2**10:,.0f} KB"


def _slice(row: Row, split: Split, name: str) -> Cell | None:
    parts = [sliced(test, split.train).get(name) for test in row.tests]
    found = [part for part in parts if part is not None]
    return cells(pooled(found, [HEAD]))[HEAD] if len(found) == len(parts) else None


def _cold_users(row: Row, split: Split) -> str:
    """Return whom the model can serve without a new fit, and how well it serves short histories."""
    tags = MODELS[row.model_name].tags
    known = "It knows only people of the log: somebody new gets no list of their own before the next fit."
    said = [
        known
        if "needs-user" in tags
        else "Somebody new gets a list from their own events, from the first one on, without a new fit."
    ]
    few = _slice(row, split, "history:short")
    if few is not None:
        longest = int(np.median(row.tests[0].ranks["length"].to_numpy()))
        said.append(f"After at most {longest} events its ten hold {percent(few.value)} of the held-out items.")
    return " ".join(said)


def _cold_items(row: Row, split: Split) -> str:
    """Return how many of the held-out items were never trained, and how many of these are found."""
    ranks = row.tests[0].ranks
    cold = slice_masks(ranks["target"].to_numpy(), ranks["length"].to_numpy(), split.train)["target:cold"]
    if not cold.any():
        return (
            "Every held-out item also stands in training, so this log does not say how it treats items that nobody has chosen yet."
        )
    found = _slice(row, split, "target:cold")
    return (
        f"{percent(float(cold.mean()))} of the held-out items are in no training event; its ten hold "
        f"{percent(0.0 if found is None else found.value)} of these. New items need a new fit, or a list of their own."
    )


def _freshness(board: Leaderboard, dataset: Dataset) -> str:
    """Return how many events are about items that a model of some age cannot know, and how fast popularity fades."""
    if not dataset.has_time:
        return ""
    first = dataset.events.group_by("item").agg(pl.col("timestamp").min().alias("first"))
    times, said = dataset.events["timestamp"].to_numpy(), []
    last = int(times.max())
    if fits := [name for name, seconds in SPANS.items() if seconds <= (last - int(times.min())) / 10]:
        since = last - SPANS[fits[-1]]
        recent = dataset.events.filter(pl.col("timestamp") > since).join(first, on="item")
        share = percent(float((recent["first"].to_numpy() > since).mean()))
        said.append(f"At the end of the log a model that is {fits[-1]} old does not know the items of {share} of the events.")
    half = next((_half_life(row.runs[0]) for row in board.rows if row.model_name == "recent-popularity"), None)
    return " ".join(said + ([f"Popularity fades by half in {half:.3g} days (chosen on validation)."] if half else []))


def _half_life(run: Run | Trial) -> float | None:
    chosen: Mapping[str, object] = run.fitted.chosen
    value = chosen.get("half_life_days")
    return float(value) if isinstance(value, int | float) else None


def headline_of(decision: Decision, board: Leaderboard) -> str:
    """Return what to deploy in one sentence."""
    row, cell = decision.row, decision.row.cells.get(HEAD, decision.row.cells[ORDER])
    few = f" That rests on {cell.n:,} held-out items alone, so another log may say otherwise." if cell.n < FEW else ""
    return f"Deploy {row.label}: its first ten hold {percent(cell.value)} of what people chose next on {board.dataset}.{few}"
