"""Controls without a language model: nearest items by vectors, a linear probe of the states, popularity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from reverie.llm.interpreter.matcher import Mention
from reverie.seeds import seed_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.llm.interpreter.prompting import Histories
    from reverie.llm.titles import Titles

PROBE_STEPS, PROBE_ROWS, PROBE_RATE = 400, 2048, 1e-2


def nearest(vectors: Tensor, table: Tensor, cosine: bool) -> Tensor:
    """Return the item whose vector is nearest; vectors [..., D], table [N, D] → [...]."""
    if cosine:
        vectors, table = F.normalize(vectors, dim=-1), F.normalize(table, dim=-1)
    return (vectors @ table.T).argmax(-1) + 1


def fit_probe(histories: Histories, n_items: int, seed: int) -> torch.nn.Linear:
    """Fit a linear classifier from a state to the item after which it stands."""
    real = torch.from_numpy(histories.items > 0)
    states, codes = standardised(histories.states[real], histories), torch.from_numpy(histories.items)[real]
    with torch.random.fork_rng(devices=[]):
        seed_torch(seed, "probe")
        probe = torch.nn.Linear(states.shape[1], n_items)
        optimiser = torch.optim.Adam(probe.parameters(), lr=PROBE_RATE)
        for _ in range(PROBE_STEPS):
            rows = torch.randint(len(states), (PROBE_ROWS,))
            loss = F.cross_entropy(probe(states[rows]), codes[rows] - 1)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return probe


def standardised(states: Tensor, like: Histories) -> Tensor:
    """Return states with the mean and spread that training states have; states [..., D] → [..., D]."""
    real = like.states[torch.from_numpy(like.items > 0)]
    return (states - real.mean(0)) / real.std()


def as_mentions(codes: NDArray[np.int64], lengths: NDArray[np.int64], titles: Titles) -> list[list[Mention]]:
    """Return codes as if somebody had written their titles; codes [R, L], lengths [R]."""
    canonical = titles.canonical
    rows = [dict.fromkeys(canonical[row[:length]].tolist()) for row, length in zip(codes, lengths, strict=True)]
    return [[Mention(titles.text(code), code) for code in row] for row in rows]


def most_popular(counts: NDArray[np.int64], sizes: list[int], titles: Titles) -> list[list[Mention]]:
    """Return, for each history, as many of the most popular titles as it has; counts [N + 1]."""
    canonical = titles.canonical
    summed = np.bincount(canonical, counts, minlength=len(counts))
    order = np.argsort(-summed, kind="stable")
    return [[Mention(titles.text(int(code)), int(code)) for code in order[:size]] for size in sizes]
