"""Write `docs/results/results.md` and its plots from `results/sequential.csv`; every figure stands there or in `published.yaml`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from plot import draw
from published import Published, load_published
from standing import REFIT, Standing, Standings, Value, highest, ranked, read_standings

from reverie.errors import ReverieError
from reverie.evaluation.effects import read_claims
from reverie.files import write_text
from reverie.training.recipe import Suite, cell_name, load_suite

ROOT = Path(__file__).resolve().parents[2]


def page(suite: Suite, standings: Standings, published: Mapping[str, Published], tests: Sequence[Mapping[str, str]] = ()) -> str:
    """Return the page.

    Parameters
    ----------
    suite : Suite
        Rows and datasets.
    standings : dict
        What was run.
    published : mapping of str to Published
        What others report, by dataset.
    tests : sequence of mapping
        Lines of `results/claims.csv`.

    Returns
    -------
    str
        Markdown.
    """
    known = {name: published.get(name, Published()) for name in suite.datasets}
    parts = [
        "# Which model on which data\n",
        "Written by `make results-page` from `results/sequential.csv`; never by hand.\n",
        *_overview(suite, standings, known),
        *_bars(standings, known),
        "Each row of a table can be computed again, and what is finished is not computed twice:\n",
        f"```\nreverie compare {suite.name} --on {next(iter(suite.datasets))} --refit --results results/{suite.name}.csv\n```\n",
        "How to read the tables: full ranking of the whole catalogue on test. Fitted on `train` and chosen on validation alone; "
        "*refitted* means fitted once more on train and validation together, with what was chosen. With several seeds a cell is "
        "the mean (lowest to highest seed), with one seed, or where all agree, the value [95 % interval over users]. *Tried* is "
        "the number of settings tried on validation. Seconds are wall clock on two cores that other work may have shared, a mean "
        "over seeds. One seed describes a checkpoint, not a method.\n",
    ]
    for name in suite.datasets:
        own = [line for line in tests if line["dataset"] == name and line["metric"] == f"ndcg@{known[name].k}"]
        parts += _section(suite, standings, name, known[name], own)
    return "\n".join(parts)


def _overview(suite: Suite, standings: Standings, known: Mapping[str, Published]) -> list[str]:
    lines = [
        "| data | highest | best trained row | recall / ndcg | seconds | best counting row | recall / ndcg | seconds "
        "| ndcg, trained / counted |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in suite.datasets:
        k = known[name].k
        found = ranked(standings, name, f"ndcg@{k}")
        trained, counted = highest(found, lambda s: not s.counts), highest(found, lambda s: s.counts)
        top = f"**{found[0].row}**" if found else "not run"
        cells = [f"[{name}](#{name}) @{k}", top, *_short(trained, k), *_short(counted, k), _ratio(trained, counted, k)]
        lines.append(f"| {' | '.join(cells)} |")
    return [
        *lines,
        "",
        "*Highest* is by NDCG on test, mean over seeds, without refit: it says what stood first, and among many rows the first is "
        "partly luck. Which model to use is chosen on validation. *Overlap* is said of the 95 % intervals over users.\n",
    ]


def _short(standing: Standing | None, k: int) -> list[str]:
    if standing is None:
        return ["not run", "", ""]
    figures = [standing.value(f"{metric}@{k}") for metric in ("recall", "ndcg")]
    text = " / ".join("–" if value is None else f"{value.mean:.4f}" for value in figures)
    return [standing.row, f"{text} {_spread(figures[-1])}", _seconds(standing.average("seconds"))]


def _ratio(trained: Standing | None, counted: Standing | None, k: int) -> str:
    a, b = (None if s is None else s.value(f"ndcg@{k}") for s in (trained, counted))
    if a is None or b is None or not b.mean:
        return ""
    overlap = "overlap" if a.user_low <= b.user_high and b.user_low <= a.user_high else "intervals apart"
    return f"{a.mean / b.mean:.2f}, {overlap}"


def _bars(standings: Standings, known: Mapping[str, Published]) -> list[str]:
    lines = [
        "## Bars\n",
        "Seed mean of our highest row by NDCG, without refit.\n",
        "| data | bar | whose | our highest row | ours | |",
        "|---|---|---|---|---|---|",
    ]
    notes = []
    for name, facts in known.items():
        if facts.bar is None:
            continue
        best = highest(ranked(standings, name, f"ndcg@{facts.k}"))
        verdict = "not run" if best is None else _verdict(best, facts.bar.values)
        if facts.bar.reported_only:
            verdict += ", reported only"
            notes.append(f"{name} is reported and does not count: {facts.bar.reported_only}.\n")
        ours = "" if best is None else _figures(_means(best, facts.bar.values))
        row = "" if best is None else best.row
        lines.append(f"| {name} | {_figures(facts.bar.values)} | {facts.bar.whence} | {row} | {ours} | {verdict} |")
    return [*lines, "", *notes]


def _verdict(best: Standing, bar: Mapping[str, float]) -> str:
    ours = _means(best, bar)
    reached = [metric for metric, wanted in bar.items() if (mean := ours.get(metric)) is not None and mean >= wanted]
    if len(reached) == len(bar):
        return "**reached**"
    return f"only {', '.join(reached)} reached" if reached else "not reached"


def _means(standing: Standing, metrics: Mapping[str, float]) -> dict[str, float]:
    values = {metric: standing.value(metric) for metric in metrics}
    return {metric: value.mean for metric, value in values.items() if value is not None}


def _figures(values: Mapping[str, float]) -> str:
    return ", ".join(f"{metric} {value:.4f}" for metric, value in values.items()) or "–"


def _section(suite: Suite, standings: Standings, name: str, facts: Published, tests: Sequence[Mapping[str, str]]) -> list[str]:
    k = facts.k
    found = ranked(standings, name, f"ndcg@{k}")
    planned = suite.datasets[name]
    missing = [row for row in suite.rows_on(name) if row not in {s.row for s in found}]
    lines = [f"## {name}\n"]
    if found:
        protocols = ", ".join(dict.fromkeys(s.several("protocol") for s in found))
        seen = ", ".join(dict.fromkeys(s.several("seen") for s in found))
        lines += [
            f"Protocol `{protocols}`, seen items: {seen}, dataset {found[0].several('dataset_sha256')[:12]}, "
            f"{found[0].several('n')} queries, {planned.seeds} seed{'s' if planned.seeds > 1 else ' (no claim about a method)'}.\n",
            f"![ndcg@{k} against seconds of training](../figures/results-{name}.svg)\n",
            *_table(standings, found, name, k, planned.seeds),
            *_nonempty(standings, name, k),
            *_tested(tests),
        ]
    if missing:
        lines.append(f"Not run: {', '.join(missing)}.\n")
    lines += [f"Left out: {row}, {why}.\n" for row, why in planned.without.items()]
    return [*lines, *_published(standings, name, facts)]


def _table(standings: Standings, found: Sequence[Standing], name: str, k: int, planned: int) -> list[str]:
    lines = [
        f"| row | recall@{k} | ndcg@{k} | refitted recall@{k} | refitted ndcg@{k} | seeds | tried | seconds | peak MB | best epoch "
        "| commit |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for s in found:
        again = standings.get((name, s.row, REFIT, "all"))
        cells = [
            s.row,
            *(_cell(s.value(f"{metric}@{k}")) for metric in ("recall", "ndcg")),
            *(_cell(again.value(f"{metric}@{k}")) if again else "" for metric in ("recall", "ndcg")),
            str(planned) if len(s.runs) == planned else f"{len(s.runs)} of {planned}",
            s.several("trials"),
            _seconds(s.average("seconds")),
            f"{s.average('peak_mb'):.0f}",
            s.several("best_epoch"),
            s.several("commit"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _nonempty(standings: Standings, name: str, k: int) -> list[str]:
    found = ranked(standings, name, f"ndcg@{k}", part="history:some")
    if not found:
        return []
    lines = ["The same without the queries whose history is empty:\n", f"| row | recall@{k} | ndcg@{k} |", "|---|---|---|"]
    lines += [f"| {s.row} | {_cell(s.value(f'recall@{k}'))} | {_cell(s.value(f'ndcg@{k}'))} |" for s in found]
    return [*lines, ""]


def _tested(lines: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the paired tests of a dataset as a table."""
    if not lines:
        return []
    table = ["| first | against | ndcg, difference [95 %] | p (Holm) | seeds | question |", "|---|---|---|---|---|---|"]
    for line in lines:
        difference, low, high, p = (float(line[key]) for key in ("difference", "low", "high", "p_holm"))
        cells = (
            line["first"],
            line["other"],
            f"{difference:+.4f} [{low:+.4f}, {high:+.4f}]",
            f"{p:.3g}",
            line["seeds"],
            line["why"],
        )
        table.append(f"| {' | '.join(cells)} |")
    return ["Paired tests, resampling seeds and users (`results/claims.csv`):\n", *table, ""]


