"""Submitted systems beside trivial baselines: one table, with intervals and with who differs from whom."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from reverie.errors import ConfigError
from reverie.evaluation import Evaluation, pooled
from reverie.report.cells import BASELINES, Cell, Difference, cells, paired_differences
from reverie.report.leaderboard_table import behind_cell, value_cell
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number

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
        common = {name: self.facts[name] for name in ("dataset", "dataset_sha256", "protocol", "seen")}
        common |= {"recipe": "judge", "slice": "valid" if self.facts["on"] == "valid" else "all", "commit": commit}
        return [
            common | {"model": name, "metric": metric, "fit_on": "train" if name in BASELINES else None} | asdict(cell)
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
    order, facts = f"ndcg@{judged.k}", judged.facts
    best = next(iter(judged.cells))
    behind = {pair.other: pair for pair in judged.pairs if pair.first == best}
    names = list(judged.cells[best])
    columns = [Column("system", width=(6, 40)), *(Column(name, "right", wrap=False) for name in names)]
    rows = []
    for system, row in judged.cells.items():
        seeds = f"{judged.seeds[system]} seeds" if judged.seeds[system] > 1 else ""
        about = "baseline" if system in BASELINES else seeds
        label = TableCell(system, about, emphasis="bold" if system == best else "none")
        rows.append([label, *(value_cell(row[name]) for name in names), behind_cell(behind.get(system))])
    notes = ["Intervals: 95 %, resampling users, and seeds where a system has several files."]
    if behind:
        limit = max(pair.detectable for pair in behind.values())
        notes.append(
            f"Behind the best: paired test in {order}, Holm-corrected over all {len(judged.pairs)} pairs; "
            f"a true difference below {number(limit)} could go unnoticed."
        )
    notes += [f"warning: {warning}" for warning in judged.warnings]
    asked = f"{facts['on']} · seen items: {facts['seen']} · {judged.cells[best][order].n:,} users"
    head = f"{facts['dataset']} · {facts['protocol']} · {asked} · sorted by {order}"
    Table(head, [*columns, Column("behind the best")], rows, notes).print(console)
