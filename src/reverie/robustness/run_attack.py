"""`reverie attack RUN`: a trained model is attacked as it is, nothing is fitted again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.data.splits.config import split_dataset
from reverie.llm.collm.recipe import COLLM
from reverie.models import load_model
from reverie.options import checked
from reverie.report.table import StudyReport, Table
from reverie.robustness.results import MORE, polluted_rows
from reverie.robustness.trained import CUT, TrainedConfig, attack_trained
from reverie.settings import overridden
from reverie.study.rows import append_rows
from reverie.training.run import open_recipe_dataset, open_run

if TYPE_CHECKING:
    from reverie.data.queries import Queries
    from reverie.data.split import Split
    from reverie.robustness.trained import TrainedAttack
    from reverie.study.call import Call

SAID = {
    "clean": "nothing",
    "random": "items drawn uniformly",
    "popular": "the most popular items",
    "near": "items often with the target",
    "chosen": "items that the model favours",
}


def report(folder: Path, settings: Sequence[str], smoke: bool, call: Call) -> StudyReport:
    """Pollute the histories of a trained run's test users, and say where the targets stand."""
    values: dict[str, Any] = {"users": 8, "candidates": 20, "pool": 4, "events": 1} if smoke else {}
    for setting in settings:
        values = overridden(values, setting, "users=20")
    config = checked(TrainedConfig, values, f"attack on {folder}")
    split, histories = _opened(folder, call.offline)
    model = load_model(folder)
    done = attack_trained(model, histories, split.train, config, show=call.show)
    if call.results is not None:
        append_rows(call.results, polluted_rows(done, config, split, folder.name, model.card.name), MORE)
    table, example = _table(done, split, f"{folder.name}: {model.card.name}"), _example(done, split)
    return StudyReport(_plain(done, split), [table, example], [])


def _opened(folder: Path, offline: bool) -> tuple[Split, Queries]:
    from reverie.llm.collm.study import is_study, run_collm

    if is_study(folder):
        done = run_collm(COLLM.load(str(folder / COLLM.file)), folder, show=False, offline=offline)
        return done.split, done.test
    recipe = open_run(folder).recipe
    split = split_dataset(open_recipe_dataset(recipe.dataset, offline), recipe.split)
    return split, split.test


def _plain(done: TrainedAttack, split: Split) -> dict[str, Any]:
    rows = [
        {
            "attack": row.attack,
            **{
                name: {"value": one.value, "low": one.low, "high": one.high, "n": one.n}
                for name, one in (("hr@10", row.hit), ("lift", row.lift), ("place", row.place), ("moved", row.moved))
            },
        }
        for row in done.rows
    ]
    return {"dataset": split.dataset, "attacks": rows}


def _table(done: TrainedAttack, split: Split, title: str) -> Table:
    asked = done.asked
    candidates = len(asked.candidates) // len(asked) if asked.candidates is not None else 0
    rows = []
    for row in done.rows:
        effects = [f"{e.value:+.3f} [{e.ends[0]:+.3f}, {e.ends[1]:+.3f}]" for e in (row.lift, row.moved)]
        lift, moved = effects if row.attack != "clean" else ("", "")
        rows.append((SAID[row.attack], f"{row.hit.value:.3f}", lift, f"{row.place.value:.3f}", moved))
    events = done.rows[-1].extra.shape[1]
    return Table(
        f"{title} on {split.dataset}, {len(asked)} users, {candidates} candidates, {events} events added",
        ("added", f"HR@{CUT} of the target", "lift [95 %]", "mean place", "moved [95 %]"),
        rows,
        ["place: 0 is first, 1 is last among the candidates; intervals over users"],
    )


def _example(done: TrainedAttack, split: Split) -> str:
    asked = done.asked
    history = asked.sequences.items[asked.start[0] : asked.stop[0]][-3:].tolist()
    target = split.vocabulary.title(int(asked.targets[0]))
    before, after = (_named(codes, split) for codes in (history, done.rows[-1].extra[0].tolist()))
    return f"e.g. after {before} came {after}, to promote '{target}'"


def _named(codes: list[int], split: Split) -> str:
    return ", ".join(f"'{split.vocabulary.title(code)}'" for code in codes)
