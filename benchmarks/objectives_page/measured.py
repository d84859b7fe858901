"""Tables of the page that come from benchmarks."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from statistics import fmean

RESULTS = Path(__file__).resolve().parents[1] / "results"


def latest(benchmark: str) -> list[dict[str, str]]:
    """Return the lines of a benchmark's table, the last one of each case, system and metric; none where it was never run."""
    path = RESULTS / f"{benchmark}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        found = {(line["case"], line["system"], line["metric"]): line for line in csv.DictReader(handle)}
    return list(found.values())


def staircase() -> str:
    """Return what each estimator says of known truths, in nats, mean over seeds."""
    lines = latest("mi_staircase")
    if not lines:
        return "Not run yet: `python benchmarks/mi_staircase.py`."
    values: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if line["metric"] == "estimate":
            critic, estimator, truth, *_ = (part.strip() for part in line["case"].split(","))
            values[critic, estimator][truth.removeprefix("truth ")].append(float(line["value"]))
    truths = sorted({truth for found in values.values() for truth in found}, key=float)
    rows = [
        "![Estimates of mutual information on a staircase](../figures/mi-staircase.svg)",
        "",
        f"| critic | estimator | {' | '.join(f'truth {truth}' for truth in truths)} | seeds |",
        "|---|---|" + "--:|" * (len(truths) + 1),
    ]
    for (critic, estimator), found in values.items():
        cells = [f"{fmean(found[truth]):.2f}" if truth in found else "" for truth in truths]
        rows.append(f"| {critic} | {estimator} | {' | '.join(cells)} | {max(map(len, found.values()))} |")
    return "\n".join(rows)


def speed() -> str:
    """Return the speed tables."""
    parts = []
    for benchmark, title in (
        ("contrastive", "InfoNCE, forward and backward (`benchmarks/contrastive.py`)"),
        ("million", "One step over a million items (`benchmarks/million.py`)"),
        ("lightgcn", "One epoch of LightGCN (`benchmarks/lightgcn.py`)"),
    ):
        lines = latest(benchmark)
        if not lines:
            parts += [f"{title}: not run yet.", ""]
            continue
        cases = list(dict.fromkeys((line["case"], line["system"]) for line in lines))
        metrics = list(dict.fromkeys((line["metric"], line["unit"]) for line in lines))
        table = {(line["case"], line["system"], line["metric"]): line for line in lines}
        parts += [
            f"**{title}**",
            "",
            f"| case | system | {' | '.join(f'{m}, {u}' for m, u in metrics)} |",
            "|---|---|" + "--:|" * len(metrics),
        ]
        for case, system in cases:
            found = [table.get((case, system, metric)) for metric, _ in metrics]
            version, day = next(((line["version"], line["date"]) for line in found if line), ("", ""))
            name = system if system.startswith("reverie") else f"{system} {version}"
            newest = max(line["date"] for line in lines if line["case"] == case)
            values = " | ".join(f"{float(line['value']):.3g}" if line else "" for line in found)
            parts.append(f"| {case} | {name}{'' if day == newest else f' (run of {day})'} | {values} |")
        parts.append("")
    return "\n".join(parts)
