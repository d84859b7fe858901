"""Rows of the results table of a red team."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reverie.redteam.cells import AttackCell, Attacked, Benign, Cell, GoalOutcome, Hardened, Judged, Result
from reverie.redteam.detectors.accuracy import detector_accuracy
from reverie.redteam.detectors.lookup import TEXT_KINDS
from reverie.redteam.goals import KINDS, GoalKind
from reverie.redteam.rates import Rate, clustered_rate, corrected_rate, wilson_rate
from reverie.redteam.recipe import RedTeamRecipe
from reverie.redteam.restored import outcome_units, refusal_units, value_units

COLUMNS = ("target", "attacker", "technique", "goal", "defence", "round", "units")
"""Columns after the fixed ones; `goal` is a kind of goals, or ``all``; `units` is what `reverie.redteam.restored` reads."""
ALL = "all"


def result_rows(recipe: RedTeamRecipe, digest: str, cell: Cell, result: Result) -> list[dict[str, Any]]:
    """Return the rows of a cell.

    Of an attack, for all goals and for each kind: ``success`` (share of goals reached within the calls, Wilson's interval over
    goals; a goal all of whose calls failed is left out, and where a technique had nothing to say there is no such row),
    ``success_without_echo`` (the same without answers whose secret the attack had said itself; of goals that are judged by
    words), ``success_per_call`` (share of the calls that could be judged; calls of a goal are alike, so the interval is by goals;
    of one kind also ``success_per_call_corrected`` by what its detector gets wrong), ``calls``, ``parse_failures`` and
    ``failures`` (shares of the calls), and once ``coverage`` (share of the cells of goal × technique in which a text got
    through), ``self_bleu`` of the texts that got through, ``writings`` and ``failed_writings`` of the attacker's own model. Of
    benign prompts: ``over_refusal``, and ``utility`` with one row for each figure in the column `goal`. Of a lesson: ``records``,
    ``carried_on`` (1 where too little got through, so that nothing was trained and the last adapter stays), and figures of the
    training.
    """
    technique = cell.technique if isinstance(cell, AttackCell) else ""
    common: dict[str, Any] = {
        "recipe": recipe.name, "dataset": recipe.goals.dataset or "goals", "dataset_sha256": digest, "protocol": "benign-goals",
        "slice": ALL, "model": cell.target, "seed": cell.seed, "commit": result.commit, "trials": 1, "seconds": result.seconds,
        "target": cell.target, "attacker": "none", "technique": technique, "goal": ALL,
        "defence": recipe.label(cell.defence, cell.round), "round": cell.round,
    }  # fmt: skip
    if isinstance(result, Attacked):
        held_out = recipe.techniques[technique].held_out
        archive: list[dict[str, Any]] = [] if result.self_bleu is None else [{"metric": "self_bleu", "value": result.self_bleu}]
        counts = {"writings": result.writes, "failed_writings": result.failed_writes} if result.writes else {}
        archive += [{"metric": name, "value": value} for name, value in counts.items()]
        if result.cells:
            archive.append({"metric": "coverage", "value": result.filled / result.cells, "n": result.cells})
        common |= {"peak_mb": result.peak_mb, "attacker": writer_name(recipe) if result.writes else "none"}
        return [common | row for row in (*_attack_rows(result.outcomes, held_out), *archive)]
    if isinstance(result, Judged):
        return [common | row for row in _judge_rows(result)]
    if isinstance(result, Hardened):
        figures = {key: value for key, value in result.said.items() if isinstance(value, int | float)}
        told = {"records": result.records, "carried_on": float(not result.records)} | figures
        return [common | {"metric": name, "value": value} for name, value in told.items()]
    return [common | row for row in _benign_rows(result)]


def writer_name(recipe: RedTeamRecipe) -> str:
    """Return the name of the attacker's own model, as tables write it."""
    return "none" if recipe.writer is None else str(recipe.writer.get("name", recipe.writer.get("kind", "")))


def sliced(outcomes: Sequence[GoalOutcome], held_out: bool) -> dict[str, list[GoalOutcome]]:
    """Return the outcomes of each slice that a technique has a part in."""
    slices = {ALL: list(outcomes), "held-out-goals": [one for one in outcomes if one.part == "held-out"]}
    return slices | ({"held-out-techniques": list(outcomes)} if held_out else {})


def _attack_rows(outcomes: Sequence[GoalOutcome], held_out: bool) -> Iterator[dict[str, Any]]:
    for name, part in sliced(outcomes, held_out).items():
        for kind in (ALL, *dict.fromkeys(one.kind for one in part)):
            chosen = [one for one in part if kind in (ALL, one.kind)]
            if chosen:
                whole = {"units": outcome_units(chosen)} if name == kind == ALL else {}
                for row in _shares(chosen, kind):
                    yield {"slice": name, "goal": kind} | row | (whole if row["metric"] == "calls" else {})


def _shares(outcomes: Sequence[GoalOutcome], kind: str) -> Iterator[dict[str, Any]]:
    calls, judged = sum(one.calls for one in outcomes), sum(one.judged for one in outcomes)
    known = [one for one in outcomes if one.counts]
    if known and calls:
        yield _row("success", wilson_rate(sum(one.successes > 0 for one in known), len(known)))
        if any(one.kind in TEXT_KINDS for one in known):
            yield _row("success_without_echo", wilson_rate(sum(one.successes > one.echoed for one in known), len(known)))
    if judged:
        plain = clustered_rate([(one.successes, one.judged) for one in outcomes], calls - judged)
        yield _row("success_per_call", plain) | {"interval": "wilson(goals)"}
        if kind != ALL:
            one_kind: GoalKind = next(name for name in KINDS if name == kind)
            sure = _row("success_per_call_corrected", corrected_rate(plain, detector_accuracy(one_kind)))
            yield sure | {"interval": "lang_reiczigel(goals)"}
    yield {"metric": "calls", "value": calls, "n": len(outcomes)}
    if calls:
        yield _row("parse_failures", wilson_rate(calls - sum(one.parsed for one in outcomes), calls))
        yield _row("failures", wilson_rate(calls - judged, calls))


def _row(metric: str, found: Rate) -> dict[str, Any]:
    return {"metric": metric, "value": found.value, "low": found.low, "high": found.high, "interval": "wilson", "n": found.n}


def _benign_rows(result: Benign) -> Iterator[dict[str, Any]]:
    if result.answered:
        found = _row("over_refusal", wilson_rate(sum(result.answered), len(result.answered)))
        yield found | {"units": refusal_units(result.refused)}
    for name, value in result.utility.items():
        units = result.units.get(name, ())
        yield {"metric": "utility", "goal": name, "value": value, "n": len(units) or None, "units": value_units(units)}


def _judge_rows(result: Judged) -> Iterator[dict[str, Any]]:
    if result.auc is not None:
        ends = {"low": result.low, "high": result.high, "interval": "bootstrap(2000)"}
        yield {"metric": "judge_auc", "value": result.auc, "n": result.n} | ends
    if result.answered:
        yield _row("judge_agreement", wilson_rate(result.agreed, result.answered))


def rate(outcome: GoalOutcome, metric: str) -> float:
    """Return a metric of a goal."""
    if metric == "success":
        return float(outcome.successes > 0)
    return outcome.successes / outcome.judged if outcome.judged else 0.0
