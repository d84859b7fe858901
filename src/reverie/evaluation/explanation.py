"""One person explained without a language model: what is expected of them, and which of their events it rests on, both checked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from reverie.data.queries import Queries
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.errors import DataError
from reverie.evaluation.asked import without_targets
from reverie.evaluation.causes import causes, check_causes
from reverie.evaluation.expectations import (
    check_groups,
    expected_items,
    group_shares,
    held_out_people,
    item_groups,
    named_groups,
)
from reverie.protocols import Recommender

SHOWN, ASKED = 5, 100
"""Recommendations that are shown with their causes, and held-out people of the check of causes, at most."""


def history_of(sequences: Sequences, user: str, where: str) -> Queries:
    """Return all events of a user, by id, as a query without targets."""
    vocabulary = sequences.vocabulary
    code = int(vocabulary.user_codes([user])[0])
    rows = np.flatnonzero(sequences.users == code)[:1]
    if code < 0 or not len(rows):
        raise DataError(f"user '{user}' is not in the dataset of {where}; ids look like {vocabulary.users[0]}")
    return without_targets(sequences.take(rows))


def explain_person(model: Recommender, split: Split, history: Queries, device: str | None = None) -> dict[str, Any]:
    """Explain what a model of a split expects of one person, as plain values, beside checks on held-out people of the split."""
    vocabulary = split.vocabulary
    person, people = history, held_out_people(split)
    listed, lists = expected_items(model, person, device=device), expected_items(model, people, device=device)
    wanted = listed[:, :SHOWN][:, listed[0, :SHOWN] > 0]
    events, falls = causes(model, person, wanted, device)
    items = person.sequences.items
    shown = [
        {"title": vocabulary.title(int(code)), "because": None if at < 0 else vocabulary.title(int(items[at])), "fall": float(fall)}
        for code, at, fall in zip(wanted[0], events[0], falls[0], strict=True)
    ]
    few = people.take(np.arange(min(ASKED, len(people))))
    checked = check_causes(model, few, lists[: len(few), 0], device) if len(few) else None
    latest = items[person.start[0] : person.stop[0]][-SHOWN:]
    found: dict[str, Any] = {
        "user": str(vocabulary.users[int(history.users[0])]), "model": model.card.name, "events": int(person.lengths[0]),
        "latest": [vocabulary.title(int(code)) for code in latest], "recommended": shown,
        "causes_checked": None if checked is None else asdict(checked), "groups": None,
    }  # fmt: skip
    groups = item_groups(vocabulary)
    if groups is None or not len(people):
        return found
    own, usual = group_shares(listed, groups), group_shares(lists, groups)
    past = group_shares(items[None, person.start[0] : person.stop[0]].astype(np.int64), groups)[0]
    mean = usual.mean(axis=0)
    named = [
        {"name": groups.names[at], "share": float(own[0, at]), "usual": float(mean[at]), "history": float(past[at])}
        for at in named_groups(own, mean)[0]
        if own[0, at] > mean[at]
    ]
    check = check_groups(people, usual, groups, split)
    return found | {
        "groups": {"what": groups.what, "named": named, "checked": None if check is None else asdict(check)},
        "list": int((listed > 0).sum()),
    }  # fmt: skip
