"""Rounds of feedback as a table and as a drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reverie.evaluation.effects import Effect
from reverie.imagery.recognition.summary import Summary
from reverie.report.page import Figure
from reverie.report.plots import inline_svg, look
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, span

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

Lines = Mapping[str, Sequence[Effect | None]]


def _lines(summary: Summary) -> Lines:
    return {name: summary.rounds(guided, "random", "top1") for name, guided in (("feedback", True), ("redrawn", False))}


def rounds_table(summary: Summary) -> Table:
    """Return the share of concepts that stand first after each round, with feedback and without."""
    lines = _lines(summary)
    rows = [[str(at), *map(_cell, pair)] for at, pair in enumerate(zip(*lines.values(), strict=False), start=1)]
    gained, notes = summary.gained("random", "top1"), []
    if gained is not None:
        ends = span(gained.low, gained.high, 3)
        notes.append(f"Feedback over drawing anew, after the last round: {number(gained.value, 3)}{f' ({ends})' if ends else ''}.")
    return Table("", ["round", *(Column(name, "right") for name in lines)], rows, notes)


def _cell(effect: Effect | None) -> str | TableCell:
    if effect is None:
        return "–"
    return TableCell(number(effect.value, 3), span(effect.low, effect.high, 3), value=effect.value)


def rounds_figure(summary: Summary) -> Figure:
    """Draw the share of concepts that stand first, by round."""
    return Figure("First of the list, by round", "with the 95\u00a0% interval over concepts and seeds", _drawn(_lines(summary)))


def _drawn(lines: Lines) -> Markup:
    known = {name: [(at, one) for at, one in enumerate(found, start=1) if one is not None] for name, found in lines.items()}

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        for line, (name, points) in enumerate(known.items()):
            looks, x, y = look(line), [at for at, _ in points], [one.value for _, one in points]
            low = [one.value if one.low is None else one.low for _, one in points]
            high = [one.value if one.high is None else one.high for _, one in points]
            axes.plot(x, y, color=looks.code, marker=looks.marker, label=name)
            axes.fill_between(x, low, high, color=looks.code, alpha=0.12, linewidth=0)
        axes.set(xlabel="round", ylabel="share of concepts that stand first")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=8)

    ends = [(name, points[0][1].value, points[-1][1].value) for name, points in known.items() if points]
    said = "; ".join(f"{name} from {first:.2f} to {last:.2f}" for name, first, last in ends)
    return inline_svg(paint, "rounds", f"Share of concepts that stand first, by round: {said}", width=520)
