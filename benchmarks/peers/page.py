"""What the race leaves behind: the long table, the page and the plot."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cells import EVERY, PATIENCE, STILL, points
from curves import Point, Spread, common_target, epoch_seconds, first_reaching, spread
from systems import CASES, MODEL, SYSTEMS

from reverie.files import append_csv, atomic_path, write_text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import COLUMNS, machine

ROOT = Path(__file__).resolve().parents[2]
TABLE, PAGE, PLOT = (
    ROOT / name for name in ("benchmarks/results/peers.csv", "docs/results/peers.md", "docs/figures/peer-race.svg")
)
COLOURS = dict(zip(SYSTEMS, ("#0b6e4f", "#d1495b", "#2e5eaa", "#edae49", "#8d6a9f"), strict=True))
Results = Mapping[str, Sequence[dict[str, Any]]]


def write_report(tuned: Results, raced: Results) -> None:
    """Write ``peers.csv``, ``peers.md`` and ``peer-race.svg`` from what has been run.

    Parameters
    ----------
    tuned, raced : mapping of str to sequence of dict
        Results of `cells.run_cell` by case; cases without a finished race are left out.
    """
    raced = {case: results for case, results in raced.items() if results}
    if not raced:
        print("nothing to report: no run of the race has finished")
        return
    targets = {case: target_of(results) for case, results in raced.items()}
    rows = [
        row
        for case, results in raced.items()
        for result in results
        for row in table_rows(result, targets[case], peer_target(results))
    ]
    TABLE.unlink(missing_ok=True)
    append_csv(TABLE, COLUMNS, rows)
    plot(raced, targets)
    write_text(PAGE, page(tuned, raced, targets))
    print(f"wrote {TABLE.name}, {PAGE.name} and {PLOT.name}")


def target_of(results: Sequence[dict[str, Any]]) -> float:
    """Return the common target of a case.

    Parameters
    ----------
    results : sequence of dict
        All runs of the race.

    Returns
    -------
    float
        NDCG@10 on validation.
    """
    return common_target([best_of(points(result)) for result in results])


def peer_target(results: Sequence[dict[str, Any]]) -> float | None:
    """Return a target that the best peer can be expected to reach: 95 % of the best median over a peer's seeds.

    Parameters
    ----------
    results : sequence of dict
        All runs of the race.

    Returns
    -------
    float or None
        NDCG@10; None where no peer has run.
    """
    best: dict[str, list[float]] = {}
    for result in results:
        if result["system"] != "reverie":
            best.setdefault(result["system"], []).append(best_of(points(result)))
    return common_target([statistics.median(values) for values in best.values()]) if best else None


def best_of(curve: Sequence[Point]) -> float:
    """Return the best value of a curve.

    Parameters
    ----------
    curve : sequence of Point
        One run.

    Returns
    -------
    float
        NDCG@10.
    """
    return max(point.value for point in curve)


def table_rows(result: dict[str, Any], target: float, peers: float | None) -> list[dict[str, object]]:
    """Return the rows of the long table for one run; a target that was not reached leaves its value empty.

    Parameters
    ----------
    result : dict
        From `cells.run_cell`.
    target : float
        NDCG@10.
    peers : float or None
        The second target, that of the best peer.

    Returns
    -------
    list of dict
        One for each metric.
    """
    curve = points(result)
    common: dict[str, object] = {
        "benchmark": "peers",
        "case": f"{result['case']} seed={result['seed']} budget={result['budget']:g}s ({result['setting']})",
        "system": result["system"],
        "version": result["facts"]["version"],
        "machine": machine(),
        "date": result["date"],
        "commit": result["commit"],
    }
    values: list[tuple[str, float | None, str]] = []
    for name, wanted in (("target", target), ("peer_target", peers)):
        if wanted is not None:
            reached = first_reaching(curve, wanted)
            never = "" if reached else f", not reached in {curve[-1].wall:.0f} s"
            values += [
                (f"seconds_to_{name}", reached.wall if reached else None, f"s{never}"),
                (f"cpu_seconds_to_{name}", reached.cpu if reached else None, f"s{never}"),
                (f"{name}_ndcg@10", wanted, ""),
            ]
    values += [
        ("best_ndcg@10", best_of(curve), ""),
        ("epoch_seconds", epoch_seconds(curve), "s"),
        ("trained_seconds", curve[-1].wall, "s"),
        ("trained_cpu_seconds", curve[-1].cpu, "s"),
        ("peak_mb", curve[-1].peak, "MB"),
        ("load_at_start", result["facts"]["load"], ""),
    ]
    return [common | {"metric": metric, "value": value, "unit": unit} for metric, value, unit in values]


def plot(raced: Results, targets: Mapping[str, float]) -> None:
    """Draw NDCG@10 against seconds of training, a line for each run.

    Parameters
    ----------
    raced : mapping
        Results by case.
    targets : mapping of str to float
        Target by case.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "reverie"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(raced), figsize=(6.2 * len(raced), 4.2), squeeze=False, layout="constrained")
    for axis, (case, results) in zip(axes[0], raced.items(), strict=True):
        named: set[str] = set()
        for result in results:
            curve, name = points(result), result["system"]
            label = f"{name} {result['facts']['version']}" if name not in named else None
            named.add(name)
            wall, value = [p.wall for p in curve], [p.value for p in curve]
            axis.plot(wall, value, marker="o", markersize=2.5, linewidth=1.3, color=COLOURS[name], label=label, alpha=0.85)
        axis.axhline(targets[case], color="black", linewidth=0.8, linestyle="--", label=f"target {targets[case]:.4f}")
        axis.set_xscale("log")
        axis.set_xlabel("seconds of training (wall clock, one core)")
        axis.set_ylabel("NDCG@10 on validation")
        axis.set_title(case)
        axis.set_ylim(bottom=0)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.grid(which="both", linewidth=0.3, alpha=0.5)
        axis.legend(loc="lower right", fontsize=8)
    with atomic_path(PLOT) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    plt.close(figure)


