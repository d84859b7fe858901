"""`rv.compare`: names, objects and own classes on one split; seeds, labels, what is left out, and the board's frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import reverie as rv
from reverie.report.decision import decide
from reverie.testing import tiny_split

SPLIT = tiny_split()


class Backwards:
    """The last item of the catalogue first; nothing is learned."""

    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        scores = torch.arange(SPLIT.vocabulary.n_items, dtype=torch.float32).repeat(batch.size, 1)
        return scores if items is None else scores.gather(1, items - 1)


class Broken(Backwards):
    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        return super().scores(batch, items)[:, 1:]


@pytest.fixture(scope="module")
def board() -> rv.Leaderboard:
    unfitted, done = rv.create_model("mf", SPLIT, dim=4), rv.create_model("ease", SPLIT)
    rv.fit(done, SPLIT, show=False)
    before = {name: value.clone() for name, value in unfitted.state_dict().items()}  # type: ignore[attr-defined]  # a module
    with pytest.warns(UserWarning, match=r"Broken is left out: model 'Broken' returned scores of shape"):
        found = rv.compare(SPLIT, ["ease", unfitted, done, Backwards(), Broken()], seeds=2, epochs=2, show=False)
    assert all(torch.equal(value, before[name]) for name, value in unfitted.state_dict().items())  # type: ignore[attr-defined]
    assert not unfitted.card.fitted
    return found


def test_each_is_a_row_beside_the_baselines(board: rv.Leaderboard) -> None:
    seeds = {row.label: row.seeds for row in board.rows}
    trained = dict.fromkeys(("ease", "mf", "Backwards", "popularity", "recent-popularity", "markov"), (0, 1))
    assert seeds == trained | {"ease #2": (0,)}
    assert list(board.left_out) == ["Broken"]
    values = [row.cells["ndcg@10"].value for row in board.rows]
    assert values == sorted(values, reverse=True)
    assert len(board.pairs) == 7 * 6 // 2


def test_a_row_is_what_fitting_and_measuring_by_hand_gives(board: rv.Leaderboard) -> None:
    row = next(row for row in board.rows if row.label == "mf")
    for seed in (0, 1):
        model = rv.create_model("mf", SPLIT, seed=seed, dim=4)
        rv.fit(model, SPLIT, learning_rate=3e-3, batch_size=1024, epochs=2, seed=seed, show=False)
        test = rv.evaluate(model, SPLIT.test, train=SPLIT.train, protocol=SPLIT.protocol)
        assert test.ranks.equals(row.runs[seed].test.ranks)
    ease, same = (next(row for row in board.rows if row.label == name) for name in ("ease", "ease #2"))
    assert same.cells["recall@10"].value == ease.cells["recall@10"].value
    lists = [rv.recommend(one.runs[0].model(), ["a03", "a06"]) for one in (ease, same)]
    assert lists[0].equals(lists[1])


def test_the_frame_holds_the_board(board: rv.Leaderboard) -> None:
    frame = board.frame
    assert frame["model"].to_list() == [row.label for row in board.rows]
    for row, shown in zip(board.rows, frame.iter_rows(named=True), strict=True):
        for name in board.metrics:
            cell = row.cells[name]
            assert (shown[name], shown[f"{name}_low"], shown[f"{name}_high"]) == (cell.value, cell.low, cell.high)
        pair = board.pair(board.best.label, row.label)
        assert shown["behind"] == (None if pair is None else pair.difference)
    assert frame.filter(model="ease #2").select("seconds", "peak_mb").row(0) == (None, None)


def test_a_board_is_sorted_and_tested_by_another_metric(board: rv.Leaderboard) -> None:
    other = board.sort("recall@10")
    assert other.order == "recall@10"
    values = other.frame["recall@10"].to_list()
    assert values == sorted(values, reverse=True)
    assert {row.label for row in other.rows} == {row.label for row in board.rows}
    for pair in other.pairs:
        first, second = (next(row for row in other.rows if row.label == name) for name in (pair.first, pair.other))
        assert pair.difference == pytest.approx(first.cells["recall@10"].value - second.cells["recall@10"].value)
    with pytest.raises(rv.ReverieError, match=r"unknown metric 'recal@10' .did you mean 'recall@10'"):
        board.sort("recal@10")
    with pytest.raises(rv.ReverieError, match=r"'coverage@10' has no interval .*board.frame.sort"):
        board.sort("coverage@10")


def test_a_mapping_gives_labels_and_baselines_can_be_left_out() -> None:
    board = rv.compare(SPLIT, {"mine": Backwards(), "usual": "popularity"}, baselines=False, metrics=["recall@25"], show=False)
    assert {row.label for row in board.rows} == {"mine", "usual"}
    assert len(board) == 2
    assert board[0] is board.best
    assert board["usual"].label == "usual"
    with pytest.raises(rv.ReverieError, match=r"unknown row 'usul' .did you mean 'usual'"):
        _ = board["usul"]
    assert board.metrics == ("recall@25", "ndcg@10")
    assert np.isfinite(board.best.cells["recall@25"].value)


def test_nothing_left_is_an_error() -> None:
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(rv.ReverieError, match="no model can be compared: Broken: model 'Broken' returned scores"),
    ):
        rv.compare(SPLIT, [Broken()], baselines=False, show=False)


def test_a_board_in_memory_has_no_folders_to_deploy(board: rv.Leaderboard) -> None:
    assert not board.stored
    assert decide(board).folders == []
    assert board.to_json()["rows"][0]["label"] == board.best.label
