"""Logs in the layouts of other programs, and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from reverie.errors import ConfigError, DataError
from reverie.rl.ope.exchange import read_exchange, write_exchange
from reverie.rl.ope.log import LoggedRounds, from_frame


def sessions() -> LoggedRounds:
    frame = pl.DataFrame({
        "session": ["s2", "s1", "s1", "s2", "s1"],
        "step": [0, 0, 1, 1, 2],
        "item": ["b", "a", "c", "a", "a"],
        "reward": [0.0, 1.0, 0.5, 0.25, 1.0],
        "propensity": [0.5, 0.25, 0.125, 0.75, 1.0],
        "context": ["x", "y", "x", "x", "y"],
    })  # fmt: skip
    return from_frame(frame, "log")


@pytest.mark.parametrize("layout", ["obp", "d3rlpy"])
def test_logs_come_back(layout: str, tmp_path: Path) -> None:
    log = sessions().with_items(pl.Series(["never shown"]))
    paths = write_exchange(log, tmp_path / "log.npz", layout)
    assert {path.name for path in paths} >= {"log.npz", "log-items.csv", "log-rounds.csv"}
    back = read_exchange(tmp_path / "log.npz")
    assert back.items.to_list() == ["a", "b", "c", "never shown"]
    assert back.session_ids is not None
    assert back.session_ids.to_list() == ["s1", "s2"]
    for name in ("actions", "rewards", "propensities", "offsets"):
        np.testing.assert_array_equal(getattr(back, name), getattr(log, name), err_msg=name)
    if layout == "obp":
        assert back.context_ids is not None
        assert back.context_ids.to_list() == ["x", "y"]
        np.testing.assert_array_equal(back.contexts, log.contexts)


def test_the_arrays_are_those_that_the_others_read(tmp_path: Path) -> None:
    log = sessions()
    write_exchange(log, tmp_path / "obp.npz", "obp")
    feedback = dict(np.load(tmp_path / "obp.npz"))
    assert set(feedback) == {"n_rounds", "n_actions", "action", "position", "reward", "pscore", "context", "action_context"}
    assert (int(feedback["n_rounds"]), int(feedback["n_actions"])) == (5, 3)
    assert feedback["context"].shape == (5, 2)
    write_exchange(log, tmp_path / "mdp.npz", "d3rlpy", history=2)
    arrays = dict(np.load(tmp_path / "mdp.npz"))
    assert set(arrays) == {"observations", "actions", "rewards", "terminals"}
    np.testing.assert_array_equal(arrays["observations"], [[0, 0], [0, 1], [1, 3], [0, 0], [0, 2]])
    np.testing.assert_array_equal(arrays["terminals"], [0, 0, 1, 0, 1])
    table = pl.read_csv(tmp_path / "mdp-items.csv")
    assert table.select("action", "observed", "item").rows() == [(0, 1, "a"), (1, 2, "b"), (2, 3, "c")]


def test_arrays_without_tables_have_codes_for_ids(tmp_path: Path) -> None:
    arrays = {
        "observations": np.zeros((4, 1)),
        "actions": np.array([3, 1, 3, 0]),
        "rewards": np.ones(4),
        "terminals": np.array([0, 0, 0, 0]),
    }
    np.savez(tmp_path / "mdp.npz", **arrays, timeouts=np.array([0, 1, 0, 1]))
    log = read_exchange(tmp_path / "mdp.npz")
    assert log.items.to_list() == [0, 1, 3]
    assert log.offsets.tolist() == [0, 2, 4]
    assert log.propensities is None


BAD = {
    "give the keys action": {"x": np.zeros(2)},
    "of different lengths": {"action": np.zeros(2, dtype=int), "reward": np.zeros(3)},
    "give one number a round": {"action": np.zeros((2, 2), dtype=int), "reward": np.zeros(2)},
    "without objects": {"action": np.array([None, "x"]), "reward": np.zeros(2)},
    "is not a finite number": {"action": np.zeros(2, dtype=int), "reward": np.array([0.0, np.nan])},
}


@pytest.mark.parametrize("message", BAD)
def test_arrays_are_checked(message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "log.npz", **BAD[message])
    with pytest.raises(DataError, match=message):
        read_exchange(tmp_path / "log.npz")


def test_other_files_and_layouts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "log.npz").write_text("no zip")
    with pytest.raises(DataError, match="cannot be read as arrays"):
        read_exchange(tmp_path / "log.npz")
    with pytest.raises(DataError, match="does not exist"):
        read_exchange(tmp_path / "other.npz")
    with pytest.raises(ConfigError, match="unknown layout 'obd' \\(did you mean 'obp'"):
        write_exchange(sessions(), tmp_path / "log.npz", "obd")
    with pytest.raises(DataError, match=r"ending in \.npz"):
        write_exchange(sessions(), tmp_path / "log.h5", "obp")
