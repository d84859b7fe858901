"""Estimates of reverie.rl.ope beside those of Open Bandit Pipeline, on the same rounds, policies and reward predictions.

The two example logs of the Open Bandit Dataset are judged: on the log of the uniform policy the Bernoulli Thompson sampling policy
with the prior that comes with obp, on the log of that policy the uniform one. obp runs in an environment of its own::

    python3.11 -m venv ENV
    ENV/bin/pip install "numpy<2" "scikit-learn<1.4" "scipy<1.12" "pandas<2.2" "torch==2.2.2"
    ENV/bin/pip install matplotlib seaborn tqdm pyyaml mypy-extensions
    ENV/bin/pip install --no-deps obp==0.4.1
    python benchmarks/rl/ope_against_obp.py --obp ENV/bin/python --data FOLDER_OF_OPEN_BANDIT

Appends to ``benchmarks/results/ope.csv``, and ends with an error where any two estimates differ by more than 1e-9. obp 0.4.1 has no
clipped estimate; it is given propensities of at least π / limit, which makes its weights at most the limit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import record

from reverie.rl.ope.answers import Problem
from reverie.rl.ope.estimate import evaluate_policy
from reverie.rl.ope.policy import read_policy
from reverie.rl.ope.reading import read_log
from reverie.rl.ope.settings import Settings

LIMIT = 5.0
"""Weights are cut there, low enough that some are."""
NAMES = ("ips", "clipped-ips", "snips", "dm", "dr", "switch")
SAME = 1e-9

THEIRS = """
import json, sys
import numpy as np
import obp
from obp.ope import (DirectMethod, DoublyRobust, InverseProbabilityWeighting, SelfNormalizedInverseProbabilityWeighting,
                     SwitchDoublyRobust)
from obp.policy import BernoulliTS

folder, limit = sys.argv[1], float(sys.argv[2])
if sys.argv[3] == "policy":
    policy = BernoulliTS(n_actions=80, len_list=3, is_zozotown_prior=True, campaign="all", random_state=12345)
    np.save(folder + "/bts.npy", policy.compute_batch_action_dist(n_rounds=1, n_sim=100000)[0])
else:
    given = dict(np.load(folder + "/given.npz"))
    n, positions = len(given["action"]), given["position"]
    def spread(rows):
        table = np.tile(rows[:, :, None], (1, 1, positions.max() + 1))
        return table
    common = {"action_dist": spread(given["policy"]), "position": positions}
    logged = {"reward": given["reward"], "action": given["action"], "pscore": given["pscore"]}
    model = {"estimated_rewards_by_reg_model": spread(given["model"])}
    chosen = given["policy"][np.arange(n), given["action"]]
    clipped = dict(logged, pscore=np.maximum(given["pscore"], chosen / limit))
    found = {
        "ips": InverseProbabilityWeighting().estimate_policy_value(**common, **logged),
        "clipped-ips": InverseProbabilityWeighting().estimate_policy_value(**common, **clipped),
        "snips": SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**common, **logged),
        "dm": DirectMethod().estimate_policy_value(**common, **model),
        "dr": DoublyRobust().estimate_policy_value(**common, **logged, **model),
        "switch": SwitchDoublyRobust(tau=limit).estimate_policy_value(**common, **logged, **model),
    }
    print(json.dumps({"version": obp.__version__, "found": {name: float(value) for name, value in found.items()}}))
"""


def compare(case: str, log: Path, table: pl.DataFrame, python: str, folder: Path) -> list[dict[str, object]]:
    """Return rows of both sides, and of their difference."""
    table.write_csv(folder / "policy.csv")
    policy = read_policy(folder / "policy.csv", read_log(log))
    settings = Settings(clip=LIMIT)
    ours = {one.estimator: one for one in evaluate_policy(policy, NAMES, settings)}
    problem, rounds = Problem(policy, settings), policy.log
    model = problem.reward_model
    probabilities, groups = policy.rows()
    given = {
        "action": rounds.actions, "reward": rounds.rewards, "pscore": rounds.known_propensities(), "position": rounds.positions,
        "policy": probabilities[groups], "model": model.q[model.folds[rounds.sessions], model.steps.states],
    }  # fmt: skip
    np.savez(folder / "given.npz", **given)
    done = subprocess.run(
        [python, "-W", "ignore", "-c", THEIRS, str(folder), str(LIMIT), "estimate"], check=True, capture_output=True
    )
    theirs = json.loads(done.stdout)
    cut = float((problem.weights > LIMIT).mean())
    rows: list[dict[str, object]] = [row(case, "share of weights above the limit", cut)]
    for name in NAMES:
        value = ours[name].value
        if value is None:
            raise SystemExit(f"{case}, {name}: {ours[name].refused}")
        other = theirs["found"][name]
        rows += [row(case, name, value), row(case, name, other) | {"system": "obp", "version": theirs["version"]}]
        rows.append(row(case, f"{name}: difference", abs(value - other)))
    return rows


def row(case: str, metric: str, value: float) -> dict[str, object]:
    """Return one row of the table."""
    return {
        "benchmark": "ope",
        "case": case,
        "metric": metric,
        "value": value,
        "unit": "reward per round" if metric in NAMES else "",
    }


def main() -> None:
    """Compare on both logs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obp", required=True, help="Python of an environment with obp 0.4.1.")
    parser.add_argument("--data", type=Path, required=True, help="Folder with random/all and bts/all.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([arguments.obp, "-W", "ignore", "-c", THEIRS, name, str(LIMIT), "policy"], check=True)
        bts = np.load(folder / "bts.npy")
        where = [(item, position + 1) for item in range(80) for position in range(3)]
        items, places = (list(column) for column in zip(*where, strict=True))
        tables = {
            "random": pl.DataFrame({"item": items, "position": places, "probability": bts.ravel()}),
            "bts": pl.DataFrame({"item": range(80), "probability": np.full(80, 1 / 80)}),
        }
        rows = []
        for logged, table in tables.items():
            log = next((arguments.data / logged / "all").glob("all.csv*"))
            wanted = "bts" if logged == "random" else "random"
            rows += compare(f"{wanted} on the log of {logged}, 10,000 rounds", log, table, arguments.obp, folder)
    record(rows)
    far = [one for one in rows if "difference" in str(one["metric"]) and float(str(one["value"])) > SAME]
    if far:
        raise SystemExit(f"estimates differ by more than {SAME:g}: {far}")


if __name__ == "__main__":
    main()
