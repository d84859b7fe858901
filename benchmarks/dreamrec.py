"""DreamRec's exact sampler beside the walk it replaces, and DreamRec and Daydream beside SASRec of the same width.

Run ``python benchmarks/dreamrec.py``; ``--threads`` sets torch's threads, ``--small`` runs everything at toy size without
recording. Wall time, the least of several runs. Training epochs need the datasets in the folder that ``REVERIE_DATA`` names and
are left out where they are missing. Results are appended to ``results/dreamrec.csv``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from common import record

import reverie
from reverie.data.batch import SequenceBatch
from reverie.data.splits import given, leave_one_out
from reverie.data.vocabulary import Vocabulary
from reverie.diffusion import DDPM, Guided, create_sampler, create_schedule, sample
from reverie.diffusion.noising import extrapolate
from reverie.diffusion.samplers import ExactSampler, NormalNoise
from reverie.errors import ReverieError
from reverie.models import create_model
from reverie.models.dreamrec.model import DreamRec
from reverie.training import fit

if TYPE_CHECKING:
    from reverie.data.split import Split
    from reverie.protocols import Recommender

Row = dict[str, object]


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the least wall time of some runs after one to warm up."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def row(case: str, system: str, metric: str, value: float, unit: str) -> Row:
    """Return one result."""
    return {"benchmark": "dreamrec", "case": case, "system": system, "metric": metric, "value": value, "unit": unit}


def vocabulary(n_items: int) -> Vocabulary:
    """Return made-up ids."""
    return Vocabulary(pl.Series("item", [str(i) for i in range(n_items)]), pl.Series("user", ["0"]), None)


def sampler_alone(histories: int, steps: int) -> list[Row]:
    """Time guidance vectors to clean vectors: mean and draw of the exact law, and the walk over all steps."""
    model = create_model("dreamrec", vocabulary(10), steps=steps)
    assert isinstance(model, DreamRec)
    exact = model.sampler
    assert isinstance(exact, ExactSampler)
    h, case = torch.randn(histories, 64), f"{histories} histories, T={steps}"
    walker = create_sampler(DDPM(), create_schedule("linear", steps))

    def noise() -> NormalNoise:
        return NormalNoise((histories, 64), torch.Generator().manual_seed(0), h)

    def law() -> None:
        exact.refresh()
        exact.mean(h[:1])

    timed = {
        "exact law, once per weights": seconds(law, 5),
        "exact mean": seconds(lambda: exact.mean(extrapolate(h, model.null, 4.0)), 50),
        "exact draw": seconds(lambda: exact.draw(extrapolate(h, model.null, 4.0), noise()()), 20),
        "ddpm": seconds(lambda: sample(Guided(model.denoiser, h, model.null, 4.0), walker, noise()), 3),
    }
    rows = [row(f"sampler, {case}", f"reverie {name}", "time", value, "s") for name, value in timed.items()]
    ratios = (("exact mean", timed["exact mean"]), ("exact draw", timed["exact draw"]))
    return rows + [
        row(f"sampler, {case}", f"reverie {name}", "speed-up over ddpm", timed["ddpm"] / value, "x") for name, value in ratios
    ]


def end_to_end(n_items: int, histories: int) -> list[Row]:
    """Time histories of ten events to the best 20 items, in batches of 512; models take turns so that noise hits them alike."""
    ids = vocabulary(n_items)
    generator = np.random.default_rng(0)
    items = torch.from_numpy(generator.integers(1, n_items + 1, (histories, 10)))
    batches = [SequenceBatch(part, torch.full((len(part),), 10), torch.full((len(part),), -1)) for part in items.split(512)]
    models = {
        "dreamrec exact": create_model("dreamrec", ids, dim=64, history=10),
        "daydream": create_model("daydream", ids, dim=64, history=10),
        "sasrec": create_model("sasrec", ids, dim=64, history=10, blocks=1, heads=1),
    }

    def rank(model: Recommender) -> None:
        for batch in batches:
            torch.topk(model.scores(batch), min(20, n_items))

    times: dict[str, list[float]] = {name: [] for name in models}
    for model in models.values():
        assert isinstance(model, torch.nn.Module)
        model.eval()
        rank(model)
    for _ in range(9):
        for name, model in models.items():
            start = time.perf_counter()
            rank(model)
            times[name].append(time.perf_counter() - start)
    best = {name: float(np.median(values)) for name, values in times.items()}
    case = f"sample and rank, {histories} histories, {n_items} items"
    rows = [row(case, f"reverie {name}", "median time", value, "s") for name, value in best.items()]
    ours = [name for name in models if name != "sasrec"]
    return rows + [row(case, f"reverie {name}", "time over sasrec", best[name] / best["sasrec"], "x") for name in ours]


def training(name: str, split: Split, epochs: int) -> list[Row]:
    """Time a training epoch without validation, the second and later ones."""
    rows = []
    for system, options in systems().items():
        model = create_model(system.split()[0], split, dim=64, history=10, **options)
        fitted = fit(model, split, epochs=epochs, batch_size=256, on="train+valid", show=False, device="cpu")
        ends = [float(epoch["seconds"]) for epoch in fitted.history]
        rows.append(row(f"training epoch, {name}", f"reverie {system}", "time", float(np.diff(ends).min()), "s"))
    return rows


def systems() -> dict[str, dict[str, Any]]:
    """Return what is trained: models of one width and history."""
    return {
        "dreamrec": {},
        "sasrec 256 negatives": {"blocks": 1, "heads": 1},
        "sasrec full softmax": {"blocks": 1, "heads": 1, "objective": {"kind": "full_softmax"}},
    }


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--small", action="store_true")
    given_options = parser.parse_args()
    torch.set_num_threads(given_options.threads)
    small = given_options.small
    rows: list[Row] = []
    with torch.inference_mode():
        for histories in (100, 200) if small else (1_000, 10_000):
            rows += sampler_alone(histories, 20 if small else 500)
        rows += end_to_end(200 if small else 12_101, 600 if small else 10_000)
    if small:
        from reverie.testing import tiny_split

        for one in rows + training("tiny", tiny_split(), 2):
            print(one)
        return
    for name, protocol in (("zhihu", given), ("amazon-beauty", leave_one_out)):
        try:
            split = protocol(reverie.load_dataset(name))
        except ReverieError as error:
            print(f"{name} left out: {error}")
            continue
        rows += training(name, split, 4)
    record([one | {"case": f"{one['case']}, {given_options.threads} threads"} for one in rows])


if __name__ == "__main__":
    main()
