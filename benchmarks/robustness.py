"""One cell of an attack benchmark by Reverie and by RecAD 0.0.2, and the ranks of the target alone.

The cell: matrix factorisation on ``recad-game`` is trained, AUSH makes 50 fake users with 36 fillers and the target, the victim is
trained anew with them, and both victims are asked how often item 0 stands in the first 10, 20, 50 and 100 of the users without
it. Each system is a process on one core with one thread. CPU seconds are the figure to compare, since they do not count what other
programs on the machine take; wall seconds and the load before the run stand beside them::

    python benchmarks/robustness.py [--epochs 5] [--attack-epochs 5] [--core 1] [--environments FOLDER] [--no-peer]

Appends to ``results/robustness.csv``. Systems:

``reverie``
    ``reverie attack RECIPE``, the whole command: besides the cell the null attack (a third training), NDCG of every victim on
    the test part, files, a table and an HTML page.
``reverie, same steps``
    The same functions called for nothing but the steps of RecAD's workflow.
``recad``
    Its workflow "no defense", through its Python interface (``peers/adapters/run_recad.py``).

Equal on both sides: files, likes (ratings of at least 4), target, width 128 with biases, binary cross-entropy on 4 negatives a
like, 1,024 scored pairs a step (205 likes), Adam at 0.001, epochs, one selected item in AUSH, its layers' widths and learning
rates, its steps (one batch an epoch in RecAD, whose attacker has fewer than 256 templates). Not equal: a step of Reverie's AUSH
reads 64 templates, RecAD's as many users as have 36 fillers (about 20); Reverie's generator gets gradients, RecAD's does not;
RecAD's discriminator has one layer more; Reverie may draw a negative that the user likes, RecAD does not; Reverie measures NDCG
on validation once, after the last epoch; starting weights; RecAD scores all 5,600 ids, Reverie's cell the items with a like. So
the shares of users who are shown the target differ, and are recorded to show that both attacks did something, not to compare.
For the ranks alone nothing differs: RecAD's two trained victims are loaded into Reverie's model, all ids are candidates, and
the shares of users must come out the same, or the script stops.

What RecAD needs from outside: the package ``higher``, which it imports and does not list; the data as ``data/game/game_*.csv``
in the working folder with ``download=False``, since it otherwise asks a file host; pointwise samples and no graph for
matrix factorisation, as its command line sets them; no accelerator (``CUDA_VISIBLE_DEVICES``); progress bars off; the target by
``target_id_list``. Its fixed selected item (62) exists in these data. Nothing of it is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
TARGET, FAKES, FILLERS, SHARE, WIDTH, BATCH = 0, 50, 36, 0.2, 128, 205
CUTS = (10, 20, 50, 100)
REQUIREMENTS = ("torch==2.13.0", "higher==0.2.1", "recad==0.0.2")
SETTINGS: dict[str, Any] = {"dim": WIDTH, "objective": {"kind": "bce", "negatives": {"n": 4}}}
AUSH: dict[str, Any] = {"selected": 1}


def training(epochs: int) -> dict[str, Any]:
    """Return how the victim is trained."""
    return {"epochs": epochs, "patience": epochs, "validate_every": epochs, "batch_size": BATCH, "learning_rate": 1e-3}


def recipe(epochs: int, attack_epochs: int) -> dict[str, Any]:
    """Return the cell as a recipe of `reverie attack`."""
    return {
        "name": "cell",
        "dataset": {"name": "recad-game"},
        "split": {"protocol": "given"},
        "knowledge": {"kind": "grey", "share": SHARE},
        "goal": {"kind": "promote", "targets": [TARGET]},
        "budgets": [FAKES],
        "size": FILLERS + 1,
        "seeds": 1,
        "victims": {"mf": {"model": "mf", "set": SETTINGS, "training": training(epochs)}},
        "attacks": {"aush": {"kind": "aush", "set": AUSH | {"steps": attack_epochs}}},
    }


class Steps:
    """A clock for the steps of one process, its imports included."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._last = (0.0, time.monotonic())

    def done(self, step: str) -> None:
        """Note what has passed since the step before."""
        now = time.process_time(), time.monotonic()
        self.rows.append({"step": step, "cpu": now[0] - self._last[0], "wall": now[1] - self._last[1]})
        self._last = now


