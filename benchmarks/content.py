"""Item encoders: the table of 100,000 titles, an epoch over titles beside ids, and item batches with gradient caching.

Run: python benchmarks/content.py [--only table|epoch|batch] [--threads 1]
Every case runs in a process of its own, so that its peak memory is its own. Steps of one table are taken in turn, and the medians
of their processor time compared, as other work on the machine disturbs the clock. The log is made up, as large as the training part
of microlens-50k; vectors of titles are random where only their number and width matter.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from common import record

USERS, ITEMS, LENGTH = 50_000, 19_220, 5.19
"""Of microlens-50k, and its mean history without the last two events."""
WIDTH, DIM, CATALOGUE = 384, 64, 100_000
SIDE, FRAMES = 64, 8
"""Pixels and frames of the clips of the tiny video network."""
LIMIT_GB = 4.0


def made_up_log(seed: int = 0) -> Any:
    """Return training sequences of as many users, items and events as microlens-50k's."""
    import numpy as np
    import polars as pl

    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary

    generator = np.random.default_rng(seed)
    lengths = 2 + generator.geometric(1 / (LENGTH - 2), USERS)
    stops = lengths.cumsum()
    share = 1 / np.arange(1, ITEMS + 1) ** 0.6
    items = generator.choice(ITEMS, int(stops[-1]), p=share / share.sum()).astype(np.int32) + 1
    vocabulary = Vocabulary(pl.Series(np.arange(ITEMS)), pl.Series(np.arange(USERS)))
    return Sequences(items, stops - lengths, stops, np.arange(USERS), vocabulary)


def vocabulary_of(n_items: int) -> Any:
    """Return a vocabulary with random vectors of titles."""
    import numpy as np
    import polars as pl

    from reverie.data.content import Features
    from reverie.data.vocabulary import Vocabulary

    values = np.random.default_rng(0).standard_normal((n_items, WIDTH), dtype=np.float32)
    content = {"text": Features(values, np.ones(n_items, dtype=bool))}
    return Vocabulary(pl.Series(np.arange(n_items)), pl.Series([0]), None, content)


def measure_table(case: dict[str, Any]) -> dict[str, float]:
    """Return the seconds of computing the table of 100,000 items anew after a training step."""
    from reverie.models.item_encoders.config import FeaturesOptions
    from reverie.models.item_encoders.create import create_item_encoder

    options = FeaturesOptions(kind="features", modality="text", tuning=case["tuning"])
    encoder: Any = create_item_encoder(options, vocabulary_of(CATALOGUE), DIM)
    seconds = []
    for _ in range(7):
        encoder.train().eval()
        begin = time.process_time()
        encoder.table()
        seconds.append(time.process_time() - begin)
    return {"processor seconds": statistics.median(seconds)}


def measure_titles(case: dict[str, Any]) -> dict[str, float]:
    """Return the seconds in which all-MiniLM-L6-v2 encodes 1,000 different titles of MicroLens' length, and of 100,000 so."""
    import numpy as np

    from reverie.models.item_encoders.extractors import Titles

    generator = np.random.default_rng(0)
    words = ["funny", "cat", "street", "food", "dance", "how", "to", "make", "a", "cake", "mountain", "river", "goal", "match"]
    titles = [" ".join(generator.choice(words, generator.integers(4, 16))) + f" {n}" for n in range(1000)]
    extractor = Titles()
    extractor.vectors(titles[:8], lambda done: None)
    begin = time.process_time()
    extractor.vectors(titles, lambda done: None)
    seconds = time.process_time() - begin
    return {"processor seconds per 1,000 titles": seconds, "processor seconds of 100,000, scaled": 100 * seconds}


def measure_epochs(case: dict[str, Any]) -> dict[str, float]:
    """Return the median seconds of steps of SASRec with each item encoder, taken in turn, and of an epoch made of them."""
    import numpy as np
    import torch

    from reverie.models import create_model
    from reverie.training.config import TrainingConfig
    from reverie.training.loop import Trainer, training_source

    train = made_up_log()
    vocabulary = vocabulary_of(ITEMS)
    config = TrainingConfig(batch_size=128)
    kinds: dict[str, Any] = {
        "id": "id",
        "titles": {"kind": "features", "modality": "text"},
        "adapter": {"kind": "features", "modality": "text", "tuning": "adapter"},
        "id+titles": {"kind": "fused", "parts": ["id", {"kind": "features", "modality": "text"}]},
    }
    trainers = {}
    for name, options in kinds.items():
        model: Any = create_model("sasrec", vocabulary, item_encoder=options, objective=case["objective"], history=10)
        trainers[name] = Trainer(model, training_source(model, train), config, None, None, torch.device("cpu"))
    batches = trainers["id"].batches(0)
    spent: dict[str, list[float]] = {name: [] for name in kinds}
    for step in range(case["steps"] + 2):
        for name, trainer in trainers.items():
            begin = time.process_time()
            trainer.step([batches[step]], 0, step, len(batches))
            spent[name].append(time.process_time() - begin)
    found = {}
    for name, seconds in spent.items():
        found[f"{name}: processor seconds per epoch"] = float(np.median(seconds[2:])) * len(batches)
        found[f"{name}: times ids alone"] = float(np.median(np.array(seconds[2:]) / np.array(spent["id"][2:])))
    return found


