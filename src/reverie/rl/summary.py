"""A study over its seeds: each metric of each actor with its interval, comparisons, and tables of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from reverie.data.split import Split
from reverie.evaluation import Effect
from reverie.evaluation.effects import holm_by_metric, to_claim_row
from reverie.evaluation.intervals import paired_by_seed
from reverie.evaluation.values import Values
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import ended, number, span
from reverie.rl.acting import Actor, Trained
from reverie.rl.measures import effects_over_seeds, measured
from reverie.rl.recipe import IN_WORLD, REWARD, TOLD, Backbone, RLCheck, RLRecipe
from reverie.rl.restored import Named, effect_over_seeds
from reverie.study.environment import tell_commits

TABLE_WIDTH = 110
"""Widest table on a terminal, in characters."""


@dataclass(frozen=True)
class Group:
    """Who acted: a row on a backbone, one of its heads, and the weights of which epoch."""

    row: str
    backbone: Backbone | None
    actor: Actor


@dataclass(frozen=True)
class Numbers:
    """What was measured of a group at each seed, and numbers told once for each seed."""

    measured: Mapping[int, Mapping[Named, Values]]
    """By seed; without seeds at which the training failed."""
    told: Mapping[str, Mapping[int, float]]
    """By name and seed."""
    trained: Mapping[int, Trained]
    """By seed."""
    shown: Mapping[Named, Effect]
    """What tables show, over seeds with intervals."""

    def effect(self, metric: str, part: str = "all") -> Effect | None:
        """Return a metric that tables show; None where it was not measured."""
        return self.shown.get((part, metric))

    @property
    def flagged(self) -> int:
        """Number of seeds that the divergence watch marked."""
        return sum(bool(one.flags) for one in self.trained.values())


Groups = Mapping[Group, Numbers]
ORACLE = "oracle"
"""Name of the world's best policy."""
NOBODY = Actor("", "")
"""Who acted where every training failed."""


def grouped(
    recipe: RLRecipe, trained: Mapping[tuple[str, Backbone | None], Mapping[int, Trained]], best: float | None
) -> dict[Group, Numbers]:
    """Read what was measured, by row, backbone, policy and checkpoint; a row that failed at every seed stands there with nobody."""
    found: dict[Group, Numbers] = {}
    for (row, backbone), runs in trained.items():
        actors = dict.fromkeys(actor for run in runs.values() for actor in run.actors)
        if not actors and runs:
            found[Group(row, backbone, NOBODY)] = Numbers({}, {}, runs, {})
        for actor in actors:
            acted = {seed: run for seed, run in runs.items() if actor in run.actors}
            values = {seed: measured(run, actor, recipe.ks, best) for seed, run in acted.items()}
            said = {seed: run.acted[run.actors.index(actor)] for seed, run in acted.items()}
            told = {name: {seed: float(one[name]) for seed, one in said.items() if name in one} for name in TOLD}
            numbers = {name: values_of for name, values_of in told.items() if values_of}
            shown = effects_over_seeds(values, _shown(recipe, list(values.values())))
            found[Group(row, backbone, actor)] = Numbers(values, numbers, runs, shown)
    return found


def shares_of_oracle(groups: Groups, numbers: Numbers) -> dict[int, float]:
    """Return a group's return as a share of the oracle's in the same sessions, by seed; none where the world has no oracle."""
    oracle = next((one.measured for group, one in groups.items() if group.row == ORACLE and group.backbone is None), {})
    both = [
        (seed, values["all", "return"].value, oracle[seed]["all", "return"].value)
        for seed, values in numbers.measured.items()
        if ("all", "return") in values and seed in oracle
    ]
    return {seed: earned / best for seed, earned, best in both if best > 0}


def _shown(recipe: RLRecipe, values: Sequence[Mapping[Named, Values]]) -> list[Named]:
    """Return the slices and metrics that tables show."""
    k, parts = recipe.ks[0], dict.fromkeys(part for one in values for part, _ in one)
    world = [("all", "return"), ("all", "length")] if recipe.world is not None else []
    return [*world, *((part, f"ndcg@{k}") for part in parts), ("all", f"{REWARD}@{k}")]


