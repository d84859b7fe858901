"""A study of long-term value as one page: tables, returns and values over epochs, over-estimation, comparisons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reverie.data.split import Split
from reverie.evaluation import Effect
from reverie.report.page import Facts, Figure, Section, write_page
from reverie.report.plots import Curve, Point, dot_plot, inline_svg, look
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, p_value, span
from reverie.rl.recipe import RLRecipe
from reverie.rl.restored import effect_over_seeds
from reverie.rl.summary import (
    WEIGHTS,
    Groups,
    Numbers,
    checks_table,
    claim_rows,
    interval_note,
    summary_tables,
    unmeasured_metrics,
    unmeasured_sides,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def write_report(
    folder: Path, recipe: RLRecipe, split: Split, groups: Groups, best: float | None, command: str, error: Sequence[str] = ()
) -> Path:
    """Write the page of a study into its folder."""
    facts = [split.dataset, split.protocol, f"{recipe.seeds} seeds", *([f"world {recipe.world}"] if recipe.world else [])]
    title = recipe.description.rstrip(".") or recipe.name
    found = sections(recipe, split, groups, best, error)
    found.append(Section("again", "Again", [Facts([("Again", f"`{command}`"), ("Data", f"SHA-256 `{split.sha256}`")])]))
    return write_page(folder / "report.html", title, found, kind="rl", name=recipe.name, facts=facts)


def sections(recipe: RLRecipe, split: Split, groups: Groups, best: float | None, error: Sequence[str] = ()) -> list[Section]:
    """Return a study as sections of a page."""
    tables = summary_tables(recipe, groups, split, best, error)
    found = [Section("tables", "Tables", tables)]
    if recipe.world is not None:
        checkpoint = "best" if "best" in recipe.checkpoints else recipe.checkpoints[0]
        note = f"{WEIGHTS[checkpoint].capitalize()}. {interval_note(recipe)}"
        for key, axis, of in (("returns", "discounted return", _earned), ("over", "mean(Q - Qπ) / mean(Qπ)", _over)):
            drawn = _dots(groups, checkpoint, of, key, axis)
            if drawn is not None:
                title = f"Return in world {recipe.world}" if key == "returns" else "Over-estimation of values"
                found.append(Section(key, title, [Figure(title, "", drawn)], note))
    found += [Section(key, title, figures, note) for key, title, figures, note in _curves(groups) if figures]
    if recipe.claims:
        found.append(Section("claims", "Comparisons", [claims_table(recipe, groups, split)]))
    if recipe.checks:
        found.append(Section("checks", "Bounds", [checks_table(recipe, groups)]))
    return found


def _dots(groups: Groups, checkpoint: str, of: Callable[[Numbers], Effect | None], key: str, axis: str) -> Any:
    """Draw a number of each actor, under the name of who acts; None where nobody has it."""
    by_policy: dict[str, list[Point]] = {}
    for group, numbers in groups.items():
        effect = of(numbers)
        if effect is not None and (group.actor.checkpoint == checkpoint or group.backbone is None):
            ends = None if effect.low is None or effect.high is None else (effect.low, effect.high)
            name = group.row if group.backbone is None else f"{group.row} · {group.backbone}"
            point = Point(name, look(len(by_policy)), 0.0, effect.value, ends)
            by_policy.setdefault(group.actor.policy or "controls", []).append(point)
    return dot_plot(by_policy, key, axis, f"{axis[0].upper()}{axis[1:]} of each row by who acts") if by_policy else None


def _earned(numbers: Numbers) -> Effect | None:
    return numbers.effect("return")


def _over(numbers: Numbers) -> Effect | None:
    values = numbers.told.get("q_over")
    return effect_over_seeds(list(values.values())) if values else None


def _curves(groups: Groups) -> list[tuple[str, str, list[Figure], str]]:
    """Return curves over epochs, mean over seeds: largest Q beside its bound, and the validation metric."""
    first: dict[tuple[str, str | None], Numbers] = {}
    for group, numbers in groups.items():
        first.setdefault((group.row, group.backbone), numbers)
    found = []
    asked = (("q_largest", "Largest value over epochs", "largest |Q|"), ("valid", "Validation over epochs", "validation"))
    for key, title, axis in asked:
        curves: list[Curve] = []
        for (row, backbone), numbers in first.items():
            epochs, values = _over_epochs(numbers, key)
            if values:
                name = f"{row} · {backbone}" if backbone else row
                curves.append(Curve(name, look(len(curves)), tuple(epochs), tuple(values)))
        note = "Mean over seeds." + (
            " No return exceeds r_max / (1 - γ), so values beyond it are wrong." if key == "q_largest" else ""
        )
        drawn = [Figure(title, "", _named_curves(curves, key, axis))] if curves else []
        found.append((key.replace("_", "-"), title, drawn, note))
    return found


_LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))
"""Kinds of lines, for more curves than there are colours."""


def _named_curves(curves: Sequence[Curve], key: str, axis: str) -> Markup:
    """Draw curves with their names above."""
    from matplotlib.ticker import MaxNLocator

    def paint(axes: Axes) -> None:
        seen = dict[str, int]()
        for one in curves:
            again = seen[one.look.code] = seen.get(one.look.code, -1) + 1
            marker = one.look.marker if len(one.values) == 1 else None
            line = _LINES[again % len(_LINES)]
            axes.plot(one.epochs, one.values, color=one.look.code, linewidth=1.8, linestyle=line, marker=marker, label=one.label)
        axes.set(xlabel="epoch", ylabel=axis)
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.margins(x=0.04, y=0.08)
        figure = axes.get_figure(root=True)
        if figure is not None:
            figure.legend(loc="outside upper left", fontsize=9, ncols=3)

    ends = ", ".join(f"{one.label} ends at {one.values[-1]:.3g}" for one in curves)
    return inline_svg(paint, key, f"{axis} by epoch: {ends}", width=560, height=290 + 15 * ((len(curves) + 2) // 3))


def _over_epochs(numbers: Numbers, key: str) -> tuple[list[float], list[float]]:
    """Return the epochs and the mean over seeds of a column of the logs."""
    by_epoch: dict[float, list[float]] = {}
    for run in numbers.trained.values():
        for row in run.log:
            name = next((name for name in row if name.startswith(key)), None)
            if name is not None:
                by_epoch.setdefault(row["epoch"], []).append(row[name])
    return list(by_epoch), [fmean(values) for values in by_epoch.values()]


def claims_table(recipe: RLRecipe, groups: Groups, split: Split, title: str = "") -> Table:
    """Return the comparisons of a recipe as a table, and the sides that nothing was measured of as a note."""
    rows, missing, unknown = claim_rows(recipe, groups, split), unmeasured_sides(recipe, groups), unmeasured_metrics(recipe, groups)
    columns = [Column(head) for head in ("first", "other", "question", "metric")]
    columns += [Column(head, "right") for head in ("difference", "95 % interval", "p (Holm)")]
    cells = []
    for row in rows:
        shown = row["p_holm"] is not None and row["p_holm"] < 0.05
        value = TableCell(number(row["difference"]), value=row["difference"], emphasis="bold" if shown else "none")
        p = "" if row["p_holm"] is None else p_value(row["p_holm"])
        cells.append([row["first"], row["other"], row["why"], row["metric"], value, span(row["low"], row["high"], 4), p])
    return Table(
        title,
        columns,
        cells,
        [
            "Paired by seed: t-interval and paired t-test over seeds, the test set is fixed; Holm over the rows of a metric.",
            *([f"Not compared, as nothing was measured of them: {', '.join(missing)}."] if missing else []),
            *([f"Not compared, as no seed of both sides has the metric: {', '.join(unknown)}."] if unknown else []),
        ],
    )
