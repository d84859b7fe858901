"""Objectives at the sizes of one Beauty batch: scores of sampled items, and whole losses, forward and backward.

Times are processor time on one thread, which other work on the machine disturbs least. Run ``python benchmarks/objectives.py``;
it takes about two minutes and appends to ``results/objectives.csv``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch
from common import record
from torch import Tensor
from torch.nn import functional as F

from reverie.nn.heads import DotHead
from reverie.objectives import BCE, GBCE, FullSoftmax, NegativesConfig, Objective, SampledSoftmax, create_objective
from reverie.objectives.full import full_softmax

Scorer = Callable[[Tensor, Tensor, Tensor], Tensor]
N = 12_101


class GenericHead:
    """A `DotHead` that is not recognised as one, so that the full softmax takes its general path."""

    def __init__(self, inner: DotHead) -> None:
        self.n_items, self.scores, self.chunks = inner.n_items, inner.scores, inner.chunks


def milliseconds(run: Callable[[], object], repeats: int = 5) -> float:
    """Return the least processor time of some runs after one to warm up, in ms."""
    run()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times) * 1e3


def fused(states: Tensor, table: Tensor, items: Tensor) -> Tensor:
    """Score without gathering vectors: what `DotHead.scores` does."""
    return DotHead(table).scores(states, items)


def gathered(states: Tensor, table: Tensor, items: Tensor) -> Tensor:
    """Score by gathering [M, K, D] and a batched product."""
    return torch.bmm(F.embedding(items - 1, table), states[:, :, None])[:, :, 0]


def multiplied(states: Tensor, table: Tensor, items: Tensor) -> Tensor:
    """Score by one product with the whole table and picking K columns."""
    return (states @ table.T).gather(1, items - 1)


def taught(objective: Objective, states: Tensor, table: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of an objective on a fresh head."""
    return objective.loss(states, targets, DotHead(table))


def both_ways(score: Scorer, states: Tensor, table: Tensor, items: Tensor) -> Callable[[], None]:
    """Return a run of scores and their gradients."""

    def run() -> None:
        a, b = states.clone().requires_grad_(), table.clone().requires_grad_()
        score(a, b, items).sum().backward()

    return run


def scores() -> None:
    """Measure the three ways to score sampled items, up to K where one product with the table catches up."""
    for m, n, k, d in ((1000, N, 256, 64), (1000, N, 256, 256), (1000, N, 2048, 64), (1000, N, 2048, 256), (1000, 1682, 256, 64)):
        states, table, items = torch.randn(m, d), torch.randn(n, d), torch.randint(1, n + 1, (m, k))
        rows = []
        for name, score in (("reverie", fused), ("gather + bmm", gathered), ("matmul + gather", multiplied)):
            if score is gathered and k > 256:
                continue  # [M, K, D] would be 2 GB
            value = milliseconds(both_ways(score, states, table, items), 3)
            version = {} if score is fused else {"version": torch.__version__}
            case = f"scores M={m} N={n} K={k} D={d}"
            rows.append(
                {
                    "benchmark": "objectives",
                    "case": case,
                    "system": name,
                    "metric": "forward+backward cpu time",
                    "value": value,
                    "unit": "ms",
                    **version,
                }
            )
        record(rows)


def losses() -> None:
    """Measure whole losses, and the full softmax beside torch's on held scores."""
    for m, d in ((1000, 64), (1000, 256), (6400, 64)):
        states, table, targets = torch.randn(m, d), torch.randn(N, d) * 0.1, torch.randint(1, N + 1, (m,))
        ways: dict[tuple[str, str], Scorer] = {}
        for config in (SampledSoftmax(), SampledSoftmax(negatives=NegativesConfig(shared=True)), GBCE(), BCE(), FullSoftmax()):
            name = config.kind + (" shared" if not isinstance(config, FullSoftmax) and config.negatives.shared else "")
            ways[name, "reverie"] = partial(taught, create_objective(config, N))
        for chunk in (256, 1024, 4096):
            ways[f"full_softmax chunk={chunk}", "reverie"] = lambda a, b, t, c=chunk: full_softmax(a, t, DotHead(b, chunk=c))
        ways["full_softmax", "reverie, any head"] = lambda a, b, t: full_softmax(a, t, GenericHead(DotHead(b)))
        ways["full_softmax", "torch cross_entropy"] = lambda a, b, t: F.cross_entropy(a @ b.T, t - 1, reduction="none")
        rows = []
        for (name, system), way in ways.items():
            value = milliseconds(both_ways(way, states, table, targets), 3)
            version = {"version": torch.__version__} if system.startswith("torch") else {}
            case = f"{name} M={m} N={N} D={d}"
            rows.append(
                {
                    "benchmark": "objectives",
                    "case": case,
                    "system": system,
                    "metric": "forward+backward cpu time",
                    "value": value,
                    "unit": "ms",
                    **version,
                }
            )
        record(rows)


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    scores()
    losses()
