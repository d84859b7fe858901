"""Metrics of the table against hand-made answers, and windows against plain slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from reverie.errors import DataError
from reverie.llm.interpreter.measure import (
    Answered,
    Mention,
    Truth,
    difference,
    most_popular,
    nearest,
    popularity_bands,
    recall_by_position,
    recovery_values,
    residual_values,
    with_intervals,
)
from reverie.llm.titles import Titles
from reverie.llm.windows import last_windows, sample_windows
from reverie.testing import tiny_dataset, tiny_split


def _answered(*rows: list[int]) -> Answered:
    return Answered([[Mention(str(code), code) for code in row] for row in rows], [""] * len(rows), [len(set(r)) for r in rows])


TRUTH = Truth([[1, 2, 3, 4], [5, 6]], np.array([7, 8]), np.array([2, 0, 0, 1, 1, 2, 2]), np.array([4, 6]))


def test_metrics_by_hand() -> None:
    values = {k: v.value for k, v in recovery_values(_answered([3, 1, 9, 0], []), TRUTH).items()}
    assert values["recall"] == pytest.approx((2 / 4 + 0) / 2)
    assert values["precision"] == pytest.approx((2 / 4 + 0) / 2)  # an empty answer has precision 0
    assert values["hallucination"] == pytest.approx(1 / 4)  # and no hallucination rate
    assert values["wrong_but_real"] == pytest.approx(1 / 4)
    assert values["order"] == -1
    assert values["recall_held_out"] == 0
    assert (values["recall_head"], values["recall_middle"], values["recall_tail"]) == (0.5, 0.5, 0)
    assert (values["recall_first"], values["recall_last"], values["exact_set"]) == (0.5, 0, 0)
    assert recall_by_position(_answered([3, 1], [6]), TRUTH) == [0.5, 0.5, 0, 1]


def test_a_perfect_answer_and_its_intervals() -> None:
    values = recovery_values(_answered([1, 2, 3, 4], [5, 6]), TRUTH)
    assert all(values[name].value == 1 for name in ("recall", "f1", "exact_order", "exact_set", "order", "recall_held_out"))
    found = with_intervals(values)
    assert found["recall"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 2}
    assert found["recall_held_out"]["n"] == 2
    other = recovery_values(_answered([1, 2], []), TRUTH)
    gain = difference(values["recall"], other["recall"])
    assert gain["value"] == pytest.approx(0.75)
    assert 0.5 <= gain["low"] <= gain["high"] <= 1
    cut = recovery_values(replace(_answered([1], [5]), ended=[True, False]), TRUTH)["unfinished"]
    assert (cut.numerator.tolist(), cut.denominator.tolist()) == ([0, 1], [1, 1])
    residual = residual_values(_answered([4, 1], []), Truth([[4], [6]], np.array([7, 8]), TRUTH.band, TRUTH.held_out))
    assert (residual["accuracy"].value, residual["accuracy_held_out"].value) == (0.5, 0.5)


def test_bands_are_thirds_of_the_events() -> None:
    assert popularity_bands(np.array([0, 10, 5, 5, 9, 1, 0])).tolist()[1:] == [0, 1, 2, 1, 2, 2]
    band = popularity_bands(np.array([0, 30, 30, 30, 0]))
    assert band[1:].tolist() == [0, 1, 2, 2]


def test_controls_without_a_language_model() -> None:
    table = torch.tensor([[1.0, 0.0], [0.0, 5.0], [0.6, 0.8]])
    assert nearest(torch.tensor([[0.6, 0.8]]), table, cosine=True).tolist() == [3]
    assert nearest(torch.tensor([[0.6, 0.8]]), table, cosine=False).tolist() == [2]
    popular = most_popular(np.array([0, 1, 5, 1]), [2], Titles(("Big", "Heat", "Big")))
    assert [[m.code for m in row] for row in popular] == [[2, 1]]


def test_windows_are_slices_without_the_barred_items() -> None:
    sequences = tiny_dataset().sequences
    windows = sample_windows(sequences, 50, length=5, shortest=3, seed=1, without=np.array([4]))
    assert len(windows) == 50
    assert set(windows.lengths.tolist()) <= {3, 4, 5}
    for at in range(50):
        row = sequences.row(int(np.flatnonzero(sequences.users == windows.users[at])[0])).tolist()
        found = windows.rows()[at]
        assert 4 not in found
        assert any(row[k : k + len(found)] == found for k in range(len(row)))
    again = sample_windows(sequences, 50, 5, 3, seed=1, without=np.array([4]))
    assert (again.items == windows.items).all()
    with pytest.raises(DataError, match="no history of 3"):
        sample_windows(sequences, 5, 5, 3, seed=1, without=np.arange(1, 21))


def test_last_windows_are_the_ends_of_histories() -> None:
    queries = tiny_split().test
    windows = last_windows(queries, length=4, shortest=3, count=10, seed=0)
    assert len(set(windows.users.tolist())) == len(windows) == 10
    for at, user in enumerate(windows.users):
        query = int(np.flatnonzero(queries.users == user)[0])
        assert windows.rows()[at] == queries.sequences.items[queries.start[query] : queries.stop[query]][-4:].tolist()
