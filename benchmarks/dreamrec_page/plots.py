"""The plots of the page, drawn from the two tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from reverie.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dreamrec_page.page import Numbers

BLUE, ORANGE, GREEN, PURPLE, GREY, RED = "#1d5fbf", "#c2410c", "#0b7f62", "#9d3f94", "#5b6472", "#8f2444"
STYLE = {
    "svg.hashsalt": "reverie",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.alpha": 0.6,
    "legend.frameon": False,
}
Facts = Mapping[str, Mapping[str, float]]


def write_plots(folder: Path, numbers: Numbers, labels: Mapping[str, str], published: float) -> None:
    """Write all plots.

    Parameters
    ----------
    folder : Path
        Gets the SVG files.
    numbers : Numbers
        The tables.
    labels : mapping of str to str
        Rows of the forest plot, in order, and how they are called there.
    published : float
        HR@20 of the paper in per cent.
    """
    drawn: dict[str, tuple[tuple[float, float], int, Callable[[Any], None]]] = {
        "one-matrix": ((9.5, 3.8), 2, lambda axes: one_matrix(axes, numbers.facts)),
        "collapse": ((11, 3.8), 3, lambda axes: collapse(axes, numbers.facts)),
        "rows": ((8.5, 0.36 * len(labels) + 1.3), 1, lambda axes: forest(axes[0], numbers, labels, published)),
        "guidance": ((9.5, 3.8), 2, lambda axes: guidance(axes, numbers.facts)),
        "staleness": ((6.5, 3.6), 1, lambda axes: staleness(axes[0], numbers, published)),
    }
    for name, (size, columns, draw) in drawn.items():
        with mpl.rc_context(STYLE), atomic_path(folder / f"dreamrec-{name}.svg") as temporary:
            figure = Figure(figsize=size, layout="constrained")
            draw(figure.subplots(1, columns, squeeze=False)[0])
            figure.savefig(temporary, format="svg", metadata={"Date": None})


def one_matrix(axes: list[Axes], facts: Facts) -> None:
    """Draw the gap of averaged draws against their number, and the spectrum of S."""
    seeds = sorted(case.removeprefix("gap ") for case in facts if case.startswith("gap "))
    for colour, seed in zip((BLUE, ORANGE, GREEN), seeds, strict=False):
        gap = {name: series(facts[f"gap {seed}"], rf"mean of (\d+) draws, {name}") for name in ("measured", "by the law")}
        first = seed == seeds[0]
        axes[0].plot(*gap["by the law"], color=colour, linewidth=1.2, label="√(trace S / n), closed form" if first else None)
        axes[0].plot(*gap["measured"], "o", color=colour, markersize=4.5, label="walks of 500 steps, averaged" if first else None)
        name = seed.replace("=", " ")
        axes[1].plot(*series(facts[f"law {seed}"], r"eigenvalue (\d+) of S"), ".-", color=colour, linewidth=1, label=name)
    axes[0].set(xscale="log", yscale="log", xlabel="draws n of the chain, averaged", ylabel="distance to the exact mean")
    axes[0].set_title("Draws of the chain average to the exact mean", fontsize=10)
    axes[1].set(yscale="log", xlabel="direction, by variance", ylabel="variance (eigenvalue of S)")
    axes[1].set_title("What noise is left at the end of the chain", fontsize=10)
    axes[0].xaxis.set_major_formatter("{x:g}")
    for axis in axes:
        axis.legend(fontsize=7.5)


def collapse(axes: list[Axes], facts: Facts) -> None:
    """Draw norms of item vectors, loss and HR@20 on validation against the epoch."""
    for group, colour in (("untrained", GREY), ("rare", ORANGE), ("frequent", BLUE)):
        axes[0].plot(*epochs(facts, "as published", f"norm of {group} items"), ".-", color=colour, label=f"{group} items")
    label = "distance of frequent items from their mean"
    axes[0].plot(*epochs(facts, "as published", label), ":", color=BLUE, label="frequent items, from their mean")
    axes[0].set(yscale="log", ylabel="length of item vectors", title="as published: item vectors")
    names = list(dict.fromkeys(case.split(",")[0].removeprefix("collapse ") for case in facts if case.startswith("collapse")))
    for name, colour in zip(names, (BLUE, ORANGE, GREEN, PURPLE), strict=False):
        axes[1].plot(*epochs(facts, name, "loss"), ".-", color=colour, label=name)
        found = epochs(facts, name, "recall@20")
        axes[2].plot(found[0], [100 * v for v in found[1]], ".-", color=colour, label=name)
    axes[1].set(yscale="log", ylabel="training loss", title="loss")
    axes[2].set(ylim=(0, None), ylabel="HR@20 on validation, %", title="HR@20 on validation")
    for axis, place in zip(axes, ("lower left", "lower left", "upper left"), strict=True):
        axis.set(xscale="symlog", xlim=(0, None), xlabel="epoch")
        axis.xaxis.set_major_formatter("{x:.0f}")
        axis.title.set_fontsize(10)
        axis.legend(fontsize=7.5, loc=place)


def forest(axis: Axes, numbers: Numbers, labels: Mapping[str, str], published: float) -> None:
    """Draw HR@20 of all rows with intervals, fitted on train and again on train and validation."""
    for offset, on, colour, marker in ((-0.16, "train", BLUE, "o"), (0.16, "train+valid", ORANGE, "s"), (0, "valid", GREEN, "D")):
        points = [(y, numbers.row(name, on)) for y, name in enumerate(labels) if numbers.has(name, on)]
        places = [y + offset for y, _ in points]
        value, low, high = ([100 * row[end] for _, row in points] for end in ("value", "low", "high"))
        spread = [[v - a for v, a in zip(value, low, strict=True)], [b - v for v, b in zip(value, high, strict=True)]]
        text = {"train": "fitted on train", "train+valid": "on train and validation", "valid": "on validation alone"}[on]
        axis.errorbar(value, places, xerr=spread, fmt=marker, color=colour, markersize=4.5, linewidth=1.1, capsize=0, label=text)
    axis.axvline(published, color=RED, linestyle="--", linewidth=1, label=f"published DreamRec, {published:.2f} %")
    axis.set_yticks(range(len(labels)), list(labels.values()), fontsize=9)
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")
    axis.set(xlim=(0, None), xlabel="HR@20 on test, %, with 95 % intervals by resampling sequences")
    axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.35, 1.0), ncols=4)


def guidance(axes: list[Axes], facts: Facts) -> None:
    """Draw metrics of the exact mean against the strength of guidance."""
    for axis, metric, title in zip(axes, ("recall@20", "ndcg@20"), ("HR@20", "NDCG@20"), strict=True):
        for part, colour, marker in (("valid", GREY, "s"), ("test", BLUE, "o")):
            strengths, low, value, high = [], [], [], []
            for case, found in facts.items():
                if case.startswith(f"guidance {part}, w="):
                    strengths.append(float(case.split("=")[1]))
                    for into, end in ((low, ", low"), (value, ""), (high, ", high")):
                        into.append(100 * found[metric + end])
            axis.plot(strengths, value, marker=marker, color=colour, label={"valid": "validation", "test": "test"}[part])
            axis.fill_between(strengths, low, high, color=colour, alpha=0.15, linewidth=0)
        axis.axvline(4, color=RED, linestyle="--", linewidth=1, label="published w = 4")
        axis.set(ylim=(0, None), xlabel="strength of guidance w", ylabel=f"{title}, %")
        axis.legend(fontsize=8)


def staleness(axis: Axes, numbers: Numbers, published: float) -> None:
    """Draw HR@20 of the most frequent items of ever older windows."""
    windows = {int(case.split()[-1]): found for case, found in numbers.facts.items() if case.startswith("popularity of window")}
    ages = sorted(windows)
    value = [100 * windows[age]["recall@20"] for age in ages]
    low, high = ([100 * windows[age][f"recall@20, {end}"] for age in ages] for end in ("low", "high"))
    spread = [[v - a for v, a in zip(value, low, strict=True)], [b - v for v, b in zip(value, high, strict=True)]]
    axis.errorbar(ages, value, yerr=spread, fmt="o-", color=GREEN, linewidth=1.1, markersize=4.5, label="20 most frequent items")
    axis.axhline(published, color=RED, linestyle="--", linewidth=1, label=f"published DreamRec, {published:.2f} %")
    axis.set(
        ylim=(0, None), xlabel="age of the data, in tenths of all sequences (1 = the validation part)", ylabel="HR@20 on test, %"
    )
    axis.set_xticks(ages)
    axis.invert_xaxis()
    axis.legend(fontsize=8, loc="lower left")


def series(values: Mapping[str, float], pattern: str) -> tuple[list[int], list[float]]:
    """Return the numbers that stand in names of metrics, ascending, and the values of these metrics."""
    found = sorted((int(match[1]), value) for name, value in values.items() if (match := re.fullmatch(pattern, name)))
    return [x for x, _ in found], [y for _, y in found]


def epochs(facts: Facts, name: str, metric: str) -> tuple[list[int], list[float]]:
    """Return one metric of a watched training by epoch; epochs without it are left out."""
    pattern = rf"collapse {re.escape(name)}, epoch (\d+)"
    by_case = {case: found[metric] for case, found in facts.items() if metric in found}
    return series(by_case, pattern)
