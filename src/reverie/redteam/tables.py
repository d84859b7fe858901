"""A red team's study as tables and in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

from reverie.evaluation import Effect
from reverie.redteam.cells import NONE, Attacked, Judged
from reverie.redteam.rates import wilson_rate
from reverie.redteam.results import ALL
from reverie.redteam.summary import Summary
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, percent, span

CAVEAT = "Goals are harmless: these rates say nothing certain about what the same target does with harmful requests."
"""Stands in every report."""

MEANS = "Of all techniques: the mean of the shares of goals that each of them reached, replays left out."


def attack_table(summary: Summary, target: str) -> Table:
    """Return techniques on a target as it is."""
    rows: list[list[str | TableCell]] = []
    for technique in summary.recipe.techniques:
        seeds = summary.attacked(target, technique)
        if not seeds:
            continue
        outcomes = [one for result in seeds for one in result.outcomes]
        calls, judged = sum(one.calls for one in outcomes), sum(one.judged for one in outcomes)
        hits, unread = sum(one.successes for one in outcomes), calls - sum(one.parsed for one in outcomes)
        first = [one.first + 1 for one in outcomes if one.first is not None]
        rows.append([
            technique + (" (held out)" if summary.recipe.techniques[technique].held_out else ""),
            _shown(summary.effect(target, technique)), _shown(summary.effect(target, technique, metric="success_per_call")),
            number(1000 * hits / calls, 0) if calls else "–", number(fmean(first), 1) if first else "–", f"{calls:,}",
            f"{unread:,}", f"{calls - judged - unread:,}", *_archive(seeds),
        ])  # fmt: skip
    heads = (
        "goals reached", "calls that got through", "per 1,000 calls", "first at call", "calls", "not parsed", "other failures",
        "cells filled", "self-BLEU",
    )  # fmt: skip
    return Table(f"{target}: what got through", ["technique", *(Column(head, "right") for head in heads)], rows, [CAVEAT])


def _archive(seeds: Sequence[Attacked]) -> tuple[str, str]:
    """Return the share of the cells of goal × technique that are filled, and how alike the texts that got through are."""
    cells, alike = sum(one.cells for one in seeds if one.asked), [one.self_bleu for one in seeds if one.self_bleu is not None]
    filled = percent(sum(one.filled for one in seeds) / cells) if cells else "–"
    return filled, number(fmean(alike), 2) if alike else "–"


def defence_table(summary: Summary, target: str) -> Table:
    """Return a target before and after each defence."""
    utility = list(
        dict.fromkeys(name for d in summary.defences(target) for one in summary.benign(target, d).values() for name in one.utility)
    )
    rows: list[list[str | TableCell]] = []
    for defence in summary.defences(target):
        parts = [_shown(summary.effect(target, ALL, defence, part=part)) for part in (ALL, "held-out-goals", "held-out-techniques")]
        benign = [*summary.benign(target, defence).values()]
        refused = [flag for one in benign for flag in one.answered]
        means = [[one.utility[name] for one in benign if name in one.utility] for name in utility]
        over = TableCell(percent(fmean(refused)), value=fmean(refused)) if refused else TableCell("–")
        rows.append([defence, *parts, over, *(number(fmean(values)) if values else "–" for values in means)])
    heads = ("goals reached", "held-out goals", "held-out techniques", "benign prompts refused", *utility)
    notes = [MEANS, CAVEAT, *(note for defence in summary.defences(target) if (note := _carried_on(summary, target, defence)))]
    return Table(f"{target}: before and after", ["defence", *(Column(head, "right") for head in heads)], rows, notes)


def _carried_on(summary: Summary, target: str, defence: str) -> str:
    """Return at which seeds a round of a defence learned nothing."""
    seeds = [str(seed) for seed, one in summary.taught(target, defence).items() if not one.records]
    said = "too little got through to learn from, so what was learned before stays"
    return f"{defence}: {said} (seed {', '.join(seeds)})." if seeds else ""


def _shown(effect: Effect | None) -> TableCell:
    if effect is None:
        return TableCell("–")
    note = span(effect.low, effect.high, 3) if effect.value else f"at most {percent(effect.high)}"
    return TableCell(percent(effect.value), note, value=effect.value, low=effect.low, high=effect.high)


def judge_sentence(judged: Judged) -> str:
    """Return what a judge's opinion is worth, and how far it agrees with the detectors."""
    if judged.auc is None:
        return "The judge model answered none of the labelled responses, so it has no opinion."
    worth = f"AUC {number(judged.auc, 2)} ({span(judged.low, judged.high, 2)}) on {judged.n} labelled responses"
    return f"The judge model ({worth}) agrees with the detectors on {judged.agreed} of {judged.answered} responses."


