"""Submitted systems beside trivial baselines: one table, with intervals and with who differs from whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError
from reverie.evaluation import pooled
from reverie.report.leaderboard import Difference, paired_differences
from reverie.report.rows import BASELINES, Cell, cells
from reverie.report.words import number, p_value, span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from reverie.evaluation import Evaluation

IMPLAUSIBLE = 10.0
"""A system that many times better than the best baseline is pointed at."""


@dataclass(frozen=True)
class Judgement:
    """Systems in order, best first."""

    k: int
    facts: dict[str, str]
    cells: dict[str, dict[str, Cell]]
    seeds: dict[str, int]
    pairs: tuple[Difference, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the judgement as plain values."""
        rows = [
            {
                "system": name,
                "baseline": name in BASELINES,
                "seeds": self.seeds[name],
                "metrics": {metric: asdict(cell) for metric, cell in metrics.items()},
            }
            for name, metrics in self.cells.items()
        ]
        pairs = [asdict(pair) for pair in self.pairs]
        return self.facts | {"order": f"ndcg@{self.k}", "rows": rows, "pairs": pairs, "warnings": list(self.warnings)}

    def results(self, commit: str) -> list[dict[str, Any]]:
        """Return the judgement as rows of a results table."""
        facts = {name: self.facts[name] for name in ("dataset", "dataset_sha256", "protocol", "seen")}
        return [
            facts
            | {
                "recipe": "judge",
                "slice": "valid" if self.facts["on"] == "valid" else "all",
                "model": name,
                "metric": metric,
                "commit": commit,
            }
            | {"fit_on": "train" if name in BASELINES else None}
            | asdict(cell)
            for name, metrics in self.cells.items()
            for metric, cell in metrics.items()
        ]


def judgement(
    systems: Mapping[str, Sequence[Evaluation]], k: int, facts: dict[str, str], warnings: Sequence[str] = (), lists: bool = True
) -> Judgement:
    """Rank submitted systems and baselines and compare every two of them."""
    for name, seeds in systems.items():
        longest = min(one.top for one in seeds)
        if longest < k:
            raise ConfigError(f"{name} has lists of at most {longest} items, so nothing can be said at {k}; ask for -k {longest}")
    first = next(iter(systems.values()))[0]
    names = [f"{metric}@{k}" for metric in ("recall", "ndcg", "mrr")]
    names += [f"map@{k}"] if first.ranks["query"].is_duplicated().any() else []
    names += [f"coverage@{k}", f"gini@{k}"] if lists else []
    names += [f"novelty@{k}"] if first.train_events is not None else []
    order = f"ndcg@{k}"
    table = {name: cells(pooled(list(seeds), names)) for name, seeds in systems.items()}
    ranked = dict(sorted(table.items(), key=lambda row: (-row[1][order].value, row[0])))
    best = max((row[order].value for name, row in table.items() if name in BASELINES), default=0.0)
    hints = [
        f"{name}: {order} is {row[order].value / best:.0f} times that of the best baseline; "
        f"check that the test events were not in its training data"
        for name, row in ranked.items()
        if best > 0 and row[order].value > IMPLAUSIBLE * best
    ]
    counts = {name: len(systems[name]) for name in ranked}
    pairs = paired_differences({name: systems[name] for name in ranked}, order)
    return Judgement(k, facts, ranked, counts, pairs, (*warnings, *hints))


def print_judgement(judged: Judgement, console: Console) -> None:
    """Print the table: values over their 95 % intervals, and each system's difference from the best."""
    order = f"ndcg@{judged.k}"
    best = next(iter(judged.cells))
    behind = {pair.other: pair for pair in judged.pairs if pair.first == best}
    facts = judged.facts
    head = f"{facts['dataset']} · {facts['protocol']} · {facts['on']} · seen items: {facts['seen']} · "
    console.print(f"{head}{judged.cells[best][order].n:,} users · sorted by {order}", markup=False, highlight=False)
    console.print(_table(judged, behind))
    notes = ["Intervals: 95 %, resampling users, and seeds where a system has several files."]
    if behind:
        limit = max(pair.detectable for pair in behind.values())
        notes.append(
            f"Behind the best: paired test in {order}, Holm-corrected over all {len(judged.pairs)} pairs; "
            f"a true difference below {number(limit)} could go unnoticed."
        )
    for line in (*notes, *(f"warning: {warning}" for warning in judged.warnings)):
        console.print(line, markup=False, highlight=False)


def _table(judged: Judgement, behind: Mapping[str, Difference]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, collapse_padding=True)
    table.add_column("system", max_width=26, overflow="fold")
    names = next(iter(judged.cells.values()))
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("behind the best", no_wrap=True)
    for place, (system, row) in enumerate(judged.cells.items()):
        seeds = f"{judged.seeds[system]} seeds" if judged.seeds[system] > 1 else ""
        about = "baseline" if system in BASELINES else seeds
        label = Text.assemble((system, "bold" if place == 0 else ""), "\n", (about, "dim"))
        table.add_row(label, *(_value(row[name]) for name in names), _behind(behind.get(system)))
    return table


def _value(cell: Cell) -> Text:
    from rich.text import Text

    return Text.assemble(number(cell.value), "\n", (span(cell.low, cell.high), "dim"))


def _behind(pair: Difference | None) -> Text:
    from rich.text import Text

    if pair is None:
        return Text("best")
    verdict = p_value(pair.p_holm) if pair.shown else f"not shown, {p_value(pair.p_holm)}"
    return Text.assemble(number(pair.difference), "\n", (verdict, "dim"))
