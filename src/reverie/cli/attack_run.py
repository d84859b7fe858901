"""`reverie attack RUN`: a trained model is attacked as it is, nothing is fitted again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.cli.options import console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from reverie.data.queries import Queries
    from reverie.data.split import Split
    from reverie.robustness.trained import TrainedAttack

SAID = {
    "clean": "nothing",
    "random": "items drawn uniformly",
    "popular": "the most popular items",
    "near": "items often with the target",
    "chosen": "items that the model favours",
}


def attack_run(
    folder: Path, settings: Sequence[str], *, smoke: bool, results: Path | None, json: bool, quiet: bool, offline: bool
) -> None:
    """Pollute the histories of a trained run's test users, and print where the targets stand."""
    from reverie.cli.language import be_offline
    from reverie.models import load_model
    from reverie.options import checked
    from reverie.robustness.results import MORE, polluted_rows
    from reverie.robustness.trained import TrainedConfig, attack_trained
    from reverie.settings import overridden
    from reverie.study.rows import append_rows

    values: dict[str, Any] = {"users": 8, "candidates": 20, "pool": 4, "events": 1} if smoke else {}
    for setting in settings:
        values = overridden(values, setting, "users=20")
    config = checked(TrainedConfig, values, f"attack on {folder}")
    be_offline(offline)
    split, histories = _opened(folder, offline)
    model = load_model(folder)
    done = attack_trained(model, histories, split.train, config, show=not (quiet or json))
    if results is not None:
        append_rows(results, polluted_rows(done, config, split, folder.name, model.card.name), MORE)
    if json:
        print_json(_plain(done, split))
        return
    _print(done, split, f"{folder.name}: {model.card.name}", console(quiet))


def _opened(folder: Path, offline: bool) -> tuple[Split, Queries]:
    from reverie.data.splits.config import split_dataset
    from reverie.llm.collm.study import is_study, run_collm
    from reverie.training.run import open_recipe_dataset, open_run

    if is_study(folder):
        from reverie.llm.collm.recipe import COLLM

        done = run_collm(COLLM.load(str(folder / "recipe.yaml")), folder, show=False, offline=offline)
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


def _print(done: TrainedAttack, split: Split, title: str, screen: Console) -> None:
    from reverie.report.table import Table
    from reverie.robustness.trained import CUT

    asked = done.asked
    candidates = len(asked.candidates) // len(asked) if asked.candidates is not None else 0
    rows = []
    for row in done.rows:
        effects = [f"{e.value:+.3f} [{e.ends[0]:+.3f}, {e.ends[1]:+.3f}]" for e in (row.lift, row.moved)]
        lift, moved = effects if row.attack != "clean" else ("", "")
        rows.append((SAID[row.attack], f"{row.hit.value:.3f}", lift, f"{row.place.value:.3f}", moved))
    events = done.rows[-1].extra.shape[1]
    Table(
        f"{title} on {split.dataset}, {len(asked)} users, {candidates} candidates, {events} events added",
        ("added", f"HR@{CUT} of the target", "lift [95 %]", "mean place", "moved [95 %]"),
        rows,
        ["place: 0 is first, 1 is last among the candidates; intervals over users"],
    ).print(screen)
    history = asked.sequences.items[asked.start[0] : asked.stop[0]][-3:].tolist()
    target = split.vocabulary.title(int(asked.targets[0]))
    before, after = (_named(codes, split) for codes in (history, done.rows[-1].extra[0].tolist()))
    screen.print(f"e.g. after {before} came {after}, to promote '{target}'", markup=False)


def _named(codes: list[int], split: Split) -> str:
    return ", ".join(f"'{split.vocabulary.title(code)}'" for code in codes)
