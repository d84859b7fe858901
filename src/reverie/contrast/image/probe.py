"""A linear probe: multinomial logistic regression on frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.seeds import numpy_generator

STEPS = 200
"""Most iterations of L-BFGS for one penalty."""


@dataclass(frozen=True)
class Probe:
    """A linear classifier of standardised features; mean, scale [D], weight [classes, D], bias [classes]."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def logits(self, features: Tensor) -> Tensor:
        """Return the log-odds of the classes, up to a constant; features [M, D] → [M, classes]."""
        return F.linear((features - self.mean) / self.scale, self.weight, self.bias)


def fit_probe(features: Tensor, labels: Tensor, classes: int, ridge: float, start: Probe | None = None) -> Probe:
    """Minimise ``mean cross-entropy + ridge / 2 · |weight|²`` over standardised features by L-BFGS; the bias has no penalty.

    features [N, D], labels [N].
    """
    if features.dim() != 2 or labels.shape != features.shape[:1]:
        raise ValueError(f"labels must have shape [N] as features [N, D], got {list(labels.shape)} and {list(features.shape)}")
    if not ridge > 0:
        raise ValueError(f"ridge must be positive, got {ridge}")
    mean, spread = features.mean(0), features.std(0, correction=0)
    scale = torch.where(spread > 1e-6 * spread.max(), spread, 1.0)
    inputs = (features - mean) / scale
    zeros = features.new_zeros(classes, features.shape[1] + 1)
    both = zeros if start is None else torch.cat([start.weight, start.bias[:, None]], 1)
    both = both.clone().requires_grad_()
    descent = torch.optim.LBFGS([both], max_iter=STEPS, history_size=20, tolerance_grad=1e-5, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        descent.zero_grad()
        weight, bias = both[:, :-1], both[:, -1]
        value = F.cross_entropy(F.linear(inputs, weight, bias), labels) + 0.5 * ridge * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    descent.step(objective)  # type: ignore[no-untyped-call]
    found = both.detach()
    return Probe(mean, scale, found[:, :-1].contiguous(), found[:, -1].contiguous())


def best_probe(features: Tensor, labels: Tensor, classes: int, ridges: Sequence[float], seed: int) -> tuple[Probe, float]:
    """Choose the ridge by the cross-entropy on a tenth of the examples, drawn by the seed, and fit to all with it."""
    if len(features) < 2:
        raise ValueError(f"features must have at least 2 rows, got shape {list(features.shape)}")
    order = torch.from_numpy(numpy_generator(seed, "probe").permutation(len(features))).to(features.device)
    held, kept = order[: max(len(order) // 10, 1)], order[max(len(order) // 10, 1) :]
    probe, best, lowest = None, max(ridges), float("inf")
    for ridge in sorted(ridges, reverse=True):
        probe = fit_probe(features[kept], labels[kept], classes, ridge, probe)
        value = float(F.cross_entropy(probe.logits(features[held]), labels[held]))
        if value > lowest:
            break
        best, lowest = ridge, value
    return fit_probe(features, labels, classes, best), best