def same_steps(epochs: int, attack_epochs: int) -> dict[str, Any]:
    """Run the steps of RecAD's workflow."""
    clock = Steps()
    import torch

    from reverie import create_model, fit, load_dataset
    from reverie.data.splits.config import Given
    from reverie.options import checked
    from reverie.robustness.arena import open_arena
    from reverie.robustness.attacks.attack import attacker_view, resolve_budget, resolve_goal
    from reverie.robustness.attacks.shelf import ATTACKS
    from reverie.robustness.fits import exposure_queries
    from reverie.robustness.threat import BudgetConfig, GoalConfig, Grey

    torch.set_num_threads(1)
    arena = open_arena(load_dataset("recad-game"), Given(protocol="given"))
    goal = resolve_goal(GoalConfig(targets=(TARGET,)), arena, 0)
    budget = resolve_budget(BudgetConfig(fakes=FAKES, size=FILLERS + 1), arena.ratings, 1)
    clock.done("open")
    before = create_model("mf", arena.split, **SETTINGS)
    fit(before, arena.split, show=False, device="cpu", **training(epochs))
    clock.done("train")
    options = checked(ATTACKS.config("aush"), AUSH | {"steps": attack_epochs}, "aush")
    view = attacker_view(arena, Grey(kind="grey", share=SHARE), 0)
    poisoned = arena.poisoned(ATTACKS.build("aush")(options).craft(view, goal, budget, 0))
    clock.done("attack")
    after = create_model("mf", poisoned, seed=1, **SETTINGS)
    fit(after, poisoned, show=False, device="cpu", seed=1, **training(epochs))
    clock.done("retrain")
    asked = exposure_queries(arena.split, goal.targets)
    hr = shares(before, after, asked)
    clock.done("evaluate")
    likes = len(arena.split.train.positions())
    return {"steps": clock.rows, "hr": hr, "users": len(asked), "items": arena.ratings.n_items, "likes": likes}


def shares(before: Any, after: Any, asked: Any) -> dict[str, list[float]]:
    """Return the share of users who are shown the target, before and after, at each cut."""
    from reverie.evaluation import evaluate
    from reverie.robustness.fits import exposure_by_user

    ranks = [evaluate(model, asked, top=0, device="cpu").ranks for model in (before, after)]
    return {str(cut): [float(exposure_by_user(one, f"hr@{cut}")["value"].to_numpy().mean()) for one in ranks] for cut in CUTS}


def ranks_alone(weights: Path) -> dict[str, Any]:
    """Rank the target by RecAD's victims: once from cold, then the least of five."""
    import polars as pl
    import torch

    from reverie import load_dataset
    from reverie.data.queries import next_event_queries
    from reverie.data.sequences import Sequences
    from reverie.data.split import Split
    from reverie.data.vocabulary import Vocabulary
    from reverie.models import create_model
    from reverie.robustness.fits import exposure_queries

    torch.set_num_threads(1)
    tables = np.load(weights)
    likes = load_dataset("recad-game").events.filter((pl.col("part") == "train") & (pl.col("rating") >= 4)).sort("user")
    n_users, n_items = (len(tables[f"0/{side}_emb.weight"]) for side in ("user", "item"))
    vocabulary = Vocabulary(pl.Series("item", range(n_items)), pl.Series("user", range(n_users)), None)
    users, starts, lengths = np.unique(likes["user"].to_numpy(), return_index=True, return_counts=True)
    items = likes["item"].to_numpy().astype(np.int32) + 1
    train = Sequences(items, starts.astype(np.int64), (starts + lengths).astype(np.int64), users.astype(np.int64), vocabulary, {})
    nothing = next_event_queries(train, np.arange(1), train.starts[:1])
    split = Split(train=train, valid=nothing, test=nothing, refit=train, protocol="given", dataset="recad-game", sha256="")
    models = []
    for when in "01":
        model: Any = create_model("mf", vocabulary, dim=WIDTH)
        parts = {
            model.users: "user_emb",
            model.encoder.weight: "item_emb",
            model.user_bias: "user_bias",
            model.item_bias: "item_bias",
        }
        with torch.no_grad():
            for mine, name in parts.items():
                mine.copy_(torch.from_numpy(tables[f"{when}/{name}.weight"][: len(mine)]).view_as(mine))
            model.trained.fill_(True)
        models.append(model)
    taken = []
    for _ in range(6):
        begin = time.process_time(), time.monotonic()
        asked = exposure_queries(split, np.array([TARGET + 1], dtype=np.int32))
        hr = shares(*models, asked)
        taken.append((time.process_time() - begin[0], time.monotonic() - begin[1]))
    step = {"step": "evaluate", "cpu": taken[0][0], "wall": taken[0][1]}
    return {"steps": [step], "warm": min(taken[1:]), "hr": hr, "users": len(asked), "items": n_items, "likes": len(items)}