def find_group(groups: Groups, side: str, checkpoint: str = "best") -> Group | None:
    """Return the group that ``row``, ``row/policy`` or ``row/policy/backbone`` names, the first policy and backbone by default.

    None where nothing was measured of it, because its training failed or that head learned nothing.
    """
    parts = side.split("/")
    for group in groups:
        names = (group.row, group.actor.policy, group.backbone)
        measured = groups[group].measured and (group.actor.checkpoint == checkpoint or group.backbone is None)
        if measured and names[: len(parts)] == tuple(parts):
            return group
    return None


def unmeasured_sides(recipe: RLRecipe, groups: Groups) -> list[str]:
    """Return the sides of claims that nothing was measured of, each once."""
    sides = [(side, claim.checkpoint) for claim in recipe.claims for side in (claim.first, claim.other)]
    return list(dict.fromkeys(side for side, checkpoint in sides if find_group(groups, side, checkpoint) is None))


def claim_rows(recipe: RLRecipe, groups: Groups, split: Split) -> list[dict[str, Any]]:
    """Return the comparisons of a recipe as rows of a claims table, corrected for their number by metric.

    The means of either side are paired by seed, whether the trainings are there or their rows alone; the test set counts as fixed.
    """
    rows = []
    for one in recipe.claims:
        sides = [find_group(groups, side, one.checkpoint) for side in (one.first, one.other)]
        if None in sides:
            continue
        first, other = (groups[side] for side in sides if side is not None)
        commits = ", ".join(sorted({run.commit for run in (*first.trained.values(), *other.trained.values())}))
        common: dict[str, Any] = {
            "dataset": split.dataset, "first": one.first, "other": one.other, "why": one.why, "commit": commits,
        }  # fmt: skip
        for metric in one.metrics:
            part, _, name = metric.rpartition("/")
            effect, values = _difference(first, other, part or "all", name)
            if effect is not None:
                rows.append(to_claim_row(effect, metric=metric, values=values, **common))
    return holm_by_metric(rows)


def _difference(first: Numbers, other: Numbers, part: str, metric: str) -> tuple[Effect | None, tuple[float, float]]:
    """Return a difference over the seeds that both sides have, and the means of either side; None without such seeds."""
    sides = [
        numbers.told.get(metric)
        or {seed: values[part, metric].value for seed, values in numbers.measured.items() if (part, metric) in values}
        for numbers in (first, other)
    ]
    means = _of_both(*sides)
    return (paired_by_seed(*means), (fmean(means[0]), fmean(means[1]))) if means[0] else (None, (0.0, 0.0))


def _of_both(first: Mapping[int, float], other: Mapping[int, float]) -> tuple[list[float], list[float]]:
    """Return the values of either side at the seeds that both have."""
    seeds = [seed for seed in first if seed in other]
    return [first[seed] for seed in seeds], [other[seed] for seed in seeds]


def summary_json(recipe: RLRecipe, groups: Groups) -> dict[str, Any]:
    """Return what the tables of a study show as plain values."""
    found = []
    for group, numbers in groups.items():
        actor = {"policy": group.actor.policy, "checkpoint": group.actor.checkpoint}
        metrics: dict[str, Any] = {}
        for (part, metric), effect in numbers.shown.items():
            kept = {name: getattr(effect, name) for name in ("value", "low", "high", "seeds", "n", "interval")}
            metrics.setdefault(part, {})[metric] = kept
        said = {"metrics": metrics, "told": {name: list(values.values()) for name, values in numbers.told.items()}}
        found.append({"row": group.row, "backbone": group.backbone, **actor, **said, "flagged": numbers.flagged})
    return {"recipe": recipe.name, "groups": found}


