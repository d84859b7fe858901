"""Cells restored from their rows: the column ``units`` holds what comparisons are paired by, so that a study goes on elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reverie.redteam.cells import Attacked, Benign, GoalOutcome
from reverie.redteam.goals import Goal

Rows = Sequence[Mapping[str, str]]
_MARKS = {True: "1", False: "0", None: "-"}


def outcome_units(outcomes: Sequence[GoalOutcome]) -> str:
    """Return goals with counts: calls, judged, parsed, successes, blocked, echoed, and the first that got through or ``-``."""
    counts = ("calls", "judged", "parsed", "successes", "blocked", "echoed")
    numbers = [" ".join(str(getattr(one, name)) for name in counts) for one in outcomes]
    firsts = ["-" if one.first is None else str(one.first) for one in outcomes]
    return "; ".join(f"{one.goal} {some} {first}" for one, some, first in zip(outcomes, numbers, firsts, strict=True))


def refusal_units(refused: Sequence[bool | None]) -> str:
    """Return a mark for each benign prompt: 1 refused, 0 served, ``-`` where the call failed."""
    return "".join(_MARKS[flag] for flag in refused)


def value_units(values: Sequence[float]) -> str:
    """Return values to six digits."""
    return " ".join(format(value, ".6g") for value in values)


def attacked_of(rows: Rows, goals: Sequence[Goal]) -> Attacked:
    """Return what an attack did, from its rows."""
    known = {goal.id: goal for goal in goals}
    whole = {row["metric"]: row for row in rows if row["slice"] == "all" and row["goal"] == "all"}
    outcomes = []
    for text in whole["calls"]["units"].split("; "):
        name, *counts, first = text.split(" ")
        calls, judged, parsed, successes, blocked, echoed = map(int, counts)
        goal, at = known.pop(name), None if first == "-" else int(first)
        if not (0 <= echoed <= successes <= judged <= calls and max(parsed, blocked) <= calls and (at is None) == (successes == 0)):
            raise ValueError(f"the counts of {name} contradict each other")
        outcomes.append(GoalOutcome(name, goal.kind, goal.part, calls, judged, parsed, successes, blocked, at, echoed))
    if known:
        raise ValueError(f"there are no counts of {min(known)}")
    writes, failed = (int(float(whole[name]["value"])) if name in whole else 0 for name in ("writings", "failed_writings"))
    alike = float(whole["self_bleu"]["value"]) if "self_bleu" in whole else None
    cells = int(whole["coverage"]["n"]) if "coverage" in whole else 0
    filled = round(float(whole["coverage"]["value"]) * cells) if cells else 0
    seconds, peak = (float(rows[0][name] or 0) for name in ("seconds", "peak_mb"))
    return Attacked(tuple(outcomes), writes, failed, seconds, peak, rows[0]["commit"], alike, filled, cells)


def benign_of(rows: Rows) -> Benign:
    """Return what a target did with benign prompts and its own task, from its rows."""
    flags = {mark: flag for flag, mark in _MARKS.items()}
    refused = tuple(flags[mark] for row in rows if row["metric"] == "over_refusal" for mark in row["units"])
    own = [row for row in rows if row["metric"] == "utility"]
    utility = {row["goal"]: float(row["value"]) for row in own}
    units = {row["goal"]: [float(text) for text in row["units"].split()] for row in own}
    return Benign(refused, utility, units, float(rows[0]["seconds"] or 0), rows[0]["commit"])
