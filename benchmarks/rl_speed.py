"""Speed of value models: an epoch beside plain SASRec, evaluation beside the loop of the family, a million items, d3rlpy.

Run: OMP_NUM_THREADS=1 python benchmarks/rl_speed.py [epochs evaluation items peer] [--d3rlpy PYTHON]
`epochs`, `evaluation` and `peer` need the dataset `retailrocket`. `peer` needs the interpreter of an environment with
`pip install d3rlpy==2.8.1 gymnasium==1.0.0 torch==2.13.0`. Everything runs in one thread; besides wall seconds, which other load on
the machine changes, CPU seconds of the process are kept. Each case of `items` runs in a process of its own, so that its peak memory
is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from common import record

from reverie.data.rewards import with_rewards
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from reverie.data.queries import Queries
    from reverie.data.split import Split

REWARDS = {"view": 0.2, "cart": 0.5, "buy": 1.0}
BATCH, READ, ROUNDS = 128, 10, 2
"""Rows of a batch; events that the states of the family and of d3rlpy read; epochs of each model, in turns."""
ADAPTER = Path(__file__).resolve().parent / "peers" / "adapters" / "run_d3rlpy.py"


def row(case: str, metric: str, value: float, unit: str, **more: str) -> dict[str, object]:
    """Return a row of the table."""
    return {"benchmark": "rl_speed", "case": case, "metric": metric, "value": value, "unit": unit, **more}


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def retailrocket(targets: Any = "first") -> Split:
    """Return the log with rewards, cut in time."""
    import reverie as rv

    return rv.temporal(with_rewards(rv.load_dataset("retailrocket"), REWARDS), targets=targets)


def trainer_of(name: str, train: Sequences, batch: int = BATCH, **options: Any) -> Any:
    """Return a trainer of a new model on the training events."""
    from reverie.models import create_model
    from reverie.training.config import TrainingConfig
    from reverie.training.loop import Trainer, training_source

    model: Any = create_model(name, train.vocabulary, **options)
    return Trainer(model, training_source(model, train), TrainingConfig(batch_size=batch), None, None, torch.device("cpu"))


def make_steps(trainer: Any, batches: list[Any], epoch: int = 0) -> None:
    """Make a step of each batch."""
    for step, index in enumerate(batches):
        trainer.step([index], epoch, step, len(batches))


def run_epoch(trainer: Any, epoch: int) -> None:
    """Make all steps of an epoch."""
    make_steps(trainer, trainer.batches(epoch), epoch)


def epochs() -> list[dict[str, object]]:
    """One epoch of each model, the models in turns, after one that is not counted."""
    train = retailrocket().train
    trainers = {name: trainer_of(name, train) for name in ("sasrec", "sqn", "cql", "mcrl")}
    for trainer in trainers.values():
        run_epoch(trainer, 0)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in trainers}
    for again in range(1, ROUNDS + 1):
        for name, trainer in trainers.items():
            seconds[name].append(clocked(partial(run_epoch, trainer, again)))
    case = f"retailrocket, {train.n_events} events, {train.vocabulary.n_items} items, sasrec backbone, history 50, batch {BATCH}"
    case += f", sampled heads, 1 thread, median of {ROUNDS}"
    rows = []
    for at, clock in enumerate(("epoch", "epoch, CPU")):
        plain = median(pair[at] for pair in seconds["sasrec"])
        for name in trainers:
            mean = median(pair[at] for pair in seconds[name])
            rows += [row(f"{name}: {case}", clock, mean, "s"), row(f"{name}: {case}", f"{clock}, of sasrec's", mean / plain, "")]
    return rows


def classic_evaluation(model: Any, queries: Queries, ks: tuple[int, ...] = (5, 10, 15, 20)) -> dict[int, float]:
    """Evaluate as the family does: a state a row, every row sorted in full, hits counted in a loop; returns hit rates."""
    from reverie.data.batch import query_batch

    hits = dict.fromkeys(ks, 0)
    for index in range(len(queries)):
        with torch.no_grad():
            scores = model.scores(query_batch(queries, np.array([index]), model.history)).numpy()
        ranked = np.argsort(scores)
        for one, target in zip(ranked, queries.targets[index : index + 1], strict=True):
            for k in ks:
                hits[k] += int(target - 1 in one[-k:])
    return {k: count / len(queries) for k, count in hits.items()}


def evaluation() -> list[dict[str, object]]:
    """All test events of the log, one query each, by both ways."""
    from reverie.evaluation import evaluate

    split = retailrocket("all")
    trainer = trainer_of("sqn", split.train)
    run_epoch(trainer, 0)
    model = trainer.model.eval()
    few = split.test.take(np.linspace(0, len(split.test) - 1, min(1000, len(split.test))).astype(np.int64))
    found: dict[str, Any] = {}
    evaluate(model, few, seen="keep", top=0)  # warm
    ours = clocked(lambda: found.update(ours=evaluate(model, split.test, seen="keep", top=0)))
    loop = clocked(lambda: found.update(loop=classic_evaluation(model, few)))
    again = evaluate(model, few, seen="keep", top=0).value("hit@20")
    if abs(again - found["loop"][20]) > 2 / len(few):  # ties apart
        raise SystemExit(f"the two ways disagree: hit@20 {again:.4f} and {found['loop'][20]:.4f}")
    case = f"retailrocket, {len(split.test)} queries, {split.vocabulary.n_items} items, sqn, 1 thread"
    rows = []
    for at, clock in enumerate(("a query", "a query, CPU")):
        each = ours[at] / len(split.test), loop[at] / len(few)
        rows += [row(case, clock, 1000 * each[0], "ms"), row(case, f"{clock}, times faster", each[1] / each[0], "")]
        rows.append(row(f"{case}, {len(few)} of them", clock, 1000 * each[1], "ms", system="row by row, full sort", version=""))
    return rows


CASES: dict[str, dict[str, Any]] = {
    "sasrec": {"name": "sasrec", "table": "rowwise"},
    "cql, alpha 0": {"name": "cql", "alpha": 0.0, "table": "rowwise"},
    "cql": {"name": "cql", "table": "rowwise"},
    "cql, two networks": {"name": "cql", "target": "coin", "table": "rowwise"},
    "mcrl": {"name": "mcrl", "table": "rowwise"},
    "cql, dense tables": {"name": "cql"},
}
"""What is stepped over a large catalogue, heads sampled: cql with and without the conservative term; `ema` moves whole tables."""


def large(case: str, items: int, rows: int, steps: int) -> dict[str, float]:
    """Return seconds per step and peak MB of training steps over a made-up log of many items."""
    import polars as pl

    from reverie.study.environment import peak_mb, reset_peak

    options: dict[str, Any] = dict(CASES[case])
    name, n = options.pop("name"), rows * (steps + 2)
    generator = np.random.default_rng(0)
    events = generator.integers(1, items + 1, n * (READ + 1), dtype=np.int32)
    starts = np.arange(n, dtype=np.int64) * (READ + 1)
    vocabulary = Vocabulary(pl.Series(np.arange(items)), pl.Series(np.arange(n)))
    columns = {"reward": generator.choice([0.2, 0.5, 1.0], len(events)).astype(np.float32)}
    users = np.arange(n, dtype=np.int64)
    train = Sequences(events, starts, starts + READ + 1, users, vocabulary, columns)
    shared = {"kind": "sampled_softmax", "negatives": {"n": 256, "shared": True}}
    trainer = trainer_of(name, train, rows, history=READ, objective=shared, **options)
    batches = trainer.batches(0)
    make_steps(trainer, batches[:2])
    reset_peak()
    wall, cpu = clocked(partial(make_steps, trainer, batches[2 : steps + 2]))
    return {"step": wall / steps, "step, CPU": cpu / steps, "peak": peak_mb()}


def many_items(items: int, rows: int, steps: int) -> list[dict[str, object]]:
    """Each case in a process of its own."""
    found = []
    for case in CASES:
        command = [
            sys.executable,
            __file__,
            "items",
            "--case",
            case,
            "--items",
            str(items),
            "--rows",
            str(rows),
            "--steps",
            str(steps),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for metric, value in json.loads(done.stdout).items():
            what = f"{case}: N={items} d=64, {rows} rows of {READ} transitions, 256 shared items, 1 thread"
            found.append(row(what, metric, value, "MB" if metric == "peak" else "s"))
    return found


def peer(python: str) -> list[dict[str, object]]:
    """Make steps of discrete CQL, ours and d3rlpy's, on the transitions of the log with states of ten events."""
    from reverie.data.plans import create_plan

    train = retailrocket().train
    plan = create_plan("prefixes", train, READ)
    batch = plan.batch(np.arange(len(plan)))
    width = READ - batch.items.shape[1]
    observations = np.pad(batch.items.numpy(), ((0, 0), (0, width))).astype(np.int32)
    first = np.cumsum(train.lengths) - train.lengths
    rewards = np.delete(train.columns["reward"][train.positions()], first)
    ends = np.cumsum(np.maximum(train.lengths - 1, 0))[train.lengths > 1] - 1
    done = np.isin(np.arange(len(rewards)), ends)
    assert batch.targets is not None
    n_items, states = train.vocabulary.n_items, 256
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "log.npz", observations=observations, actions=batch.targets.numpy() - 1, rewards=rewards, done=done)
        command = [python, str(ADAPTER), str(Path(folder) / "log.npz"), str(n_items), str(states), "8"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
    theirs = json.loads(said)
    case = f"discrete CQL, retailrocket, {len(rewards)} transitions, {n_items} items, states of {READ} events, {states} a step"
    rows = [
        row(f"{case}, all items", f"1,000 transitions{clock}", theirs[key], "s", system="d3rlpy", version=theirs["version"])
        for key, clock in (("wall", ""), ("cpu", ", CPU"))
    ]
    for heads in ("full", "sampled"):
        trainer = trainer_of("cql", train, batch=states // READ, history=READ, maximum=heads, conservative=heads, ce_weight=0.0)
        batches = trainer.batches(0)
        some = batches[1:9]
        seen = sum(int((trainer.source.batch(index).targets > 0).sum()) for index in some)
        trainer.step(batches[:1], 0, 0, len(batches))
        wall, cpu = clocked(partial(make_steps, trainer, some))
        what = f"{case}, {'all' if heads == 'full' else '256 shared'} items"
        rows += [row(what, f"1,000 transitions{name}", 1000 * value / seen, "s") for name, value in (("", wall), (", CPU", cpu))]
    return rows


def main() -> None:
    """Measure what is asked for and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["epochs", "evaluation", "items", "peer"])
    parser.add_argument("--d3rlpy", default="python", help="interpreter of d3rlpy's environment")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--case", choices=CASES)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    sizes = chosen.items, chosen.rows, chosen.steps
    if chosen.case:
        print(json.dumps(large(chosen.case, *sizes)))
        return
    parts = {"epochs": epochs, "evaluation": evaluation, "items": lambda: many_items(*sizes), "peer": lambda: peer(chosen.d3rlpy)}
    for name in chosen.what:
        record(parts[name]())


if __name__ == "__main__":
    main()
