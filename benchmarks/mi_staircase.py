"""Estimators of mutual information on a staircase of known truths: 20 pairs of correlated normals, batch 128, I = 2, 4, 6, 8, 10.

The toy of Poole et al. (arXiv 1905.06922) and Song and Ermon (arXiv 1910.06222), who take 4,000 steps per stair. One critic climbs
all stairs. JS and SMILE differ only in how the same critic is read, so they share one. χ² does not estimate I but ``e^{2I} - 1``
(on normals); it is shown as ``½ log(1 + estimate)``. The last quarter of each stair is measured: its mean beside the truth and the
standard deviation of single batches. Run ``python benchmarks/mi_staircase.py``; it appends to ``results/mi_staircase.csv`` and
draws ``docs/figures/mi-staircase.svg``.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import torch
from common import HERE, record
from matplotlib.figure import Figure
from torch import Tensor, nn

from reverie.files import atomic_path
from reverie.objectives.dro import ChiSquare, gaussian_rho, mi_dv, mi_info_nce, mi_js, mi_nwj, mi_phi, mi_smile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

D, BATCH, STAIRS = 20, 128, (2.0, 4.0, 6.0, 8.0, 10.0)
STEPS = {"separable": 800, "concatenated": 200}
"""Per stair: with three seeds about five minutes for each critic on one core."""
SHOWN = (-1.0, 13.0)
"""What a panel shows, in nats. Single estimates are cut to 5 nats beyond before their running mean is drawn, not in the table."""
STYLE = {"svg.hashsalt": "reverie", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.linewidth": 0.4}
COLOURS = {"separable": "#1d5fbf", "concatenated": "#c2410c"}
Reading = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Course:
    """One critic's training: what it learns by, and how it is read."""

    lesson: Reading
    readings: dict[str, Reading]


COURSES = (
    Course(mi_info_nce, {"InfoNCE": mi_info_nce}),
    Course(mi_nwj, {"NWJ": mi_nwj}),
    Course(mi_js, {"JS": mi_js, "SMILE clip 5": mi_smile, "SMILE clip 1": partial(mi_smile, clip=1.0)}),
    Course(mi_dv, {"DV": mi_dv}),
    Course(partial(mi_phi, phi=ChiSquare()), {"χ²": lambda scores: mi_phi(scores, ChiSquare()).clamp(min=0).log1p() / 2}),
)


class Separable(nn.Module):
    """Scores ``<g(x), h(y)>``: 2 B passes through networks for B² scores."""

    def __init__(self, width: int = 256, out: int = 32) -> None:
        super().__init__()
        sizes = (D, width), (width, width), (width, out)
        layers = [[part for size in sizes for part in (nn.Linear(*size), nn.ReLU())][:-1] for _ in range(2)]
        self.sides = nn.ModuleList(nn.Sequential(*side) for side in layers)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return scores [B, B] of x and y [B, D]."""
        first, second = self.sides
        return first(x) @ second(y).T


class Concatenated(nn.Module):
    """Scores ``g([x, y])``: B² passes; the first layer is a sum of one part for x and one for y, and is taken once for each."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.of_x, self.of_y = nn.Linear(D, width), nn.Linear(D, width, bias=False)
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return scores [B, B] of x and y [B, D]."""
        both = self.of_x(x)[:, None] + self.of_y(y)[None, :]
        return self.rest(both)[:, :, 0]


CRITICS: dict[str, type[nn.Module]] = {"separable": Separable, "concatenated": Concatenated}


def climb(course: Course, critic: str, seed: int, steps: int, rate: float) -> dict[str, NDArray[np.float64]]:
    """Train a critic over all stairs and return each reading's estimates, [stairs, steps]; a seed has the same draws for all."""
    torch.manual_seed(seed)
    network = CRITICS[critic]()
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    draws = torch.Generator().manual_seed(seed)
    seen = {name: np.empty((len(STAIRS), steps)) for name in course.readings}
    for stair, truth in enumerate(STAIRS):
        rho = gaussian_rho(truth, D)
        for step in range(steps):
            x, noise = torch.randn(2, BATCH, D, generator=draws)
            scores = network(x, rho * x + math.sqrt(1 - rho**2) * noise)
            for name, reading in course.readings.items():
                seen[name][stair, step] = float(reading(scores.detach()))
            optimiser.zero_grad()
            (-course.lesson(scores)).backward()
            optimiser.step()
    return seen