def _published(standings: Standings, name: str, facts: Published) -> list[str]:
    if not facts.published:
        return ["No figure is known to us that others published on these data under this protocol.\n"]
    lines = ["| published | figures | our row | ours | what differs | source |", "|---|---|---|---|---|---|"]
    for figure in facts.published:
        own = standings.get((name, figure.row, "train", "all")) if figure.row else None
        ours = _figures(_means(own, figure.values)) if own else ("not run" if figure.row else "")
        row = f"{figure.row}" if figure.row else "none"
        lines.append(f"| {figure.system} | {_figures(figure.values)} | {row} | {ours} | {figure.differs} | {figure.source} |")
    recipes = dict.fromkeys(cell_name(figure.row, name) for figure in facts.published if figure.row)
    settings = f"Our settings: `reverie recipes copy` with {', '.join(f'`{recipe}`' for recipe in recipes)}.\n"
    return [*lines, "", *([settings] if recipes else [])]


def _cell(value: Value | None) -> str:
    return "–" if value is None else f"{value.mean:.4f} {_spread(value)}"


def _spread(value: Value | None) -> str:
    if value is None:
        return ""
    several = (value.low, value.high) != (value.user_low, value.user_high)
    return f"({value.low:.4f} to {value.high:.4f})" if several else f"[{value.low:.4f}, {value.high:.4f}]"


def _seconds(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def main(words: Sequence[str] | None = None) -> None:
    """Write the page and a plot for every dataset that has rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="sequential")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "sequential.csv")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "results.md")
    given = parser.parse_args(words)
    suite = load_suite(given.suite)
    standings, published = read_standings(given.results, suite), load_published()
    for name in suite.datasets:
        metric = f"ndcg@{published.get(name, Published()).k}"
        if found := ranked(standings, name, metric):
            draw(found, metric, name, given.out.resolve().parents[1] / "figures" / f"results-{name}.svg")
    write_text(given.out, page(suite, standings, published, read_claims(given.results.parent / "claims.csv")))
    print(f"wrote {given.out}")


if __name__ == "__main__":
    try:
        main()
    except ReverieError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
