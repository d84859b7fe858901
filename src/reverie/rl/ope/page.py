"""Estimates as a table, as a drawing with intervals, and as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from reverie.errors import ConfigError
from reverie.report.page import Block, Figure, Prose, Section, write_page
from reverie.report.plots import LINE, inline_svg, look
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, span
from reverie.rl.ope.overlap import MOST_MISSING
from reverie.rl.ope.policy import PolicyOnLog
from reverie.rl.ope.settings import Estimate, Settings
from reverie.rl.ope.states import state_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


FEW_PAID = 30
"""Effective number of rewarded rounds below which intervals were measured to cover less than they say."""


def headline(policy: PolicyOnLog) -> str:
    """Return what was asked, in one sentence."""
    log = policy.log
    sessions = f" in {log.n_sessions:,} sessions" if log.has_sessions else ""
    marked = ", with ESTIMATED propensities" if log.estimated else ""
    return f"{policy.said}, on {len(log):,} rounds{sessions} of {log.name}{marked}"


def estimates_table(policy: PolicyOnLog, estimates: Sequence[Estimate], settings: Settings) -> Table:
    """Return estimates as a table with what they rest on."""
    right = ("estimate", "95 % interval", "ess", "mean weight", "largest")
    columns: list[str | Column] = ["estimator", "of", *(Column(title, "right") for title in right)]
    rows: list[list[str | TableCell]] = []
    for one in estimates:
        value = "not given" if one.refused else number(one.value)
        mark = " (estimated propensities)" if one.propensities == "estimated" else ""
        weights = [_plain(one.ess, 0), _plain(one.mean_weight, 3), _plain(one.largest_weight, 1)]
        cell = TableCell(value, value=one.value, low=one.low, high=one.high)
        rows.append([one.estimator + mark, one.target, cell, span(one.low, one.high, 4), *weights])
    return Table(headline(policy), columns, rows, notes(policy, estimates, settings))


def _plain(value: float | None, digits: int) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if value >= 1e9 else f"{value:,.{digits}f}"


def notes(policy: PolicyOnLog, estimates: Sequence[Estimate], settings: Settings) -> list[str]:
    """Return what a person has to know beside the numbers, one sentence each."""
    log, said = policy.log, []
    used = {one.estimator for one in estimates}
    refused: dict[str, list[str]] = {}
    for one in estimates:
        if one.refused:
            refused.setdefault(one.refused, []).append(one.estimator)
    said += [f"{', '.join(names)}: {reason}" for reason, names in refused.items()]
    if log.by_people:
        said.append(
            "rounds are what people did, not what they were SHOWN: what was shown and passed over is missing, and a cart or a "
            "purchase repeats the item viewed before it, so a policy that repeats items looks better than it is"
        )
    if policy.trained_here:
        said.append(
            "the run was TRAINED ON THIS LOG: sessions that it knows flatter it; add --held-out, or judge it on a later log"
        )
    if log.estimated:
        said.append("propensities are ESTIMATED from the log: all weights suppose that the logging policy looked at nothing else")
    if any(one.ess is not None for one in estimates):
        said.append("ess: rounds or sessions that the weights are worth; their mean is 1 where propensities and support are right")
    if any(one.target == "return per session" for one in estimates):
        said.append(f"returns are discounted by γ = {settings.gamma:g}; a session ends with its last event")
    if used & {"ips", "clipped-ips", "snips", "dm", "dr", "switch"} and log.has_sessions:
        said.append("rewards per round are of what came up under the logging policy; what a policy leads to later is in returns")
    if used & {"dm", "dr", "switch", "sequential-dr", "fqe"}:
        said.append(f"models are shrunken means by item and {state_words(log)}, fitted on other sessions than those they judge")
    few = {one.estimator: one.paid for one in estimates if one.value is not None and one.paid is not None and one.paid < FEW_PAID}
    if few:
        least = min(few.values())
        said.append(
            f"{', '.join(few)}: worth {least:.1f} rewarded rounds at least; below {FEW_PAID} intervals cover less than 95 %"
        )
    guessed = max((one.extrapolated or 0.0 for one in estimates), default=0.0)
    if guessed >= 0.01:
        said.append(f"{guessed:.0%} of the policy's probability is on items never shown in the same state: there models guess")
    if used & {"dm", "fqe"}:
        said.append("intervals of dm and fqe speak of the log alone, not of what their model cannot express")
    if used & {"clipped-ips", "switch"}:
        limit = settings.clip or len(log) ** 0.5
        said.append(f"weights above {limit:.4g} are cut (clipped-ips) or left to the model (switch)")
    if "slate" in used:
        said.append("slate supposes that items add up over positions, which the logging policy filled independently of each other")
    if 0.0005 <= policy.missing <= MOST_MISSING:
        said.append(
            f"{policy.missing:.1%} of the policy's probability is on items that the log never shows, first {policy.never[0]}"
        )
    return said


def estimates_figure(estimates: Sequence[Estimate], target: str) -> Figure:
    """Draw the estimates of one target with their intervals, and what was logged as a line across."""
    shown = [one for one in estimates if one.target == target and one.value is not None]
    logged = next((one for one in shown if one.estimator == "logged"), None)

    def paint(axes: Axes) -> None:
        if logged is not None and logged.value is not None:
            axes.axvline(logged.value, color=LINE, linewidth=1.2)
        for place, one in enumerate(shown):
            drawn = look(0 if one.estimator == "logged" else 1)
            if one.low is not None and one.high is not None:
                axes.plot([one.low, one.high], [place] * 2, color=drawn.code, linewidth=1.6, solid_capstyle="round")
            axes.plot([one.value or 0.0], [place], drawn.marker, markersize=7.5, color=drawn.code)
        axes.set_yticks(range(len(shown)), [one.estimator for one in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(target)

    alt = "; ".join(f"{one.estimator} {number(one.value)} ({span(one.low, one.high, 4)})" for one in shown)
    svg: Markup = inline_svg(paint, f"ope-{target.split()[-1]}", f"Estimates of the {target}: {alt}", height=70 + 24 * len(shown))
    return Figure(target, "The line across is what the logging policy earned; bars are 95 % intervals.", svg)


def require_html(path: Path) -> None:
    """Refuse a path that is no page's."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"a page cannot be written to {path}; choose a name ending in .html for --out")


def write_ope_page(path: Path, policy: PolicyOnLog, estimates: Sequence[Estimate], settings: Settings) -> Path:
    """Write table, drawing and notes as one HTML file."""
    require_html(path)
    table = estimates_table(policy, estimates, settings)
    figures = [estimates_figure(estimates, target) for target in dict.fromkeys(one.target for one in estimates)]
    plain = Table("", table.columns, table.rows)
    blocks: list[Block] = [*figures, plain, *([Prose(list(table.notes), listed=True)] if table.notes else [])]
    return write_page(
        path,
        f"What a policy would have earned: {policy.log.name}",
        [Section("estimates", headline(policy), blocks, short="Estimates")],
    )