def page(tuned: Results, raced: Results, targets: Mapping[str, float]) -> str:
    """Return the page in Markdown.

    Parameters
    ----------
    tuned, raced : mapping
        Results by case.
    targets : mapping of str to float
        Target by case.

    Returns
    -------
    str
        All of it.
    """
    dims = ", ".join(f"{name} {value}" for name, value in MODEL.items())
    parts = [
        "# SASRec in five libraries: time to a common quality\n",
        "Written by `python benchmarks/peers/race.py`; the values of each run are in `benchmarks/results/peers.csv`.\n",
        f"Each library trains its SASRec ({dims}) on one core with one thread, on the same training events (leave one out). The "
        "clock starts when libraries are imported and events are in memory, so it counts the library's own preparation, and it "
        "stands still while a model is measured: after every epoch, and inside epochs that take longer than "
        f"{EVERY:g} CPU seconds. Every measurement writes each user's list for validation, seen items removed, and one evaluator "
        "(`reverie judge`) scores all lists. A run ends when its budget of CPU seconds is used up, or after "
        f"{PATIENCE} measurements and {STILL:g} CPU seconds without a better value.\n",
        "The **target** is 95 % of the best NDCG@10 on validation that any run of any library reached within its budget. The time "
        "to it is that of the first measurement at or above it; nothing is interpolated. Cells are median [lowest, highest] over "
        "seeds. Wall times carry the noise of a shared machine (the CSV has the load average at the start of each run); CPU "
        "seconds do not carry its waiting time, and the libraries take turns, so that noise hits all alike.\n",
        "A small validation set makes curves jump, so the first crossing and the best of many measurements are partly luck, the "
        "more so the more often a run is measured; trust no ratio below 1.5.\n",
        "![NDCG@10 against seconds of training](../figures/peer-race.svg)\n",
    ]
    for case, results in raced.items():
        parts += _case(case, results, tuned[case], targets[case])
    parts += ["## What differs between the libraries\n"]
    parts += [f"- **{name}**: {system.differs}" for name, system in SYSTEMS.items()]
    parts += ["", "Epoch seconds are a footnote: an epoch is not the same work everywhere.\n"]
    return "\n".join(parts)


