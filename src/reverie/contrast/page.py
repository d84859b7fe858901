"""A study as plots and as a page, with the inverse temperature that acts at each cosine."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from markupsafe import Markup

from reverie.contrast.summary import Summary, metrics_tables, study_table, summarise
from reverie.contrast.task import MeasuredStudy
from reverie.evaluation.intervals import t_interval
from reverie.files import write_text
from reverie.objectives import effective_inv_tau
from reverie.objectives.config import ADNCE
from reverie.report.page import Facts, Figure, Section, read, write_page
from reverie.report.plots import CARD, INK, MUTED, inline_svg, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class InverseTemperature:
    """A row's inverse temperature over the cosines that were observed."""

    name: str
    tau: float
    mu: float
    sigma: float
    cosines: tuple[float, ...]

    @property
    def ends(self) -> tuple[float, float]:
        """Least and greatest cosine."""
        return self.cosines[0], self.cosines[-1]

    def at(self, cosines: Sequence[float]) -> list[float]:
        """Return the inverse temperature at cosines, see `effective_inv_tau`."""
        f = torch.tensor(cosines, dtype=torch.float64)
        return [float(value) for value in effective_inv_tau(f, self.tau, self.mu, self.sigma)]

    @property
    def inverse_mean(self) -> float:
        """Mean inverse temperature over the cosines, by the trapezoidal rule over quantiles: 1/τ of the InfoNCE that matches it."""
        return float(np.trapezoid(self.at(self.cosines), dx=1 / (len(self.cosines) - 1)))


def effective(study: MeasuredStudy) -> list[InverseTemperature]:
    """Return the rows of a study that weight their negatives by a Gaussian, in order."""
    found = []
    for row in study.rows:
        loss = row.what
        seen = [outcome.cosines for outcome in row.outcomes if len(outcome.cosines) > 2]
        if not isinstance(loss, ADNCE) or loss.shuffled or loss.variant == "reweight_only" or not seen:
            continue
        if isinstance(loss.temperature, int | float):
            cosines = tuple(float(value) for value in np.mean(seen, axis=0))
            found.append(InverseTemperature(row.name, float(loss.temperature), loss.mu, loss.sigma, cosines))
    return found


_LINE, _BELOW = 26.0, 0.27
"""Height of a row, in points, and how far the dots of its seeds stand below its mean, in rows."""
_FRAME = 9
"""Room around a drawing, in points."""


def write_plots(study: MeasuredStudy) -> list[Path]:
    """Write the plots of a study into its folder."""
    drawn = {"rows.svg": draw_rows(summarise(study))}
    curves = effective(study)
    if curves:
        drawn["temperature.svg"] = draw_temperature(curves, study.dataset)
    for name, drawing in drawn.items():
        write_text(study.folder / name, standalone(drawing))
    return [study.folder / name for name in drawn]


def draw_rows(summary: Summary) -> Markup:
    """Draw the rows of a study: a faint dot per seed, the mean, and the 95 % t-interval of the mean over seeds."""

    def paint(axes: Axes) -> None:
        for at, row in enumerate(summary.rows):
            colour = MUTED if row.baseline else look(0).code
            if row.std:
                ends = t_interval(row.mean, row.std, len(row.values))
                axes.plot(ends, [at, at], color=colour, linewidth=1.6, alpha=0.75, solid_capstyle="round")
            axes.plot(row.values, [at + _BELOW] * len(row.values), "o", markersize=4.5, color=colour, alpha=0.6, mew=0)
            axes.plot(row.mean, at, "D", markersize=6.5, color=colour, markerfacecolor=CARD if row.baseline else colour, zorder=3)
            if row.name == summary.against:
                axes.axvline(row.mean, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_ylim(len(summary.rows) - 0.4, -0.6)
        axes.set_yticks(range(len(summary.rows)), [row.name for row in summary.rows])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.06)
        axes.set_xlabel(summary.metric)

    alt = f"{summary.metric} of {', '.join(f'{row.name} {row.mean:.4f}' for row in summary.rows)}, with a dot per seed"
    return inline_svg(paint, "rows", alt, width=480, height=50 + _LINE * len(summary.rows))