def chosen_by(recipe: RLRecipe) -> str:
    """Return what chose the settings of rows with a grid."""
    if recipe.tuning is None:
        return f"{recipe.training.metric} on validation"
    return f"return in another session world (seed {recipe.tuning.seed})"


def checks_table(recipe: RLRecipe, groups: Groups, title: str = "") -> Table:
    """Return the bounds of a recipe and whether they are kept by the whole interval over seeds."""
    rows: list[list[str | TableCell]] = []
    for one in recipe.checks:
        group = find_group(groups, one.side, one.checkpoint)
        numbers = None if group is None else groups[group]
        share = one.metric == "share_of_oracle"
        values = {} if numbers is None else shares_of_oracle(groups, numbers) if share else numbers.told.get(one.metric, {})
        bound = " and ".join(f"{sign} {end:g}" for sign, end in (("≥", one.at_least), ("≤", one.at_most)) if end is not None)
        effect = effect_over_seeds(list(values.values())) if values else None
        rows.append([one.side, one.metric, bound, _cell(effect, 3), _kept(one, effect)])
    notes = ["Weights after the last epoch, where nothing else is said.", interval_note(recipe)]
    return Table(title, ["side", "metric", Column("bound", "right"), Column("value", "right"), "kept"], rows, notes)


def _kept(check: RLCheck, effect: Effect | None) -> str:
    """Return whether a bound is kept: by the interval, by the mean alone, or not."""
    if effect is None:
        return "not measured"

    def within(low: float, high: float) -> bool:
        return low >= (-math.inf if check.at_least is None else check.at_least) and high <= (
            math.inf if check.at_most is None else check.at_most
        )

    if not within(effect.value, effect.value):
        return "no"
    known = effect.low is not None and effect.high is not None
    return "yes" if known and within(*effect.ends) else "by the mean, not by the interval"


def summary_tables(recipe: RLRecipe, groups: Groups, split: Split, best: float | None, error: Sequence[str] = ()) -> list[Table]:
    """Return the study as tables: what was earned in the world, and what was ranked on the test, for each kind of weights.

    `error` says how well the world imitates what it was made from.
    """
    tables = []
    for checkpoint in recipe.checkpoints:
        chosen = {
            group: one for group, one in groups.items() if group.actor.checkpoint in (checkpoint, "") or group.backbone is None
        }
        if recipe.world is not None:
            tables.append(_world_table(recipe, chosen, checkpoint, best, error))
        tables.append(_ranking_table(recipe, chosen, split, checkpoint))
    return [table for table in tables if table.rows]


def interval_note(recipe: RLRecipe) -> str:
    """Return how the intervals of tables are made."""
    return f"Intervals: {'t over seeds' if recipe.seeds > 1 else 'bootstrap over queries or sessions of the one seed'}, 95 %."


_TOLD_HEADS = ("Q over", "Q over Q*", "Q - logged", "R error", "T error")
"""Heads of `TOLD`."""
WEIGHTS = {"best": "weights of the epoch whose logits ranked best on validation", "last": "weights after the last epoch"}
"""Kinds of weights in words."""


