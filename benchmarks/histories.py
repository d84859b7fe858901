"""Recommending to 10,000 histories in one call, by SASRec: its last block reads the last event alone, or every event as before.

    python benchmarks/histories.py amazon-beauty ml-1m

Weights are drawn, not trained, which costs the same. Histories are those of the log's people, from the first again where there are
fewer; the call takes ids and returns ids and scores of ten items each. The two ways take turns, and the best of five is told.
"""

from __future__ import annotations

import argparse
import time
import warnings

import torch
from common import record

import reverie as rv

N, ROUNDS = 10_000, 5


class AllStates(torch.nn.Module):
    """A network whose states are read after every event, as it does not offer the last one alone."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor, users: torch.Tensor) -> torch.Tensor:
        """Return the state after each event; x [B, L, D], users [B] → [B, L, D]."""
        out: torch.Tensor = self.network(x, users)
        return out


def measure(log: str, blocks: int) -> list[dict[str, object]]:
    """Return rows of one log and one depth."""
    dataset = rv.load_dataset(log)
    rows, items = dataset.sequences, dataset.sequences.vocabulary.items
    coded = [rows.items[start:stop] - 1 for start, stop in zip(rows.starts[:N], rows.stops[:N], strict=True)]
    histories = [items[codes.tolist()] for codes in coded]
    histories = (histories * (N // len(histories) + 1))[:N]
    last, every = (rv.create_model("sasrec", rv.leave_one_out(dataset), blocks=blocks) for _ in range(2))
    every.network = AllStates(every.network)  # type: ignore[attr-defined]  # of SASRec
    models = {"last event alone": last, "every event": every}
    best = dict.fromkeys(models, float("inf"))
    for _ in range(ROUNDS):
        for way, model in models.items():
            start = time.perf_counter()
            rv.recommend(model, histories=histories, k=10)
            best[way] = min(best[way], time.perf_counter() - start)
    case = f"{N} histories of {log}, {blocks} blocks, {torch.get_num_threads()} threads"
    found: list[dict[str, object]] = [
        {"benchmark": "histories", "case": case, "system": f"reverie {way}", "metric": "time", "value": value, "unit": "s"}
        for way, value in best.items()
    ]
    ratio = best["last event alone"] / best["every event"]
    return [*found, found[0] | {"metric": "time over every event", "value": ratio, "unit": "x"}]


def main() -> None:
    """Measure the logs that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+")
    logs = parser.parse_args().logs
    warnings.simplefilter("ignore")
    record([row for log in logs for blocks in (1, 2) for row in measure(log, blocks)])


if __name__ == "__main__":
    main()