def draw_temperature(curves: list[InverseTemperature], dataset: str) -> Markup:
    """Draw the inverse temperature that acts at a negative's cosine, beside that of the InfoNCE that matches it in the mean."""

    def paint(axes: Axes) -> None:
        for at, curve in enumerate(curves):
            colour, match = look(at).code, 1 / curve.inverse_mean if curve.inverse_mean > 0 else math.nan
            matching = f"InfoNCE τ = {match:.3g}" if curve.inverse_mean > 0 else "no InfoNCE matches it"
            low, high = curve.cosines[1], curve.cosines[-2]
            axes.plot(curve.ends, curve.at(curve.ends), color=colour, linewidth=1.2)
            axes.plot((low, high), curve.at((low, high)), color=colour, linewidth=3.2, label=f"{curve.name} ({matching})")
            axes.plot(curve.ends, [curve.inverse_mean] * 2, color=colour, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.set(xlabel="cosine of a negative at the end of training", ylabel="effective 1/τ")
        axes.margins(x=0.03, y=0.1)
        figure = axes.get_figure(root=True)
        if figure is not None:
            figure.legend(loc="outside upper left", fontsize=10)

    alt = f"Effective inverse temperature over the cosines of negatives on {dataset}: " + ", ".join(
        f"{curve.name} falls from {curve.at(curve.ends)[0]:.3g} to {curve.at(curve.ends)[1]:.3g}" for curve in curves
    )
    return inline_svg(paint, "temperature", alt, width=480, height=260 + 16 * len(curves))


def standalone(drawing: Markup) -> str:
    """Return a drawing as a file of its own, with the colours and the font of report pages and their background."""
    page = read("style.css")
    colours = page[: page.index("*, ::after {")]
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing)
    if box is None:
        raise ValueError("drawing must come from inline_svg")
    width, height = (float(length) + 2 * _FRAME for length in box.groups())
    size = f'width="{width:g}" height="{height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="-{_FRAME} -{_FRAME} {width:g} {height:g}"'
    ground = f'<rect x="-{_FRAME}" y="-{_FRAME}" {size} rx="8" style="fill: var(--card)"/>'
    whole = str(drawing).replace(f"<svg {box[0]}", head, 1)
    return whole.replace("</title>", f"</title><style>{colours}</style>{ground}", 1) + "\n"


def write_report(study: MeasuredStudy) -> Path:
    """Write the page into the folder of a study."""
    title = study.recipe.description.rstrip(".") or study.recipe.name
    facts = summarise(study).title.split(" · ")
    path = study.folder / "report.html"
    return write_page(path, title, sections(study), kind="contrast", name=study.recipe.name, facts=facts)


def sections(study: MeasuredStudy) -> list[Section]:
    """Return a study as sections of a page."""
    summary, curves = summarise(study), effective(study)
    drawn = "A faint dot for each seed, the mean, and the 95\u00a0% t-interval of the mean over seeds."
    figure = Figure(f"Rows in {summary.metric}", drawn, draw_rows(summary))
    found = [Section("rows", "Rows", [replace(study_table(summary), title=""), figure])]
    found += [Section("metrics", "All metrics", [replace(one, title="")], one.title) for one in metrics_tables(study)]
    if curves:
        note = "The inverse temperature that acts at a negative's cosine, beside that of the InfoNCE that matches it in the mean."
        figure = Figure(study.dataset, "", draw_temperature(curves, study.dataset))
        found.append(Section("temperature", "Temperature", [figure], note))
    facts = [
        ("Again", f"`{shlex.join(['reverie', 'contrast', str(study.folder / 'study.yaml')])}`"),
        ("Data", f"{study.dataset}. SHA-256 `{study.sha256}`"),
    ]
    return [*found, Section("again", "Again", [Facts(facts)])]
