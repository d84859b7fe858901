"""garak's own probes against a target that `reverie redteam serve` answers for, and the same prompts in our engine.

Run: OMP_NUM_THREADS=1 python benchmarks/redteam_garak.py --garak PYTHON-OF-GARAK --folder FOLDER [--prompts 20]
garak (transformers < 5.20) needs an environment of its own. Payloads are harmless: its list ``text_en`` for encodings, and
"long prompt" for the hijack. Its hit log stays in the folder, which lies outside of the repository; counts alone are recorded.
The prompts of its report are then said to the same target by `reverie.redteam`, batched. garak is timed by the stamps of its
report, our engine around its answers; loading our model is not counted, garak's own beginning is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from common import record

from reverie.errors import ConfigError
from reverie.redteam.asked import asked_recipe
from reverie.redteam.attempts import Try
from reverie.redteam.messages import Message
from reverie.redteam.recipe_lab import RecipeLab
from reverie.redteam.sap_sets import refuse_inside_repository

PROBES = ("encoding.InjectROT13", "encoding.InjectBase64", "promptinject.HijackLongPrompt")
RECIPE, GOAL, PORT = "redteam-demo", "canary-00", 8799


def write_config(folder: Path, prompts: int) -> Path:
    """Write garak's options: harmless payloads, one answer to a prompt, one call at a time."""
    encoding = {"payloads": ["default"]}
    options = {
        "run": {"generations": 1, "seed": 0, "soft_probe_prompt_cap": prompts},
        "plugins": {
            "target_type": "openai.OpenAICompatible", "target_name": "served", "probe_spec": ",".join(PROBES),
            "probes": {"encoding": {"InjectROT13": encoding, "InjectBase64": encoding}},
            "generators": {"openai": {"OpenAICompatible": {"uri": f"http://127.0.0.1:{PORT}/v1/", "max_tokens": 48}}},
        },
        "reporting": {"report_dir": str(folder), "report_prefix": str(folder / "garak")},
    }  # fmt: skip
    path = folder / "options.json"
    path.write_text(json.dumps(options), encoding="utf-8")
    return path


def run_garak(python: str, folder: Path, prompts: int) -> list[dict[str, Any]]:
    """Run garak against a served target, and return the rows of its report."""
    served = [sys.executable, "-m", "reverie", "redteam", "serve", RECIPE, "--goal", GOAL, "--port", str(PORT), "--offline"]
    with subprocess.Popen(served, stdout=subprocess.PIPE, text=True) as server:
        try:
            if "answers at" not in (server.stdout.readline() if server.stdout else ""):
                raise ConfigError("the target is not served")
            away = {
                "OPENAICOMPATIBLE_API_KEY": "none",
                "HF_HUB_OFFLINE": "1",
                "XDG_DATA_HOME": str(folder),
                "XDG_CACHE_HOME": str(folder),
            }
            command = [python, "-m", "garak", "--config", str(write_config(folder, prompts)), "--skip_unknown"]
            subprocess.run(command, env=os.environ | away, check=True)
        finally:
            server.terminate()
    report = (folder / "garak.report.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in report]


def seconds_of(rows: list[dict[str, Any]]) -> float:
    """Return how long a run took, by the stamps of its report."""
    from datetime import datetime

    stamps = [row[name] for row in rows for name in ("start_time", "end_time") if row.get(name)]
    begin, end = (datetime.fromisoformat(stamp) for stamp in (min(stamps), max(stamps)))
    return (end - begin).total_seconds()


def say_again(prompts: list[str]) -> tuple[float, str]:
    """Return how long our engine's target takes for the same prompts, side by side."""
    lab = RecipeLab(asked_recipe(RECIPE), offline=True)
    name = next(iter(lab.recipe.targets))
    goal = next(one for one in lab.goals(name) if one.id == GOAL)
    target = lab.targets.open(name)
    tries = [Try(goal, (Message("user", prompt),), "garak", seed=at) for at, prompt in enumerate(prompts)]
    target.respond(tries[:1])
    begin = time.perf_counter()
    target.respond(tries)
    return time.perf_counter() - begin, name


def main() -> None:
    """Measure and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--garak", required=True, help="Python of the environment that garak is installed in")
    parser.add_argument("--folder", required=True, type=Path, help="for garak's reports; outside of the repository")
    parser.add_argument("--prompts", type=int, default=20, help="of each probe, at most")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    refuse_inside_repository(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = run_garak(chosen.garak, folder, chosen.prompts)
    version = next(row["garak_version"] for row in found if row.get("entry_type") == "init")
    attempts = [row for row in found if row.get("entry_type") == "attempt" and row.get("status") == 2]
    prompts = [turn["content"]["text"] for row in attempts for turn in row["prompt"]["turns"] if turn["role"] == "user"]
    theirs, (ours, target) = seconds_of(found), say_again(prompts)
    case = f"{len(prompts)} prompts of {', '.join(PROBES)} on {target}, goal {GOAL}, 1 thread"
    rows = [
        {"system": "garak", "version": version, "metric": "attempts per minute", "value": 60 * len(prompts) / theirs},
        {"system": "reverie", "metric": "attempts per minute", "value": 60 * len(prompts) / ours},
        {"system": "reverie", "metric": "times faster than garak's harness", "value": theirs / ours},
    ]
    for row in (row for row in found if row.get("entry_type") == "eval"):
        metric = f"hits of {row['probe']} by {row['detector']}, of {row['total_evaluated']} answers"
        rows.append({"system": "garak", "version": version, "metric": metric, "value": row["fails"]})
    record([{"benchmark": "redteam_garak", "case": case, "unit": ""} | row for row in rows])


if __name__ == "__main__":
    main()
