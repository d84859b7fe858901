"""Write ``docs/results/robustness-results.md`` from the tables in ``results/robustness``; never by hand.

Run ``python benchmarks/tables/robustness.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from reverie.files import write_text
from reverie.report.words import number
from reverie.robustness.summary import fakes_word

ROOT = Path(__file__).resolve().parents[2]
TABLES, PAGE = ROOT / "results" / "robustness", ROOT / "docs" / "results" / "robustness-results.md"
HEAD = """# Robustness: results

Written by `python benchmarks/tables/robustness.py` from `results/robustness/*.csv`; never by hand. How the numbers are made:
[Robustness](../guide/robustness.md).

Lift: by how many points the targets' share of top-10 lists rises above the null attack (the same victim fitted again, nothing
injected), with the 95 % interval over seeds and users; behind it the change of NDCG@10 on the test. Bold: the interval of the lift
does not hold 0 (not corrected for the number of cells; the HTML page corrects).

†: measured while these detectors had learners of their own. With scikit-learn's, which they have now, AUC differed by at most .0075
and AP by at most .064 (FilmTrust), so their last digits are not those of today's code.
"""
RELEARNED = ("degree-sad", "co-detector", "bayes-detector")
"""Detectors whose learners became scikit-learn's; rows measured before that have no key."""


def main() -> None:
    """Write the page."""
    types: dict[str, Any] = {"seed": pl.String, "key": pl.String, "budget": pl.Float64}
    paths = sorted(TABLES.glob("*.csv"))
    table = pl.concat(
        [pl.read_csv(path, infer_schema_length=None, schema_overrides=types) for path in paths], how="vertical_relaxed"
    )
    table = table.with_columns(pl.col("budget").fill_null(0.0))  # labelled profiles have none
    parts = [HEAD]
    for recipe in table["recipe"].unique(maintain_order=True):
        parts += section(recipe, table.filter(pl.col("recipe") == recipe))
    write_text(PAGE, "\n".join(parts).rstrip() + "\n")
    print(PAGE)


def section(recipe: str, table: pl.DataFrame) -> list[str]:
    """Return the tables of one recipe."""
    pooled = table.filter(pl.col("seed").str.contains("-"))
    if pooled.is_empty():
        pooled = table.filter(pl.col("metric").str.contains("^(lift|change)_"))
    first = table.row(0, named=True)
    seeds = (pooled if pooled.height else table)["seed"].unique(maintain_order=True).to_list()
    command = f"reverie robustness {recipe}" if pooled.height else "python benchmarks/labelled_profiles.py"
    lines = [f"\n## {recipe}\n", f"{first['dataset']} · {first['protocol']} · seeds {', '.join(seeds)} · `{command}`\n"]
    for budget in sorted(pooled["budget"].unique().to_list()):
        part = pooled.filter((pl.col("budget") == budget) & (pl.col("slice") == "all"))
        bare = part.filter((pl.col("defence") == "none") & (pl.col("attack") != "null"))
        if budget and bare.height:
            lines += grid(bare, "attack", f"### {fakes_word(budget)}: attacks")
        for attack in part.filter(pl.col("defence") != "none")["attack"].unique(maintain_order=True):
            rows = part.filter(pl.col("attack") == attack)
            title = "The price of defences: no attack" if not budget else f"{fakes_word(budget)}: defences against {attack}"
            lines += grid(rows, "defence", f"### {title}")
    return lines + groups(pooled) + detection(table)


def grid(rows: pl.DataFrame, key: str, title: str) -> list[str]:
    """Return one table of rows by victims."""
    victims = [
        v
        for v in rows["victim"].unique(maintain_order=True)
        if rows.filter(pl.col("victim") == v)[key].n_unique() > 1 or key == "attack"
    ]
    cells = {(r[key], r["victim"], r["metric"]): r for r in rows.iter_rows(named=True)}
    lines = [title, "", f"| {key} | " + " | ".join(victims) + " |", "|---" * (len(victims) + 1) + "|"]
    for name in rows[key].unique(maintain_order=True):
        shown = []
        for victim in victims:
            lift, change = cells.get((name, victim, "lift_hr@10")), cells.get((name, victim, "change_ndcg@10"))
            if lift is None or change is None:
                shown.append("")
                continue
            value = f"{100 * lift['value']:+.2f}"
            sure = lift["low"] > 0 or lift["high"] < 0
            ends = f"[{100 * lift['low']:+.2f}, {100 * lift['high']:+.2f}]"
            shown.append(f"{f'**{value}**' if sure else value} {ends}; {change['value']:+.4f}")
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    return [*lines, ""]


def groups(pooled: pl.DataFrame) -> list[str]:
    """Return the lifts by popularity of the targets, mean over victims."""
    rows = pooled.filter(pl.col("slice").str.starts_with("target:") & (pl.col("defence") == "none") & (pl.col("attack") != "null"))
    if rows.is_empty():
        return []
    means = rows.group_by("budget", "attack", "slice", maintain_order=True).agg(pl.col("value").mean())
    names = means["slice"].unique(maintain_order=True).to_list()
    lines = ["### Lift by popularity of the target, mean over victims", ""]
    lines += ["| budget | attack | " + " | ".join(n.removeprefix("target:") for n in names) + " |", "|---" * (len(names) + 2) + "|"]
    for budget, attack in means.select("budget", "attack").unique(maintain_order=True).iter_rows():
        by = {
            r["slice"]: r["value"]
            for r in means.filter((pl.col("budget") == budget) & (pl.col("attack") == attack)).iter_rows(named=True)
        }
        lines.append(
            f"| {fakes_word(budget)} | {attack} | " + " | ".join(f"{100 * by[n]:+.2f}" if n in by else "" for n in names) + " |"
        )
    return [*lines, ""]


def detection(table: pl.DataFrame) -> list[str]:
    """Return AUC and average precision of detectors by attack, mean over seeds."""
    lines: list[str] = []
    for budget in sorted(table["budget"].unique().to_list()):
        rows = table.filter((pl.col("budget") == budget) & pl.col("metric").is_in(["detection_auc", "detection_ap", "stealth_auc"]))
        if rows.is_empty():
            continue
        means = rows.group_by("defence", "attack", "metric", maintain_order=True).agg(pl.col("value").mean())
        attacks = means["attack"].unique(maintain_order=True).to_list()
        cells = {(r["defence"], r["attack"], r["metric"]): r["value"] for r in means.iter_rows(named=True)}
        lines += [f"### {fakes_word(budget) if budget else 'Labelled profiles'}: detection, AUC / average precision", ""]
        lines += ["| detector | " + " | ".join(attacks) + " |", "|---" * (len(attacks) + 1) + "|"]
        old = set(rows.filter(pl.col("defence").is_in(RELEARNED) & pl.col("key").is_null())["defence"])
        for detector in means.filter(pl.col("metric") == "detection_auc")["defence"].unique(maintain_order=True):
            found = [(cells.get((detector, a, "detection_auc")), cells.get((detector, a, "detection_ap"))) for a in attacks]
            mark = " †" if detector in old else ""
            lines.append(f"| {detector}{mark} | " + " | ".join(f"{number(auc, 2)} / {number(ap, 2)}" for auc, ap in found) + " |")
        stealth = [cells.get(("none", a, "stealth_auc")) for a in attacks]
        lines += ["| *told apart by six numbers, AUC* | " + " | ".join(number(value, 2) for value in stealth) + " |", ""]
    return lines


if __name__ == "__main__":
    main()