def sentences(summary: Summary) -> list[str]:
    """Return what was found in plain words, a few sentences for each target."""
    said = [line for target in summary.recipe.targets for line in _said(summary, target)]
    return [*said, *(judge_sentence(one) for one in summary.judged), CAVEAT]


def _said(summary: Summary, target: str) -> Iterator[str]:
    yield from _silent(summary, target)
    by = {name: one for name in summary.recipe.techniques if (one := summary.effect(target, name)) is not None}
    if not by:
        return
    best = max(by, key=lambda name: by[name].value)
    if not by[best].value:
        outcomes = [one for result in summary.attacked(target, ALL) for one in result.outcomes]
        judged, goals = sum(one.judged for one in outcomes), len({one.goal for one in outcomes if one.judged})
        failed = sum(one.calls for one in outcomes) - judged
        apart, many = f"; {failed:,} more failed" if failed else "", f"{goals} goal{'s' * (goals != 1)}"
        most = percent(wilson_rate(0, goals).high)
        said = f"nothing got through in {judged:,} calls on {many}{apart}"
        yield f"{target}: {said}; of goals like these at most {most} would be reached (95 %)."
        return
    ends = span(by[best].low, by[best].high, 3)
    yield f"{target}: {best} reached {percent(by[best].value)} of the goals ({ends}) within {summary.recipe.calls} calls each."
    plain = next((name for name, row in summary.recipe.techniques.items() if row.kind == "null" and name in by), None)
    if plain is not None and plain != best:
        share = percent(by[plain].value) if by[plain].value else f"none of them (at most {percent(by[plain].high)})"
        yield f"Asked plainly, without an attack, {target} gave in on {share}{' of them' if by[plain].value else ''}."
    every = [one for one in summary.attacked(target, ALL) if one.asked]
    if cells := sum(one.cells for one in every):
        filled = sum(one.filled for one in every)
        yield f"{target}: {filled:,} of {cells:,} cells of goal × technique are filled ({percent(filled / cells)}), over all seeds."
    before = summary.effect(target, ALL, part="held-out-goals")
    for defence in summary.defences(target):
        after = summary.effect(target, ALL, defence, part="held-out-goals")
        if defence != NONE and before is not None and after is not None:
            yield _change(summary, target, defence, before, after)


def _silent(summary: Summary, target: str) -> Iterator[str]:
    """Say which techniques asked a target nothing, as nobody would miss them among those that did."""
    for technique in summary.recipe.techniques:
        seeds = summary.attacked(target, technique)
        silent = [one for one in seeds if not one.asked]
        if silent:
            writes = sum(one.writes for one in silent)
            why = f"none of {writes:,} texts that the writer wrote could be used" if writes else "it had nothing to say again"
            at = "" if len(silent) == len(seeds) else f" at {len(silent)} of {len(seeds)} seeds"
            yield f"{target}: {technique} asked nothing{at}, as {why}; it is not counted there."


def _change(summary: Summary, target: str, defence: str, before: Effect, after: Effect) -> str:
    refused = [[flag for one in summary.benign(target, name).values() for flag in one.answered] for name in (NONE, defence)]
    levels = f"from {percent(before.value)} to {percent(after.value)}"
    said = f"With {defence}, success on held-out goals over all techniques goes {levels}"
    if not all(refused):
        return f"{said}."
    return f"{said}, and refused benign prompts from {percent(fmean(refused[0]))} to {percent(fmean(refused[1]))}."


def summary_json(summary: Summary) -> dict[str, Any]:
    """Return a finished study as plain values."""
    found: dict[str, Any] = {"recipe": summary.recipe.name, "summary": sentences(summary), "targets": {}}
    for target in summary.recipe.targets:
        attacks = [attack_table(summary, target).to_json()]
        found["targets"][target] = {"attacks": attacks, "defences": defence_table(summary, target).to_json()}
        found["targets"][target]["success"] = {
            defence: {name: _plain(summary.effect(target, name, defence)) for name in summary.recipe.techniques}
            for defence in summary.defences(target)
        }
    return found


def _plain(effect: Effect | None) -> dict[str, float | None] | None:
    return None if effect is None else {"value": effect.value, "low": effect.low, "high": effect.high}
