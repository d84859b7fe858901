"""A red team's study as reports for the AI Vulnerability Database (https://avidml.org), one for each target and kind of goal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reverie.files import write_text
from reverie.redteam.cells import NONE
from reverie.redteam.goals import GoalKind
from reverie.redteam.results import ALL
from reverie.redteam.summary import Summary
from reverie.redteam.tables import CAVEAT

LEAK, BYPASS, ROBUST = "S0301: Information Leak", "S0400: Model Bypass", "P0201: Resilience/ Stability"
VIEWS: dict[GoalKind, str] = {
    "canary": LEAK, "phrase": BYPASS, "prompt-leak": LEAK, "promote": BYPASS, "demote": BYPASS, "history-leak": LEAK,
    "off-catalogue": ROBUST,
}  # fmt: skip
"""Entry of AVID's taxonomy that a kind of goal is filed under; our reading of its descriptions."""


def avid_reports(summary: Summary, detail: str = "moderate") -> list[dict[str, Any]]:
    """Return reports with the fields of AVID's data model; `detail` says how much is told: ``limited``, ``moderate``, ``detailed``.

    Limited tells rates for each kind of goal, moderate for each technique too, detailed after each defence as well.
    """
    found = []
    for target in summary.recipe.targets:
        for kind, (reached, tried) in summary.by_kind(target, ALL).items():
            metrics = [_metric("goals reached, each counted once for every technique and seed", reached, tried)]
            sides = [(name, NONE) for name in summary.recipe.techniques] if detail != "limited" else []
            if detail == "detailed":
                sides += [(name, d) for d in summary.defences(target) if d != NONE for name in summary.recipe.techniques]
            for technique, defence in sides:
                counts = summary.by_kind(target, technique, defence).get(kind)
                if counts is not None:
                    metrics.append(_metric(f"goals reached by {technique}" + f" with {defence}" * (defence != NONE), *counts))
            found.append(_report(summary, target, kind, metrics))
    return found


def _metric(name: str, reached: int, tried: int) -> dict[str, Any]:
    results = {"reached": reached, "tried": tried, "rate": reached / tried}
    return {"name": name, "detection_method": {"type": "Static Threshold", "name": "deterministic detector"}, "results": results}


def _report(summary: Summary, target: str, kind: str, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    said = f"Benign goals of the kind {kind} against {target}, by the recipe {summary.recipe.name}. {CAVEAT}"
    description = {"lang": "eng", "value": said}
    view = next(value for name, value in VIEWS.items() if name == kind)
    avid = {"risk_domain": ["Security"], "sep_view": [view], "lifecycle_view": ["L05: Evaluation"], "taxonomy_version": "0.2"}
    return {
        "data_type": "AVID", "data_version": "0.2", "metadata": None,
        "affects": {"developer": [], "deployer": [], "artifacts": [{"type": "Model", "name": target}]},
        "problemtype": {"classof": "LLM Evaluation", "type": "Measurement", "description": description},
        "metrics": metrics, "references": [], "description": description, "impact": {"avid": avid}, "credit": None,
        "reported_date": None,
    }  # fmt: skip


def write_avid(path: Path, summary: Summary, detail: str = "moderate") -> Path:
    """Write the reports as JSON lines."""
    write_text(path, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in avid_reports(summary, detail)))
    return path
