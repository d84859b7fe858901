"""What `reverie attack RUN` prints and writes: a table, an example, and a page in the run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverie.data.queries import Queries
from reverie.data.split import Split
from reverie.data.splits.config import split_dataset
from reverie.models import load_model
from reverie.options import checked
from reverie.report.page import Commands, Prose, Section, write_page
from reverie.report.table import StudyReport, Table
from reverie.robustness.results import MORE
from reverie.robustness.trained import CUT, TrainedAttack, TrainedConfig, attack_trained, polluted_rows
from reverie.settings import overridden
from reverie.study.call import Call
from reverie.study.rows import append_rows
from reverie.training.event_log import open_log
from reverie.training.run import load_run

SAID = {
    "clean": "nothing", "random": "items drawn uniformly", "popular": "the most popular items",
    "near": "items often with the target", "chosen": "items that the model favours",
}  # fmt: skip


def report(folder: Path, settings: Sequence[str], smoke: bool, call: Call) -> StudyReport:
    """Pollute the histories of a trained run's test users, and say where the targets stand."""
    values: dict[str, Any] = {"users": 8, "candidates": 20, "pool": 4, "events": 1} if smoke else {}
    for setting in settings:
        values = overridden(values, setting, "users=20")
    config = checked(TrainedConfig, values, f"attack on {folder}")
    split, histories = _opened(folder, call.offline, call.more.get("log"))
    model = load_model(folder)
    done = attack_trained(model, histories, split.train, config, show=call.show)
    if call.results is not None:
        append_rows(call.results, polluted_rows(done, config, split, folder.name, model.card.name), MORE)
    table, example = _table(done, split, f"{folder.name}: {model.card.name}"), _example(done, split)
    page = write_page(
        call.folder / "attack.html", _headline(done, model.card.name),
        [Section("added", "What was added to the histories, and where the targets stood then", [table, Prose([example])])],
        kind="attack", facts=(split.dataset, model.card.name, split.protocol), opening=(Commands([call.command]),),
    )  # fmt: skip
    return StudyReport(_plain(done, split), [table, example], [page])


def _opened(folder: Path, offline: bool, log: Path | None) -> tuple[Split, Queries]:
    from reverie.llm.collm.study import is_study, open_study

    if is_study(folder):
        done = open_study(folder, offline, log)
        return done.split, done.test
    recipe = load_run(folder).recipe
    split = split_dataset(open_log(folder, recipe.dataset, log, offline), recipe.split)
    return split, split.test


def _plain(done: TrainedAttack, split: Split) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for row in done.rows:
        effects = {"hr@10": row.hit, "lift": row.lift, "place": row.place, "moved": row.moved}
        plain = {name: {key: getattr(one, key) for key in ("value", "low", "high", "n")} for name, one in effects.items()}
        rows.append({"attack": row.attack} | plain)
    return {"dataset": split.dataset, "attacks": rows}


def _headline(done: TrainedAttack, model: str) -> str:
    """Return what the strongest attack did, in a sentence."""
    clean, best = done.rows[0], max(done.rows[1:], key=lambda row: row.hit.value)
    doubt = ", which can be chance" if best.lift.ends[0] <= 0 <= best.lift.ends[1] else ""
    where = f"from {clean.hit.value:.0%} to {best.hit.value:.0%} of the lists of {model}{doubt}"
    events = best.extra.shape[1]
    return f"{'One event' if events == 1 else f'{events} events'} added ({SAID[best.attack]}): a target goes {where}"


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
    sides = (history, done.rows[-1].extra[0].tolist())
    before, after = (", ".join(f"'{split.vocabulary.title(code)}'" for code in codes) for codes in sides)
    return f"e.g. after {before} came {after}, to promote '{target}'"
