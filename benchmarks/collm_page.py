"""Writes the tables of docs/guide/collm.md out of results/language.csv and benchmarks/results/llm_scoring.csv.

python benchmarks/collm_page.py
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "guide" / "collm.md"
RESULTS = ROOT / "results" / "language.csv"
SPEED = ROOT / "benchmarks" / "results" / "llm_scoring.csv"
COLUMNS = (("all", "auc"), ("all", "uauc"), ("all", "undcg"), ("warm", "auc"), ("cold", "auc"))
NOTHING = "No run of this recipe stands in `results/language.csv` yet.\n"
MARK = re.compile(r"(<!-- table: ([\w. -]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV table."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def value(row: dict[str, str] | None) -> str:
    """Return one cell."""
    if row is None:
        return "–"
    interval = f" ({float(row['low']):.3f}–{float(row['high']):.3f})" if row["low"] not in ("", "nan") else ""
    return f"{float(row['value']):.4f}{interval}"


def measured(recipe: str, rows: list[dict[str, str]]) -> str:
    """Return the table of a recipe: values with 95 % intervals."""
    own = [row for row in rows if row["recipe"] == recipe and row["task"] == "preference"]
    if not own:
        return NOTHING
    found = {(row["row"], row["slice"], row["metric"]): row for row in own}
    lines = ["| row | AUC | UAUC | NDCG of users | AUC, warm | AUC, cold |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(row["row"] for row in own):
        model = next(row["model"] for row in own if row["row"] == name)
        called = name if name in (model, "bias") or name.startswith((model, "bias")) else f"{name} ({model})"
        lines.append(f"| {called} | " + " | ".join(value(found.get((name, *column))) for column in COLUMNS) + " |")
    users = next((row["n"] for row in own if row["metric"] == "uauc" and row["slice"] == "all"), "0")
    asked = next((row["n"] for row in own if row["metric"] == "auc" and row["slice"] == "all"), "0")
    return "\n".join([*lines, "", f"{int(asked):,} test rows; UAUC and NDCG over {users} users who have both labels.", ""])


def calibration(recipe: str, rows: list[dict[str, str]]) -> str:
    """Return log-loss and calibration error of a recipe's rows, before and after fitting on validation."""
    own = [row for row in rows if row["recipe"] == recipe and "(" in row["metric"]]
    if not own:
        return NOTHING
    found = {(row["row"], row["metric"]): float(row["value"]) for row in own}
    ways = ("sigmoid", "temperature", "isotonic")
    lines = ["| row | " + " | ".join(f"log-loss, {w} | error, {w}" for w in ways) + " |", "|---|" + "---|" * 6]
    for name in dict.fromkeys(row["row"] for row in own):
        cells = [f"{found[name, f'{m}({w})']:.4f}" for w in ways for m in ("log_loss", "ece")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def speed(rows: list[dict[str, str]]) -> str:
    """Return the newest measurement of candidate scoring."""
    last = {row["case"].partition(", one thread")[0]: row["commit"] for row in rows}
    newest = [row for row in rows if row["commit"] == last[row["case"].partition(", one thread")[0]]]
    lines = ["| case | metric | value |", "|---|---|---|"]
    lines += [f"| {row['case']} | {row['metric']} | {float(row['value']):.3g} {row['unit']} |" for row in newest]
    return "\n".join([*lines, ""])


def page(text: str) -> str:
    """Return a page with its tables written anew."""

    def table(match: re.Match[str]) -> str:
        kind, _, name = match[2].partition(" ")
        if kind == "speed":
            body = speed(rows_of(SPEED))
        else:
            body = (measured if kind == "measured" else calibration)(name, rows_of(RESULTS))
        return f"{match[1]}\n{body}\n{match[3]}"

    return MARK.sub(table, text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
