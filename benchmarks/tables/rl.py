"""Write ``docs/results/rl-results.md`` from ``results/rl.csv``, ``results/rl-claims.csv`` and ``results/ope.csv``; never by hand.

Run ``python benchmarks/tables/rl.py`` to write the page, ``python benchmarks/tables/rl.py rl-session`` after
``reverie rl rl-session`` to write the comparisons of that study into ``results/rl-claims.csv`` first, and
``python benchmarks/tables/rl.py --ope`` to measure the coverage of off-policy intervals into ``results/ope.csv``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rl_plot import HEADS, draw

from reverie.documents import read_json
from reverie.evaluation.effects import read_claims, update_claims
from reverie.files import write_json, write_text
from reverie.report.claim_table import claim_table
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import ended, number, span
from reverie.rl.recipe import LONG_TERM
from reverie.rl.restored import VALIDATION, effect_over_seeds
from reverie.rl.study import read_rl
from reverie.rl.summary import claim_rows
from reverie.study.environment import commit
from reverie.study.rows import append_rows

if TYPE_CHECKING:
    from reverie.evaluation import Effect

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE, FIGURES = ROOT / "results", ROOT / "docs" / "results" / "rl-results.md", ROOT / "docs" / "figures"
ERRORS = RESULTS / "rl-worlds.json"
"""What each study's world says of its own error."""
OPE_COLUMNS = ("estimator", "world", "n_rounds")
HEAD = """# Long-term value: results

Written by `python benchmarks/tables/rl.py` from `results/rl.csv`, `results/rl-claims.csv` and `results/ope.csv`; never by hand. How
the numbers are made: [Long-term value](../rl.md).

Mean over seeds with the 95 % t-interval over seeds. `ce` is the backbone alone; who acts is the head whose best item is shown. No
setting of a grid was chosen on the test or in the world of a table: `trials` is how many choices a row's number is the best of, by
the validation metric of its log, or where the recipe has a `tuning` by the return in another world; factors of Q in `ce+q` were
always chosen by the validation metric. What no grid holds, and all settings of a row of one trial, were set by hand: those of the
session world (`ce_weight`, `target_rate`, `alpha`, epochs) in earlier trials of `mcrl` on other logs of that same world.
"""
SHARE = "of the oracle"
LEVELS = ("oracle", "myopic", "behaviour", "random")
"""The world's own policies: lines of the plot, not rows."""
WORLD = ("return", SHARE, "regret", "length", "q_over", "q_over_best", "reward_error", "transition_error")
CASES = (("bandit", (500, 2000, 5000)), ("session", (500, 2000)), ("lists", (1000,)))


def write_study_claims(recipe: str, runs: Path) -> None:
    """Put the comparisons of a finished study into the table, beside those of other recipes on the same data."""
    loaded = LONG_TERM.load(recipe)
    study, groups = read_rl(loaded, runs / loaded.name, RESULTS / "rl.csv")
    errors = read_json(ERRORS) if ERRORS.exists() else {}
    write_json(ERRORS, errors | {loaded.name: list(study.error)})
    rows = claim_rows(loaded, groups, study.split) if loaded.claims else []
    asked = {(claim.first, claim.other, claim.why) for other in LONG_TERM.others(loaded.name) for claim in other.claims}
    update_claims(RESULTS / "rl-claims.csv", rows, lambda row: (row["first"], row["other"], row["why"]) in asked)
    for row in rows:
        ends = span(row["low"], row["high"], 4)
        print(f"{row['first']} - {row['other']}, {row['metric']}: {row['difference']:+.4f} {ends}")