def _case(case: str, results: Sequence[dict[str, Any]], tuned: Sequence[dict[str, Any]], target: float) -> list[str]:
    by_system = {name: [r for r in results if r["system"] == name] for name in SYSTEMS}
    by_system = {name: found for name, found in by_system.items() if found}
    wall, cpu = ({name: _times(found, target, clock) for name, found in by_system.items()} for clock in ("wall", "cpu"))
    lines = [
        f"## {case}\n",
        f"Target: NDCG@10 = **{target:.4f}**. Budget: {CASES[case].budget:g} CPU seconds a run.\n",
        "| system | setting | seeds | wall s to target | CPU s to target | CPU time against reverie | best NDCG@10 "
        "| wall s per epoch | peak MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, found in by_system.items():
        curves = [points(result) for result in found]
        cells = [
            f"{name} {found[0]['facts']['version']}",
            found[0]["setting"],
            str(len(found)),
            _reached(wall[name], curves, "wall", target),
            _reached(cpu[name], curves, "cpu", target),
            _ratio(cpu[name], cpu.get("reverie"), curves, target),
            _text(spread([best_of(curve) for curve in curves]), 4),
            _text(spread([epoch_seconds(curve) for curve in curves]), 1),
            _text(spread([curve[-1].peak for curve in curves]), 0),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *_verdict(by_system, wall, cpu, CASES[case].budget), *_remarks(by_system), ""]
    second = peer_target(results)
    if second is not None and second < target:
        lines += _second(by_system, second, CASES[case].budget)
    lines += [
        "Settings tried on seed 0 with half the budget; the one with the best value on validation races:\n",
        "| system | setting | best NDCG@10 | CPU s to the second target |",
        "|---|---|---|---|",
    ]
    raced = {(name, found[0]["setting"]) for name, found in by_system.items()}
    for result in sorted(tuned, key=lambda r: list(SYSTEMS).index(r["system"])):
        curve, setting = points(result), result["setting"]
        mark = "**" if (result["system"], setting) in raced else ""
        early = None if second is None else first_reaching(curve, second)
        time = "not reached" if early is None else f"{early.cpu:.1f}"
        lines.append(f"| {result['system']} | {mark}{setting}{mark} | {best_of(curve):.4f} | {time} |")
    return [*lines, "", *_faster_in_tuning(tuned, second), ""]


def _faster_in_tuning(tuned: Sequence[dict[str, Any]], target: float | None) -> list[str]:
    """Name the peers' settings that got to the second target before any of Reverie's did, raced or not."""
    if target is None:
        return []
    reached = [(result, first_reaching(points(result), target)) for result in tuned]
    own = min((point.cpu for result, point in reached if point and result["system"] == "reverie"), default=float("inf"))
    ahead = [f"{r['system']} with {r['setting']} ({p.cpu:.1f} CPU s)" for r, p in reached if p and p.cpu < own]
    if not ahead:
        return []
    return [f"Faster to the second target in tuning than any setting of Reverie ({own:.1f} CPU s): {', '.join(ahead)}."]


def _times(found: Sequence[dict[str, Any]], target: float, clock: str) -> Spread | None:
    reached = [first_reaching(points(result), target) for result in found]
    return spread([None if point is None else getattr(point, clock) for point in reached])


def _text(value: Spread | None, digits: int) -> str:
    return "" if value is None else f"{value.middle:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"


def _reached(value: Spread | None, curves: Sequence[Sequence[Point]], clock: str, target: float) -> str:
    if value is not None:
        return _text(value, 1)
    known = [point for point in (first_reaching(curve, target) for curve in curves) if point is not None]
    longest = max(getattr(curve[-1], clock) for curve in curves)
    some = f"{len(known)} of {len(curves)} seeds, " if known else ""
    return f"{some}not reached in {longest:.0f} s"


def _ratio(value: Spread | None, own: Spread | None, curves: Sequence[Sequence[Point]], target: float) -> str:
    if own is None:
        return ""
    if value is not None:
        return f"{value.middle / own.middle:.1f}"
    if any(first_reaching(curve, target) for curve in curves):
        return ""
    return f"> {min(curve[-1].cpu for curve in curves) / own.middle:.1f}"


def _verdict(
    by_system: Mapping[str, Any], wall: Mapping[str, Spread | None], cpu: Mapping[str, Spread | None], budget: float
) -> list[str]:
    """Say in words who is ahead, whoever it is."""
    lines, own = [], (wall.get("reverie"), cpu.get("reverie"))
    peers = {name: value for name, value in cpu.items() if name != "reverie" and value is not None}
    if own[0] is None or own[1] is None:
        lines.append("Reverie did not reach the target with every seed.")
    elif not peers:
        took = f"{own[0].middle:.1f} s of wall time ({own[1].middle:.1f} CPU s)"
        lines.append(f"No peer reached the target with every seed; Reverie took {took}.")
        if budget >= 2 * own[1].middle:
            lines.append("Peers had twice that time, or stopped getting better before: the aim of 2 is met.")
        else:
            lines.append("The budget is less than twice that, so the aim of 2 is **not** shown.")
    else:
        first = min(peers, key=lambda name: peers[name].middle)
        at_wall, at_cpu = wall[first], peers[first].middle / own[1].middle
        assert at_wall is not None
        by_wall = at_wall.middle / own[0].middle
        aim = "The aim of 2 is met." if min(by_wall, at_cpu) >= 2 else "The aim of 2 is **not** met."
        faster = "" if at_cpu >= 1 else " and faster than Reverie"
        lines.append(
            f"{first} is the fastest peer{faster}: {by_wall:.1f} times Reverie's wall time, {at_cpu:.1f} times its CPU time. {aim}"
        )
    return lines


def _remarks(by_system: Mapping[str, Any]) -> list[str]:
    """Say where a peer is better."""
    lines = []
    best = {name: max(best_of(points(result)) for result in found) for name, found in by_system.items()}
    ahead = [name for name in best if name != "reverie" and best[name] > best.get("reverie", 0.0)]
    if ahead:
        lines.append(f"Better than Reverie in the best value of a run: {', '.join(f'{n} ({best[n]:.4f})' for n in ahead)}.")
    memory = {name: max(points(result)[-1].peak for result in found) for name, found in by_system.items()}
    lighter = [name for name in memory if name != "reverie" and memory[name] < memory.get("reverie", 0.0)]
    if lighter:
        lines.append(f"Lighter than Reverie at the peak: {', '.join(f'{n} ({memory[n]:.0f} MB)' for n in lighter)}.")
    return lines


def _second(by_system: Mapping[str, Any], target: float, budget: float) -> list[str]:
    """Return a table of times to what the best peer can reach."""
    wall, cpu = ({name: _times(found, target, clock) for name, found in by_system.items()} for clock in ("wall", "cpu"))
    lines = [
        f"Second target, 95 % of what the best **peer** reaches (median over its seeds): NDCG@10 = **{target:.4f}**.\n",
        "| system | wall s to it | CPU s to it | CPU time against reverie |",
        "|---|---|---|---|",
    ]
    for name, found in by_system.items():
        curves = [points(result) for result in found]
        times = _reached(wall[name], curves, "wall", target), _reached(cpu[name], curves, "cpu", target)
        lines.append(f"| {name} | {times[0]} | {times[1]} | {_ratio(cpu[name], cpu.get('reverie'), curves, target)} |")
    return [*lines, "", *_verdict(by_system, wall, cpu, budget), ""]
