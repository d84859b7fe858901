"""Targets further ahead: where they may go, how often, and what stays."""

from __future__ import annotations

import math

import pytest
import torch

from reverie.data.batch import SequenceBatch
from reverie.nn.states import targets_ahead


def rows(*lengths: int, width: int = 0) -> SequenceBatch:
    """Rows of successive codes, so that a target tells how far it was moved."""
    width = width or max(lengths)
    items = torch.zeros(len(lengths), width, dtype=torch.int64)
    targets = items.clone()
    for row, length in enumerate(lengths):
        items[row, :length] = torch.arange(1, length + 1)
        targets[row, :length] = torch.arange(2, length + 2)
    return SequenceBatch(items, torch.tensor(lengths), torch.arange(len(lengths)), targets)


def test_no_share_changes_nothing() -> None:
    batch = rows(4, 1, 0, 7)
    assert torch.equal(targets_ahead(batch, 0.0).targets, batch.targets)


def test_targets_stay_inside_their_rows_and_padding_stays_empty() -> None:
    batch = rows(9, 1, 0, 4, width=12)
    torch.manual_seed(0)
    for _ in range(50):
        moved = targets_ahead(batch, 1.0).targets
        real = batch.targets > 0
        assert torch.equal(moved > 0, real)
        assert (moved >= batch.targets)[real].all()
        assert (moved <= batch.lengths[:, None] + 1)[real].all()
    assert moved[1, 0] == 2  # a row of one target keeps it


def test_how_far_targets_move_is_the_stated_law() -> None:
    share, reach, n = 0.4, 3, 40_000
    batch = rows(*[12] * n)
    torch.manual_seed(1)
    distance = (targets_ahead(batch, share, reach).targets - batch.targets)[:, 0]
    total = sum(1 / d for d in range(1, reach + 1))
    for d, expected in enumerate([1 - share, *(share / d / total for d in range(1, reach + 1))]):
        assert abs((distance == d).double().mean().item() - expected) < 4 * math.sqrt(expected * (1 - expected) / n)


def test_a_target_that_would_leave_its_row_is_the_last_one() -> None:
    torch.manual_seed(2)
    moved = targets_ahead(rows(3), 1.0, reach=20).targets[0]
    assert moved[1] == moved[2] == 4
    assert moved[0] in (3, 4)


def test_rows_that_ask_at_some_positions_only_stay_empty_elsewhere() -> None:
    batch = rows(5)
    batch.targets[0, [0, 3]] = 0
    torch.manual_seed(3)
    for _ in range(20):
        moved = targets_ahead(batch, 1.0).targets[0]
        assert moved[0] == moved[3] == 0
        assert (moved[[1, 2, 4]] > 0).all()


def test_a_batch_without_targets_is_refused() -> None:
    batch = rows(3)
    with pytest.raises(ValueError, match=r"targets of shape \[1, 3\]"):
        targets_ahead(SequenceBatch(batch.items, batch.lengths, batch.users), 0.5)