def measure_coverage(repetitions: int) -> None:
    """Append the coverage, bias and error of each estimator in worlds whose truth is known; a case that is there is left out."""
    from reverie.rl.ope.coverage import coverage, usual_case

    path = RESULTS / "ope.csv"
    there = set() if not path.exists() else {(row["world"], row["n_rounds"]) for row in pl.read_csv(path).iter_rows(named=True)}
    for name, sizes in CASES:
        for n_rounds in sizes:
            if (name, n_rounds) in there:
                continue
            world, policy, estimators, settings = usual_case(name)
            rows = [
                {
                    "recipe": "ope", "dataset": name, "slice": "all", "model": row["estimator"], "seed": 0, "commit": commit(),
                    "metric": row["metric"], **{key: row[key] for key in ("value", "low", "high", "interval", "n")},
                    **{key: row[key] for key in OPE_COLUMNS},
                }
                for row in coverage(world, policy, estimators, n_rounds, repetitions, 0, settings)
            ]  # fmt: skip
            append_rows(path, rows, OPE_COLUMNS)
            print(f"{name}, {n_rounds:,} rounds: {len(rows)} rows")


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    path = RESULTS / "rl.csv"
    if path.exists():
        table = pl.read_csv(path, infer_schema_length=None, null_values=[""])
        for recipe in table["recipe"].unique(maintain_order=True):
            parts += _study(recipe, table.filter((pl.col("recipe") == recipe) & (pl.col("slice") != VALIDATION)))
    if claims := read_claims(RESULTS / "rl-claims.csv"):
        parts += [
            "\n## Comparisons\n",
            "Paired by seed: t-interval and paired t-test over seeds, Holm over all rows of a metric on a log. Returns and values\n"
            "are those of the weights after the last epoch, rankings those of the epoch that ranked best on validation.\n",
            claim_table(claims, digits=4).to_markdown(),
        ]
    if (RESULTS / "ope.csv").exists():
        parts += ["\n## Do off-policy intervals cover?\n", _coverage(pl.read_csv(RESULTS / "ope.csv")).to_markdown()]
    return "\n".join(parts).rstrip() + "\n"


def _study(recipe: str, table: pl.DataFrame) -> list[str]:
    """Return the tables of one study: the world, then the ranking of the test, for either kind of weights."""
    first = table.row(0, named=True)
    seeds = table["seed"].n_unique()
    lines = [f"\n## {recipe}\n", f"{ended(LONG_TERM.load(recipe).description)}\n"]
    lines += [f"{first['dataset']} · {first['protocol']} · {seeds} seeds · `reverie rl {recipe}`\n"]
    counts = dict.fromkeys(LONG_TERM.load(recipe).rows, 0)
    counts |= {str(row): part["seed"].n_unique() for (row,), part in table.group_by("model", maintain_order=True)}
    if fewer := [f"`{row}` ({n})" for row, n in counts.items() if n < seeds]:
        lines += [f"Not finished; rows with fewer seeds: {', '.join(fewer)}.\n"]
    lines += [f"- {one}" for one in (read_json(ERRORS) if ERRORS.exists() else {}).get(recipe, [])]
    lines += [f"![{metric} by row and by the head that acts](../figures/{name})\n" for metric, name in _plots(recipe, table)]
    slices = [name for name in table["slice"].unique(maintain_order=True) if name != "all"]
    ranked = [("all", "ndcg@10"), ("all", "recall@20"), ("all", "cumulative_reward@10"), *((part, "ndcg@10") for part in slices)]
    for checkpoint, words in (
        ("best", "weights of the epoch whose logits ranked best on validation"),
        ("last", "weights after the last epoch"),
    ):
        part = _with_shares(table).filter((pl.col("checkpoint") == checkpoint) | pl.col("backbone").is_null())
        if part["world"].drop_nulls().len():
            lines += [f"\n**In the world**, {words}:\n", _table(part, [("all", name) for name in WORLD]).to_markdown(), ""]
        asked = part.filter(pl.col("model").is_in(part.filter(pl.col("metric") == "ndcg@10")["model"].unique().implode()))
        lines += [f"\n**On the test**, {words}:\n", _table(asked, ranked).to_markdown(), ""]
    return lines


