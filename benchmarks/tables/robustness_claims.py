"""Write ``results/robustness-claims.csv``: for each victim, the attack that lifts its targets most, against refitting and the next.

Run ``python benchmarks/tables/robustness_claims.py robustness-filmtrust-targets`` after
``reverie robustness robustness-filmtrust-targets``; the rows of that dataset are written anew. Lifts are compared on the same
targets and users; targets and users are resampled, and Holm's correction runs over all rows of a dataset. Which attack is the
strongest was seen on the same numbers, so that the comparison with refitting is optimistic; the one with the next says whether
its place is shown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reverie.evaluation.effects import holm_by_metric, to_claim_row, write_claims
from reverie.evaluation.intervals import difference_over_seeds
from reverie.robustness.benchmark import NONE, NULL, Benchmark, Cell
from reverie.robustness.recipe import ROBUSTNESS
from reverie.robustness.study import RobustnessStudy
from reverie.robustness.summary import MAIN, CellEffects, Done, shown_by_target
from reverie.study.run import run_study


def claims(done: Done) -> list[dict[str, Any]]:
    """Return the rows of a finished benchmark, corrected for their number."""
    rows: list[dict[str, Any]] = []
    for fakes in done.bench.recipe.budgets:
        for victim in done.bench.recipe.victims:
            tried = [one for one in done.attacked if (one.victim, one.fakes) == (victim, fakes) and one.lift]
            wanted = -1 if done.bench.recipe.goal.kind == "demote" else 1
            ordered = sorted(tried, key=lambda one: -wanted * one.lift[MAIN].value)
            rows += list(_rows(done.bench, ordered[:2]))
    return holm_by_metric(rows)


def _rows(bench: Benchmark, strongest: list[CellEffects]) -> Iterator[dict[str, Any]]:
    """Compare the strongest attack of a victim with the null attack, and with the next."""
    if not strongest:
        return
    first, *rest = strongest
    common = {"dataset": bench.arena.split.dataset, "metric": MAIN, "commit": ", ".join(sorted(bench.commits))}
    name = f"{first.attack} on {first.victim}, budget {first.fakes:g}"
    seeds = (bench.recipe.seeds, bench.recipe.seeds)
    null = (f"refitting {first.victim}", "does the strongest attack move its targets?", NULL, 0.0)
    others = [null, *((f"{one.attack} on {one.victim}", "is it stronger than the next?", one.attack, one.fakes) for one in rest)]
    for other, why, attack, fakes in others:
        sides = [_frames(bench, first.victim, first.attack, first.fakes), _frames(bench, first.victim, attack, fakes)]
        effect = difference_over_seeds(*sides, unit="targets")
        values = (first.after[MAIN].value, first.after[MAIN].value - effect.value)
        yield to_claim_row(effect, first=name, other=other, why=why, values=values, seeds=seeds, **common)


def _frames(bench: Benchmark, victim: str, attack: str, fakes: float) -> list[Any]:
    """Return the exposure by user of each seed and target."""
    seeds = range(bench.recipe.seeds)
    return shown_by_target([bench.measured(Cell(victim, attack, NONE, fakes, seed)) for seed in seeds], MAIN)


def main() -> None:
    """Read the arguments, compare, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="a finished robustness study")
    parser.add_argument("--runs", type=Path, default=None, help="its folder; runs/RECIPE by default")
    parser.add_argument("--out", type=Path, default=Path("results/robustness-claims.csv"))
    given = parser.parse_args()
    recipe = ROBUSTNESS.load(given.recipe)
    study = RobustnessStudy(recipe, given.runs or Path("runs") / recipe.name, detect=False, defend=False)
    rows = claims(study.summary(run_study(study)))
    write_claims(given.out, study.benchmark.arena.split.dataset, rows)
    for row in rows:
        print(f"{row['first']} against {row['other']}: {row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]", end="")
        print(f", p = {row['p_holm']:.3g} (normal, Holm)")


if __name__ == "__main__":
    main()
