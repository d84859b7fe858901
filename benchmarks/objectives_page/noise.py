"""The section on false negatives: how recall falls as more negatives are items that the user has, also on rare items alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from statistics import fmean

ByRate = dict[int, dict[str, float]]
"""Values by rate, in per cent, and seed."""
PLOT = "../figures/false-negatives.svg"
SLICES = {"all": "all test items", "target:rare": "rare test items alone"}


def noise(table: Path, metric: str = "recall@20") -> str:
    """Return the section.

    Parameters
    ----------
    table : Path
        ``results/false-negatives.csv``.
    metric : str
        Which.

    Returns
    -------
    str
        Markdown: one table per dataset and slice, mean over seeds, lowest and highest seed, and what the highest rate costs.
    """
    if not table.exists():
        return "Not run yet: `python benchmarks/false_negatives.py`."
    values: dict[tuple[str, str], dict[str, dict[int, dict[str, float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(dict))
    )
    with table.open(encoding="utf-8", newline="") as handle:
        for line in csv.DictReader(handle):
            if line["metric"] == metric and line["slice"] in SLICES:
                name, _, rate = line["recipe"].rpartition("-false")
                row = name.removesuffix(f"-{line['dataset']}")
                values[line["dataset"], line["slice"]][row][int(rate)][line["seed"]] = float(line["value"])
    parts = [f"![{metric} as false negatives are injected]({PLOT})", ""]
    for (data, part), rows in sorted(values.items()):
        rates = sorted({rate for by_rate in rows.values() for rate in by_rate})
        seeds = max(len(found) for by_rate in rows.values() for found in by_rate.values())
        parts += [
            f"**{data}, {SLICES[part]}**, {metric}, {seeds} {'seed' if seeds == 1 else 'seeds'}",
            "",
            f"| row | {' | '.join(f'{rate} % false' for rate in rates)} | {rates[-1]} % − {rates[0]} % |",
            "|---|" + "--:|" * (len(rates) + 1),
        ]
        for row, by_rate in rows.items():
            means = {rate: fmean(found.values()) for rate, found in by_rate.items()}
            cells = [_cell(by_rate[rate]) if rate in by_rate else "" for rate in rates]
            whole = rates[0] in means and rates[-1] in means
            loss = f"{(means[rates[-1]] - means[rates[0]]) / means[rates[0]]:+.1%}" if whole else ""
            parts.append(f"| {row} | {' | '.join(cells)} | {loss} |")
        parts.append("")
    return "\n".join(parts)


def _cell(found: dict[str, float]) -> str:
    low, high = min(found.values()), max(found.values())
    return f"{low:.4f}" if len(found) == 1 else f"{fmean(found.values()):.4f} ({low:.4f}–{high:.4f})"