def _plots(recipe: str, table: pl.DataFrame) -> list[tuple[str, str]]:
    """Draw the returns of the last epoch and the rankings of the epoch chosen on validation → metric and file of each plot."""
    found = []
    for metric, checkpoint, axis in (
        ("return", "last", "discounted return, weights after the last epoch"),
        ("ndcg@10", "best", "NDCG@10 on the test, weights of the epoch chosen on validation"),
    ):
        part = table.filter((pl.col("slice") == "all") & (pl.col("metric") == metric))
        part = part.filter((pl.col("checkpoint") == checkpoint) | pl.col("backbone").is_null())
        several = part["backbone"].drop_nulls().n_unique() > 1
        means: dict[str, dict[str, Effect]] = {}
        for key, values in part.group_by("model", "backbone", "policy", maintain_order=True):
            row, backbone, policy = (str(name or "") for name in key)
            if policy in HEADS:
                heads = means.setdefault(f"{row} · {backbone}" if backbone and several else row, {})
                heads[policy] = effect_over_seeds(values["value"].to_list())
        if means:
            levels = [(name, means.pop(name)[""].value) for name in LEVELS if name in means]
            name = f"{recipe}-{metric.split('@')[0]}.svg"
            places = {row: at for at, row in enumerate(LONG_TERM.load(recipe).rows)}
            means = dict(sorted(means.items(), key=lambda item: places.get(item[0].split(" · ")[0], len(places))))
            draw(means, axis, recipe, FIGURES / name, levels)
            found.append((metric, name))
    return found


def _with_shares(table: pl.DataFrame) -> pl.DataFrame:
    """Append each return as a share of the oracle's at the same seed, that is in the same sessions."""
    earned = table.filter(pl.col("metric") == "return")
    oracle = earned.filter(pl.col("model") == "oracle").select("seed", best="value")
    shares = earned.join(oracle, on="seed").with_columns(metric=pl.lit(SHARE), value=pl.col("value") / pl.col("best")).drop("best")
    return pl.concat([table, shares])


def _table(part: pl.DataFrame, wanted: list[tuple[str, str]]) -> Table:
    """Return one row for each model, backbone and policy."""
    values: dict[tuple[str, str, str], dict[tuple[str, str], list[float]]] = {}
    for row in part.iter_rows(named=True):
        key = (row["model"], row["backbone"] or "", row["policy"] or "–")
        values.setdefault(key, {}).setdefault((row["slice"], row["metric"]), []).append(row["value"])
    heads = [metric if name == "all" else f"{name}, {metric}" for name, metric in wanted]
    tried = {(row["model"], row["backbone"] or "", row["policy"] or "–"): str(row["trials"]) for row in part.iter_rows(named=True)}
    cells = [[*key, *(_cell(found.get(one)) for one in wanted), tried[key], _flags(found)] for key, found in values.items()]
    last = (Column("trials", "right"), Column("flagged", "right"))
    return Table("", ["row", "backbone", "who acts", *(Column(head, "right") for head in heads), *last], cells)


def _flags(found: dict[tuple[str, str], list[float]]) -> str:
    flags = found.get(("all", "flagged"), [])
    return f"{int(sum(flags))} of {len(flags)}" if sum(flags) else ""


def _cell(values: list[float] | None) -> TableCell:
    if not values:
        return TableCell("")
    effect = effect_over_seeds(values)
    return TableCell(number(effect.value), "" if effect.low is None else span(*effect.ends, 4))


def _coverage(table: pl.DataFrame) -> Table:
    cells: dict[tuple[str, int, str], dict[str, Any]] = {}
    for row in table.iter_rows(named=True):
        cells.setdefault((row["world"], row["n_rounds"], row["estimator"]), {})[row["metric"]] = row
    rows = []
    for (world, n_rounds, estimator), found in cells.items():
        shown = [TableCell(number(found[name]["value"]), "") if name in found else TableCell("") for name in ("bias", "rmse")]
        cover = found.get("coverage")
        covered = TableCell("") if cover is None else TableCell(number(cover["value"], 3), span(cover["low"], cover["high"], 3))
        rows.append([world, f"{n_rounds:,}", estimator, covered, *shown])
    return Table(
        "",
        ["world", Column("rounds", "right"), "estimator", *(Column(name, "right") for name in ("coverage", "bias", "rmse"))],
        rows,
    )


def main() -> None:
    """Read the arguments, write claims or coverage where asked, then the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", help="finished studies whose comparisons are written anew")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where their folders lie")
    parser.add_argument("--ope", action="store_true", help="measure the coverage of off-policy intervals")
    parser.add_argument("--repetitions", type=int, default=200)
    given = parser.parse_args()
    for recipe in given.recipes:
        write_study_claims(recipe, given.runs)
    if given.ope:
        measure_coverage(given.repetitions)
    write_text(PAGE, page())
    print(PAGE)


if __name__ == "__main__":
    main()
