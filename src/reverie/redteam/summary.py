"""A red team's study over seeds: success of each technique and defence with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from reverie.errors import RunError
from reverie.evaluation import Effect
from reverie.evaluation.intervals import mean_over_seeds, wilson
from reverie.redteam.cells import NONE, AttackCell, Attacked, Benign, BenignCell, Cell, GoalOutcome, Hardened, Judged, Result
from reverie.redteam.recipe import REPLAYS, RedTeamRecipe
from reverie.redteam.results import ALL, rate, sliced

REFUSING = "always-refuse"
"""The defence that withstands everything and serves nobody."""


@dataclass(frozen=True)
class Summary:
    """Finished cells of a study, by target, and by defence as tables name it."""

    recipe: RedTeamRecipe
    done: Mapping[Cell, Result | None]

    def attacks(self, target: str, technique: str, defence: str = NONE) -> Iterator[tuple[AttackCell, Attacked]]:
        """Yield the attacks of a technique on a defended target; `technique` may be ``all``."""
        for cell, result in self.done.items():
            if not isinstance(cell, AttackCell) or not isinstance(result, Attacked) or cell.target != target:
                continue
            if self.recipe.label(cell.defence, cell.round) == defence and technique in (ALL, cell.technique):
                yield cell, result

    def attacked(self, target: str, technique: str, defence: str = NONE) -> list[Attacked]:
        """Return what a technique did to a defended target, by seed."""
        return [result for _, result in self.attacks(target, technique, defence)]

    def outcomes(self, target: str, technique: str, defence: str = NONE, part: str = ALL) -> dict[int, list[GoalOutcome]]:
        """Return outcomes of goals by seed; of all techniques but replays, a goal has several.

        Where a technique had nothing to say on any goal, the target was not attacked, so nothing of it is among them.
        """
        by_seed: dict[int, list[GoalOutcome]] = {}
        for cell, result in self.attacks(target, technique, defence):
            if technique == ALL and self.recipe.techniques[cell.technique].kind in REPLAYS:
                continue
            chosen = sliced(result.outcomes, self.recipe.techniques[cell.technique].held_out).get(part, [])
            if any(one.calls for one in chosen):
                by_seed.setdefault(cell.seed, []).extend(chosen)
        return {seed: by_seed[seed] for seed in sorted(by_seed) if by_seed[seed]}

    def frames(self, target: str, technique: str, defence: str, metric: str, part: str = ALL) -> dict[int, pl.DataFrame]:
        """Return a metric of each goal (column ``user``), a frame for each seed; over techniques it is the mean of each goal.

        A goal all of whose calls failed is left out.
        """
        found = {}
        for seed, outcomes in self.outcomes(target, technique, defence, part).items():
            known = [one for one in outcomes if one.counts]
            frame = pl.DataFrame({"user": [one.goal for one in known], "value": [rate(one, metric) for one in known]})
            found[seed] = frame.group_by("user").agg(pl.col("value").mean()).sort("user")
        return {seed: frame for seed, frame in found.items() if len(frame)}

    def effect(self, target: str, technique: str, defence: str = NONE, metric: str = "success", part: str = ALL) -> Effect | None:
        """Return the mean of a metric over seeds and goals; None where nothing was measured.

        Where nothing was reached, or everything, or the same of each goal, a bootstrap has no width: the interval is then Wilson's
        for the number of goals.
        """
        frames = self.frames(target, technique, defence, metric, part)
        if not frames:
            return None
        found = mean_over_seeds([*frames.values()])
        if found.value not in (0.0, 1.0) and found.low != found.high:
            return found
        low, high = wilson(found.value, found.n)
        return replace(found, low=low, high=high, interval="wilson", p=None, test="none", detectable=None)

    def by_kind(self, target: str, technique: str, defence: str = NONE) -> dict[str, tuple[int, int]]:
        """Return goals reached and goals tried, over seeds, by kind; a goal that nothing was said on was not tried."""
        found: dict[str, tuple[int, int]] = {}
        for one in (one for outcomes in self.outcomes(target, technique, defence).values() for one in outcomes if one.judged):
            reached, tried = found.get(one.kind, (0, 0))
            found[one.kind] = reached + (one.successes > 0), tried + 1
        return found

    def benign(self, target: str, defence: str = NONE) -> dict[int, Benign]:
        """Return what a defended target did with benign prompts, by seed."""
        return {
            cell.seed: result
            for cell, result in self.done.items()
            if isinstance(cell, BenignCell) and isinstance(result, Benign) and cell.target == target
            if self.recipe.label(cell.defence, cell.round) == defence
        }

    def taught(self, target: str, defence: str) -> dict[int, Hardened]:
        """Return what a defence learned, by seed."""
        return {
            cell.seed: result
            for cell, result in self.done.items()
            if isinstance(result, Hardened) and cell.target == target and self.recipe.label(cell.defence, cell.round) == defence
        }

    @property
    def judged(self) -> list[Judged]:
        """What the judge said, by target."""
        return [result for result in self.done.values() if isinstance(result, Judged)]

    def defences(self, target: str) -> list[str]:
        """Return the defences that were measured on a target, ``none`` first."""
        there = {self.recipe.label(cell.defence, cell.round) for cell in self.done if cell.target == target}
        return [name for name in self.recipe.defended_names if name in there]


def worst_rate(summary: Summary, defended: bool = False) -> float:
    """Return the largest share of goals that a technique reached, on targets as they are, or each behind its best defence.

    The best defence is the one whose worst technique reaches least. One that refuses every benign prompt does not count, and
    neither does one behind which not all was tried, or of which nothing is known as the calls of a technique failed.

    Raises
    ------
    RunError
        If a target was not tried, or no call of a technique could be judged: it is then not known whether something gets through.
    """
    recipe, worst = summary.recipe, 0.0
    refusing = {
        recipe.label(name, at) for name, row in recipe.defences.items() if row.kind == REFUSING for at in range(1, row.rounds + 1)
    }
    for target in recipe.targets:
        tried = _tried(summary, target)
        _check_known(summary, target)
        rates = {}
        for defence in summary.defences(target) if defended else [NONE]:
            found = [summary.effect(target, name, defence) for name in recipe.techniques]
            refused = [flag for one in summary.benign(target, defence).values() for flag in one.answered]
            useless = defence in refusing or (defence != NONE and bool(refused) and all(refused))
            whole = defence == NONE or (_tried(summary, target, defence) >= tried and not _unknown(summary, target, defence))
            if whole and not useless and (values := [one.value for one in found if one is not None]):
                rates[defence] = max(values)
        behind = [rate for defence, rate in rates.items() if defence != NONE] or list(rates.values())
        worst = max(worst, min(behind, default=0.0))
    return worst


def _tried(summary: Summary, target: str, defence: str = NONE) -> set[tuple[str, int]]:
    """Return the techniques, each with a seed, that were tried on a defended target."""
    return {(cell.technique, cell.seed) for cell, _ in summary.attacks(target, ALL, defence)}


def _unknown(summary: Summary, target: str, defence: str = NONE) -> str:
    """Return a technique all of whose calls failed otherwise than by an answer that holds no list; empty where there is none."""
    for name in summary.recipe.techniques:
        outcomes = [one for result in summary.attacked(target, name, defence) for one in result.outcomes if one.calls]
        if outcomes and not any(one.judged or one.parsed < one.calls for one in outcomes):
            return name
    return ""


def _check_known(summary: Summary, target: str) -> None:
    """Raise where nothing can be said of a target as it is."""
    outcomes = [one for result in summary.attacked(target, ALL) for one in result.outcomes]
    calls, mend = sum(one.calls for one in outcomes), "correct the target and name another folder with --out, as failures are kept"
    if not calls:
        raise RunError(f"nothing was tried on '{target}', so nothing is known of it; run the study, with a technique that tries")
    if not any(one.judged for one in outcomes):
        raise RunError(f"none of {calls:,} answers of '{target}' could be judged, see 'failure' in its attempts.jsonl; {mend}")
    if name := _unknown(summary, target):
        raise RunError(f"no answer of '{target}' to '{name}' could be judged, see 'failure' in its attempts.jsonl; {mend}")