def measured(command: list[str], folder: Path, core: int, limit: float) -> dict[str, Any]:
    """Run a command on one core and return what the whole process took; one that takes longer than the limit is stopped."""
    pinned = ["taskset", "-c", str(core)] if shutil.which("taskset") else []
    one = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")}
    found: dict[str, Any] = {"load": os.getloadavg()[0], "stopped": False}
    with (folder / "stdout").open("w+") as out, (folder / "stderr").open("w+") as err:
        begin = time.monotonic()
        started = subprocess.Popen(
            pinned + command, cwd=folder, stdout=out, stderr=err, env=os.environ | one | {"CUDA_VISIBLE_DEVICES": ""}
        )
        while True:
            ended, status, used = os.wait4(started.pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() - begin > limit and not found["stopped"]:
                started.send_signal(signal.SIGKILL)
                found["stopped"] = True
            time.sleep(0.02)
        started.returncode = os.waitstatus_to_exitcode(status)
        found |= {"wall": time.monotonic() - begin, "cpu": used.ru_utime + used.ru_stime}
        found["mb"] = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
        out.seek(0), err.seek(0)
        lines, errors = out.read().splitlines(), err.read()
    if started.returncode and not found["stopped"]:
        raise SystemExit(f"{command[-1]} failed:\n{errors}")
    if lines and lines[-1].startswith("{"):
        found |= json.loads(lines[-1])
    return found


def rows_of(case: str, system: str, found: dict[str, Any], whole: bool = True) -> list[dict[str, Any]]:
    """Return rows of one run; a run that was stopped has least values."""
    named = {"benchmark": "robustness", "case": case, "system": system}
    if "version" in found:
        named["version"] = found["version"]
    least = "at least, stopped: " if found["stopped"] else ""
    rows = []
    if whole:
        for metric, key, unit in (
            ("wall", "wall", "s"),
            ("cpu time", "cpu", "s"),
            ("peak memory", "mb", "MB"),
            ("load before", "load", ""),
        ):
            rows.append(named | {"metric": least + metric, "value": found[key], "unit": unit})
    for step in found.get("steps", []):
        clocks = (("cpu time", "cpu"), ("wall", "wall"))
        rows += [named | {"metric": f"{step['step']}, {name}", "value": step[key], "unit": "s"} for name, key in clocks]
    if "warm" in found:
        rows.append(named | {"metric": "evaluate, cpu time, warm", "value": found["warm"][0], "unit": "s"})
    for cut, values in found.get("hr", {}).items():
        rows += [
            named | {"metric": f"hr@{cut} {when}", "value": v, "unit": ""}
            for when, v in zip(("before", "after"), values, strict=True)
        ]
    return rows


def main() -> None:
    """Run every system in turn, and record what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5, help="of the victim, both times; RecAD's command line has 100")
    parser.add_argument("--attack-epochs", type=int, default=5, help="of AUSH; RecAD's command line has 100")
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--limit", type=float, default=900.0, help="wall seconds after which a system is stopped")
    parser.add_argument("--environments", type=Path, help="where the environments of the peers are; by default the cache")
    parser.add_argument("--no-peer", action="store_true", help="measure only Reverie")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        name, *rest = asked.one
        print(json.dumps(same_steps(int(rest[0]), int(rest[1])) if name == "steps" else ranks_alone(Path(rest[0]))))
        return
    import yaml
    from common import record

    from reverie import load_dataset
    from reverie.files import cache_folder

    epochs = [str(asked.epochs), str(asked.attack_epochs)]
    case = f"cell mf aush recad-game, {epochs[0]} epochs, {epochs[1]} of the attack"
    with tempfile.TemporaryDirectory(prefix="reverie-") as scratch:
        work = Path(scratch)

        def run(system: str, *command: str) -> dict[str, Any]:
            print(f"{system} …", flush=True)
            (work / system).mkdir(exist_ok=True)
            return measured(list(command), work / system, asked.core, asked.limit)

        this = [sys.executable, str(Path(__file__).resolve()), "--one"]
        (work / "cell.yaml").write_text(yaml.safe_dump(recipe(asked.epochs, asked.attack_epochs)))
        whole = run("command", sys.executable, "-m", "reverie", "attack", str(work / "cell.yaml"), "--out", str(work / "out"))
        record(rows_of(case, "reverie", whole))
        record(rows_of(case, "reverie, same steps", run("steps", *this, "steps", *epochs)))
        if asked.no_peer:
            return
        sys.path.insert(0, str(HERE / "peers"))
        from environments import environment

        python = environment("recad", "recad", REQUIREMENTS, asked.environments or cache_folder() / "peers", ("torch", "higher"))
        (work / "recad" / "data" / "game").mkdir(parents=True)
        events = load_dataset("recad-game").events.rename({"user": "user_id", "item": "item_id"})
        for part, frame in events.partition_by("part", as_dict=True).items():
            columns = frame.select("user_id", "item_id", "rating", "timestamp")
            columns.write_csv(work / "recad" / "data" / "game" / f"game_{part[0]}.csv")
        job = {"epochs": asked.epochs, "attack_epochs": asked.attack_epochs, "share": SHARE, "fakes": FAKES, "fillers": FILLERS}
        adapter = [str(python), str(HERE / "peers" / "adapters" / "run_recad.py")]
        peer = run("recad", *adapter, json.dumps(job | {"target": TARGET, "cuts": CUTS}))
        record(rows_of(case, "recad", peer))
        if peer["stopped"]:
            return
        ours = run("ranks", *this, "ranks", str(work / "recad" / "weights.npz"))
        np.testing.assert_allclose(list(ours["hr"].values()), list(peer["hr"].values()), atol=1.5 / peer["users"])
        alone = f"target's ranks by two victims, {peer['users']:,} users x {peer['items']:,} items, {epochs[0]} epochs"
        only = {**peer, "steps": [step for step in peer["steps"] if step["step"] == "evaluate"]}
        record(rows_of(alone, "recad", only, whole=False) + rows_of(alone, "reverie", ours, whole=False))


if __name__ == "__main__":
    main()