def _world_table(recipe: RLRecipe, groups: Groups, checkpoint: str, best: float | None, error: Sequence[str]) -> Table:
    heads = ("row", "who acts", "return", "of the oracle", "length", *_TOLD_HEADS, "flagged")
    rows: list[list[str | TableCell]] = []
    for group, numbers in groups.items():
        earned, length = numbers.effect("return"), numbers.effect("length")
        if (earned is None or length is None) and group.actor != NOBODY:
            continue
        told = [_mean(numbers.told.get(name)) for name in TOLD]
        shares = shares_of_oracle(groups, numbers)
        share = f"{fmean(shares.values()):.1%}" if shares else ""
        cells: list[str | TableCell] = [
            _name(group),
            group.actor.policy or "–",
            _cell(earned, 3),
            share,
            "" if length is None else number(length.value, 1),
            *told,
            _flagged(numbers),
        ]
        rows.append(cells)
    title = f"{recipe.name} · world {recipe.world} · {recipe.seeds} seeds · {WEIGHTS[checkpoint]}"
    oracle = next((one.effect("return") for group, one in groups.items() if group.row == ORACLE and group.backbone is None), None)
    notes = (
        []
        if oracle is None
        else [f"The oracle earns {oracle.value:.3f} in the same sessions; oracle, myopic, random and the like know the world."]
    )
    if best is not None:
        notes.append(f"No policy has a mean return above {best:.3f}; regret, in the results, is what the return lies below it.")
    notes += [
        interval_note(recipe),
        f"Return: discounted, mean of {recipe.sessions:,} sessions a seed.",
    ]
    told_of_any = {name for numbers in groups.values() for name in numbers.told}
    if "q_over" in told_of_any:
        best_too = "; over Q*: with the best policy's exact values instead" if "q_over_best" in told_of_any else ""
        notes.append(f"Q over: mean(Q - Qπ) / mean(Qπ) on the steps of its own sessions{best_too}.")
    if "q_minus_logged" in told_of_any:
        notes.append("Q - logged: of held-out events, in units of reward; the log follows another policy.")
    if told_of_any & {"reward_error", "transition_error"}:
        notes += [
            "R error: 1 - rank correlation with the true rewards.",
            "T error: share of events after which the transition model points to another state.",
        ]
    notes += [f"Settings were chosen by {chosen_by(recipe)}; factors of ce+q by {recipe.training.metric} on validation.", *error]
    shown = [at for at in range(len(heads)) if at < 2 or any(_text(row[at]) for row in rows)]
    columns = [Column(heads[at], "left" if at < 2 else "right") for at in shown]
    return Table(title, columns, [[row[at] for at in shown] for row in rows], notes)


def _ranking_table(recipe: RLRecipe, groups: Groups, split: Split, checkpoint: str) -> Table:
    k = recipe.ks[0]
    wanted = [one for one in dict.fromkeys(one for numbers in groups.values() for one in numbers.shown) if one[1] not in IN_WORLD]
    rows: list[list[str | TableCell]] = []
    for group, numbers in groups.items():
        effects = [numbers.effect(metric, part) for part, metric in wanted]
        if group.actor != NOBODY and not any(effects):
            continue
        cells = [_cell(one) for one in effects]
        rows.append([_name(group), group.actor.policy or "–", *cells, _flagged(numbers)])
    heads = [metric if part == "all" else f"{metric} {part.removeprefix('kind:')}" for part, metric in wanted]
    title = f"{recipe.name} · {split.dataset} · {split.protocol} · seen items: {split.test.seen} · {WEIGHTS[checkpoint]}"
    notes = [ended(recipe.description)] if recipe.description else []
    notes += [f"NDCG@{k} by the kind of the target's event; {REWARD}@{k}: rewards of the targets among the first {k}, per query."]
    commits = tell_commits(run.commit for numbers in groups.values() for run in numbers.trained.values())
    columns = [Column("row"), Column("who acts"), *(Column(head, "right") for head in (*heads, "flagged"))]
    return Table(title, columns, rows, [*notes, interval_note(recipe), *commits])


def _text(cell: str | TableCell) -> str:
    return cell if isinstance(cell, str) else cell.text


def _name(group: Group) -> str:
    return group.row if group.backbone is None else f"{group.row} · {group.backbone}"


def _flagged(numbers: Numbers) -> str:
    return f"{numbers.flagged} of {len(numbers.trained)}" if numbers.flagged else ""


def _mean(values: Mapping[int, float] | None) -> TableCell:
    return TableCell(number(fmean(values.values()), 3), value=fmean(values.values())) if values else TableCell("")


def _cell(effect: Effect | None, digits: int = 4) -> TableCell:
    if effect is None:
        return TableCell("")
    return TableCell(number(effect.value, digits), span(effect.low, effect.high, digits), "", effect.value, effect.low, effect.high)
