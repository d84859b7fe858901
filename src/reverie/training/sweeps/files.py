"""Files of a sweep: the best recipe, a table, a plot."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.files import atomic_path, write_text
from reverie.training.recipe import RECIPES
from reverie.training.sweeps.config import Range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reverie.training.sweeps.config import Choice
    from reverie.training.sweeps.sweep import Sweep


_COLUMNS = 3
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "reverie",
    "text.parse_math": False,
    "font.size": 9,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#e4e4e4",
}
_DOT, _BEST = "#2f6fb0", "#c2571a"


def plot_trials(sweep: Sweep) -> str:
    """Draw the trials of a sweep."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    space = {} if sweep.recipe.sweep is None else sweep.recipe.sweep.space
    rows = -(-(1 + len(space)) // _COLUMNS)
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]  # the keys are matplotlib's
        figure = Figure(figsize=(3.2 * min(_COLUMNS, 1 + len(space)), 2.5 * rows), layout="constrained")
        panels = [figure.add_subplot(rows, min(_COLUMNS, 1 + len(space)), at + 1) for at in range(1 + len(space))]
        _order(panels[0], sweep)
        for panel, (key, dimension) in zip(panels[1:], space.items(), strict=True):
            _parameter(panel, sweep, key, dimension)
        for panel in panels:
            panel.set_ylabel(f"validation {sweep.recipe.training.metric}")
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _order(panel: Axes, sweep: Sweep) -> None:
    from matplotlib.ticker import MaxNLocator

    _dots(panel, sweep, [trial.number for trial in sweep.trials])
    done = [trial for trial in sweep.trials if trial.value is not None]
    so_far = [max(other.value or 0.0 for other in done[: at + 1]) for at in range(len(done))]
    panel.step([trial.number for trial in done], so_far, where="post", color=_BEST, linewidth=1)
    panel.set_xlabel("trial")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))


def _parameter(panel: Axes, sweep: Sweep, key: str, dimension: Range | Choice) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    given = [trial.setting[key] for trial in sweep.trials]
    if isinstance(dimension, Range):
        _dots(panel, sweep, given)
        if dimension.log:
            panel.set_xscale("log")
            panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.xaxis.set_major_formatter("{x:g}")
            panel.xaxis.set_minor_formatter(NullFormatter())
    else:
        _dots(panel, sweep, [dimension.values.index(value) for value in given])
        panel.set_xticks(range(len(dimension.values)), [str(value) for value in dimension.values])
        panel.set_xlim(-0.5, len(dimension.values) - 0.5)
    panel.set_xlabel(key)


def _dots(panel: Axes, sweep: Sweep, places: list[float]) -> None:
    for place, trial in zip(places, sweep.trials, strict=True):
        if trial.value is None:
            panel.plot([place], [0.98], "|", color="#888888", transform=panel.get_xaxis_transform())
        elif trial == sweep.best:
            panel.plot([place], [trial.value], "D", color=_BEST, zorder=3)
        else:
            panel.plot([place], [trial.value], "o", color=_DOT, markersize=4)


@dataclass(frozen=True)
class SweepFiles:
    """Where the results of a sweep are."""

    recipe: Path
    table: Path
    plot: Path


def write_sweep(sweep: Sweep) -> SweepFiles:
    """Write the best recipe, the table and the plot into the folder of a sweep; each file is replaced whole."""
    import polars as pl

    files = SweepFiles(*(sweep.folder / name for name in ("best.yaml", "trials.csv", "trials.svg")))
    write_text(files.recipe, RECIPES.dump(sweep.best_recipe))
    columns = ("number", "state", "value", "epoch", "seconds", "note")
    rows = [[getattr(trial, name) for name in columns] + list(map(_cell, trial.setting.values())) for trial in sweep.trials]
    keys = list(sweep.trials[0].setting)
    table = pl.DataFrame(rows, schema=[*columns, *keys], orient="row", infer_schema_length=None)
    with atomic_path(files.table) as temporary:
        table.write_csv(temporary)
    with atomic_path(files.plot) as temporary:
        temporary.write_text(plot_trials(sweep), encoding="utf-8")
    return files


def _cell(value: object) -> str:
    return "" if value is None else str(value)