def measure_batch(case: dict[str, Any]) -> dict[str, float]:
    """Return the peak memory of a step of a tiny video network over a batch of clips, and its seconds."""
    import torch
    from torch import Tensor, nn

    from reverie.models.item_encoders.base import ContentEncoder
    from reverie.study.environment import peak_mb, reset_peak

    class Clips(ContentEncoder):
        """Three convolutions over time and space; clips are drawn when they are asked for."""

        def __init__(self, n_items: int, at_once: int | None) -> None:
            super().__init__(n_items, DIM, at_once=at_once)
            layers: list[nn.Module] = []
            for inside, outside in ((3, 16), (16, 32), (32, 64)):
                layers += [nn.Conv3d(inside, outside, 3, (1, 2, 2), 1), nn.GELU()]
            self.network = nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(64, DIM))

        def vectors(self, items: Tensor) -> Tensor:
            clips = torch.rand(len(items), 3, FRAMES, SIDE, SIDE)
            out: Tensor = self.network(clips)
            return out

    encoder = Clips(case["items"], case["at_once"]).train()
    items = torch.arange(1, case["items"] + 1)
    encoder.encode(items[:4]).sum().backward()
    reset_peak()
    begin = time.process_time()
    encoder.encode(items).square().sum().backward()
    return {"processor seconds": time.process_time() - begin, "peak MB": peak_mb()}


KINDS = {"table": measure_table, "titles": measure_titles, "epoch": measure_epochs, "batch": measure_batch}


def run(kind: str, case: dict[str, Any], threads: int) -> dict[str, float]:
    """Measure a case in a process of its own."""
    line = [sys.executable, __file__, "--worker", json.dumps([kind, case, threads])]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(line, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def write(case: str, found: dict[str, float]) -> None:
    """Append what was measured, with the load of the machine."""
    load = os.getloadavg()[0]
    rows = [{"benchmark": "content", "case": case, "metric": name, "value": value, "unit": ""} for name, value in found.items()]
    record([*rows, {"benchmark": "content", "case": case, "metric": "load average", "value": load, "unit": "processes"}])


def largest_batches(threads: int) -> None:
    """Measure the peak memory of growing batches, and compute from it the largest batch in 4 GB, without and with caching."""
    for at_once in (None, 16):
        peaks = {}
        for items in (32, 64, 128, 256) if at_once is None else (256, 1024):
            found = run("batch", {"items": items, "at_once": at_once}, threads)
            peaks[items] = found["peak MB"]
            write(f"{items} clips, {'all at once' if at_once is None else f'{at_once} at once'}", found)
        small, large = min(peaks), max(peaks)
        slope = (peaks[large] - peaks[small]) / (large - small)
        most = small + (1024 * LIMIT_GB - peaks[small]) / max(slope, 1e-3)
        write(f"clips in {LIMIT_GB:g} GB, {'all at once' if at_once is None else f'{at_once} at once'}, computed", {"clips": most})


def main() -> None:
    """Measure and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["table", "epoch", "batch"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--worker")
    arguments = parser.parse_args()
    if arguments.worker:
        kind, case, threads = json.loads(arguments.worker)
        import torch

        torch.set_num_threads(threads)
        print(json.dumps(KINDS[kind](case)))
        return
    threads, only = arguments.threads, arguments.only
    if only in (None, "table"):
        for tuning in ("frozen", "adapter"):
            write(f"table of {CATALOGUE:,} titles, {tuning}", run("table", {"tuning": tuning}, threads))
        write("titles by all-MiniLM-L6-v2", run("titles", {}, threads))
    if only in (None, "epoch"):
        objectives = {
            "sampled softmax, 256 uniform for each position": {"kind": "sampled_softmax"},
            "in-batch debiased": {"kind": "in_batch_debiased"},
        }
        for name, objective in objectives.items():
            write(f"epoch of SASRec, {name}", run("epoch", {"objective": objective, "steps": arguments.steps}, threads))
    if only in (None, "batch"):
        largest_batches(threads)


if __name__ == "__main__":
    main()