def measured(critic: str, name: str, seed: int, seen: NDArray[np.float64]) -> list[dict[str, object]]:
    """Return the rows of one critic and reading: mean and standard deviation of the last quarter of each stair."""
    late = seen[:, -max(seen.shape[1] // 4, 1) :]
    rows: list[dict[str, object]] = []
    for stair, truth in enumerate(STAIRS):
        common = {
            "benchmark": "mi_staircase",
            "case": f"{critic}, {name}, truth {truth:g}, {seen.shape[1]} steps, seed {seed}",
            "unit": "nats",
        }
        rows.append(common | {"metric": "estimate", "value": float(late[stair].mean())})
        rows.append(common | {"metric": "standard deviation over batches", "value": float(late[stair].std())})
    return rows


def smooth(seen: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return a running mean within each stair, over up to `window` steps."""
    total = np.cumsum(np.pad(seen, ((0, 0), (1, 0))), axis=1)
    stop = np.arange(1, seen.shape[1] + 1)
    start = np.maximum(stop - window, 0)
    return (total[:, stop] - total[:, start]) / (stop - start)


def draw(path: Path, curves: dict[tuple[str, str], list[NDArray[np.float64]]]) -> None:
    """Draw one panel per estimator: each seed's running mean for each critic, against the truth."""
    names = list(dict.fromkeys(name for _, name in curves))
    columns = (len(names) + 1) // 2
    with mpl.rc_context(STYLE), atomic_path(path) as temporary:  # type: ignore[arg-type] # the keys are matplotlib's
        figure = Figure(figsize=(2.7 * columns, 5), layout="constrained")
        axes = figure.subplots(2, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axis, name in zip(axes, names, strict=False):
            panel(axis, name, {critic: seen for (critic, other), seen in curves.items() if other == name})
        for axis in axes[len(names) :]:
            axis.set_axis_off()
        axes[0].legend(fontsize=7, loc="upper left", frameon=False)
        steps = {critic: seeds[0].shape[1] for (critic, _), seeds in curves.items()}
        lengths = ", ".join(f"{number} steps ({critic})" for critic, number in steps.items())
        figure.supxlabel(f"stairs climbed, each of {lengths}", fontsize=8)
        figure.supylabel("mutual information, nats", fontsize=8)
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def panel(axis: Axes, name: str, curves: dict[str, list[NDArray[np.float64]]]) -> None:
    """Draw one estimator."""
    for critic, seeds in curves.items():
        for number, seen in enumerate(seeds):
            line = smooth(np.clip(seen, SHOWN[0] - 5, SHOWN[1] + 5), max(seen.shape[1] // 40, 1)).ravel()
            thinned = slice(None, None, max(len(line) // 400, 1))
            climbed = np.arange(len(line)) / seen.shape[1]
            label = critic if number == 0 else None
            axis.plot(climbed[thinned], line[thinned], color=COLOURS[critic], linewidth=0.7, label=label)
    axis.stairs(STAIRS, np.arange(len(STAIRS) + 1), baseline=None, color="black", linewidth=1.2, label="truth")
    if name == "InfoNCE":
        axis.axhline(math.log(BATCH), color="#5b6472", linestyle="--", linewidth=0.8, label=f"log {BATCH}")
    axis.set_ylim(*SHOWN)
    axis.set_title("χ², as ½ log(1 + estimate)" if name == "χ²" else name, fontsize=8.5)
    axis.tick_params(labelsize=7)


def main() -> None:
    """Run the experiment."""
    words = argparse.ArgumentParser(description="Estimators of mutual information on a staircase of known truths.")
    words.add_argument("--steps", type=int, default=STEPS["separable"], help="per stair, separable critic (the original toy: 4000)")
    words.add_argument("--concatenated-steps", type=int, default=STEPS["concatenated"], help="per stair, concatenated critic")
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--rate", type=float, default=1e-3, help="learning rate of Adam")
    words.add_argument("--plot", type=Path, default=HERE.parent / "docs" / "figures" / "mi-staircase.svg")
    options = words.parse_args()
    steps = {"separable": options.steps, "concatenated": options.concatenated_steps}
    curves: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for critic in CRITICS:
        for course in COURSES:
            for seed in range(options.seeds):
                for name, seen in climb(course, critic, seed, steps[critic], options.rate).items():
                    curves.setdefault((critic, name), []).append(seen)
                    record(measured(critic, name, seed, seen))
    draw(options.plot, curves)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
