"""Writes the tables of docs/guide/language.md out of results/language.csv and benchmarks/results/llm.csv; no arguments."""

from __future__ import annotations

import csv
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "guide" / "language.md"
RESULTS = ROOT / "results" / "language.csv"
SPEED = ROOT / "benchmarks" / "results" / "llm.csv"
MARK = re.compile(r"(<!-- table: ([\w. -]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
COLUMNS = {
    "recovery": {
        "recall": "recall",
        "precision": "precision",
        "hallucination": "invented",
        "wrong_but_real": "real but wrong",
        "order": "order",
        "recall_held_out": "recall, untaught titles",
        "ave_recover": "Ave Recover",
        "unfinished": "cut",
        "gain:recall": "gain of the model",
        "gain:recall_held_out": "the same, untaught titles",
    },
    "residual": {
        "accuracy": "accuracy",
        "hallucination": "invented",
        "accuracy_held_out": "accuracy, untaught titles",
        "rank": "rank among drawn titles",
        "unfinished": "cut",
        "gain:accuracy": "gain of the model",
    },
}
"""Metric of the results table to column of the page, by task."""
BANDS = ("recall_head", "recall_middle", "recall_tail", "recall_first", "recall_last", "f1", "exact_set", "exact_order")


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV table; none where it is missing."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def cell(row: dict[str, str] | None) -> str:
    """Return a value with its interval."""
    if row is None:
        return "–"
    value, sign = float(row["value"]), "+" if row["metric"].startswith("gain") else ""
    if value != value:
        return "–"
    interval = f" ({float(row['low']):{sign}.2f}–{float(row['high']):{sign}.2f})" if row["low"] not in ("", "nan") else ""
    return f"{value:{sign}.3f}{interval}"


def table(recipe: str, task: str, metrics: dict[str, str], rows: list[dict[str, str]]) -> str:
    """Return the table of one task of a recipe."""
    own = [row for row in rows if row["recipe"] == recipe and row["task"] == task]
    found = {(row["row"], row["decoding"], row["metric"]): row for row in own}
    metrics = {metric: said for metric, said in metrics.items() if any(key[2] == metric for key in found)}
    lines = [f"| row | written | {' | '.join(metrics.values())} |", "|---|---|" + "---|" * len(metrics)]
    for name, decoding in dict.fromkeys((row["row"], row["decoding"]) for row in own):
        cells = " | ".join(cell(found.get((name, decoding, metric))) for metric in metrics)
        lines.append(f"| {name} | {decoding or '–'} | {cells} |")
    users = next((row["n"] for row in own if row["metric"] in ("recall", "accuracy")), "0")
    unseen = next((row["n"] for row in own if row["metric"].endswith("held_out")), "0")
    return "\n".join([*lines, "", f"{users} held-out users, one history each; {unseen} untaught titles among them.", ""])


def speed(rows: list[dict[str, str]]) -> str:
    """Return the table of the benchmark."""
    lines = ["| case | metric | value |", "|---|---|---|"]
    lines += [f"| {row['case']} | {row['metric'].replace('_', ' ')} | {float(row['value']):.4g} {row['unit']} |" for row in rows]
    return "\n".join([*lines, ""])


def main() -> None:
    """Fill the marks of the page."""
    rows = rows_of(RESULTS)

    def filled(match: re.Match[str]) -> str:
        kind, _, recipe = match[2].partition(" ")
        if kind == "speed":
            body = speed(rows_of(SPEED))
        elif kind == "bands":
            body = table(recipe, "recovery", {name: name.replace("recall_", "recall, ").replace("_", " ") for name in BANDS}, rows)
        else:
            body = table(recipe, kind, COLUMNS[kind], rows)
        return f"{match[1]}\n{body}\n{match[3]}"

    PAGE.write_text(MARK.sub(filled, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
