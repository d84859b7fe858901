"""Logs in the layouts of other programs, and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from reverie.errors import ConfigError, DataError
from reverie.rl.ope.exchange import read_exchange, write_exchange
from reverie.rl.ope.log import LoggedRounds, from_frame
from reverie.rl.ope.propensities import with_estimated_propensities


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


@pytest.mark.parametrize("layout", ["obp", "d3rlpy"])
def test_what_sessions_began_with_comes_back(layout: str, tmp_path: Path) -> None:
    log = sessions().without_first(1)
    paths = write_exchange(log, tmp_path / "log.npz", layout, history=2)
    assert pl.read_csv(next(path for path in paths if path.stem == "log-given")).rows() == [(0, "a"), (2, "b")]
    back = read_exchange(tmp_path / "log.npz")

    def histories(rounds: LoggedRounds) -> list[list[str]]:
        past = rounds.histories
        spans = zip(past.starts[rounds.sessions], past.stops, strict=True)
        return [rounds.items.gather(past.items[start:stop]).to_list() for start, stop in spans]

    assert histories(back) == histories(log) == [["a"], ["a", "c"], ["b"]]
    for rows, message in (([(1, "a")], "no session"), ([(0, "zz")], "an item that")):
        pl.DataFrame(rows, schema=["round", "item"], orient="row").write_csv(tmp_path / "log-given.csv")
        with pytest.raises(DataError, match=message):
            read_exchange(tmp_path / "log.npz")


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
    "row 2, column 'action': nan": {"action": np.array([0.0, np.nan]), "reward": np.zeros(2)},
    "row 1, column 'actions': 0.5 is not an integer": {
        "observations": np.zeros(2), "actions": np.array([0.5, 1]), "rewards": np.zeros(2), "terminals": np.ones(2),
    },
    "'terminals' and 'timeouts' differ in length": {
        "observations": np.zeros(2), "actions": np.zeros(2), "rewards": np.zeros(2), "terminals": np.ones(2),
        "timeouts": np.ones(3),
    },
    "'context' holds what is no finite number": {
        "action": np.zeros(2), "reward": np.zeros(2), "context": np.array([["a", "b"], ["b", "a"]]),
    },
}  # fmt: skip


@pytest.mark.parametrize("message", BAD)
def test_arrays_are_checked(message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "log.npz", **BAD[message])
    with pytest.raises(DataError, match=message):
        read_exchange(tmp_path / "log.npz")


def test_other_files_and_layouts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "log.npz").write_text("no zip")
    with pytest.raises(DataError, match=r"is no \.npz file"):
        read_exchange(tmp_path / "log.npz")
    with pytest.raises(DataError, match="does not exist"):
        read_exchange(tmp_path / "other.npz")
    with pytest.raises(ConfigError, match="unknown layout 'obd' \\(did you mean 'obp'"):
        write_exchange(sessions(), tmp_path / "log.npz", "obd")
    with pytest.raises(DataError, match=r"ending in \.npz"):
        write_exchange(sessions(), tmp_path / "log.h5", "obp")


@pytest.mark.parametrize("layout", ["obp", "d3rlpy"])
def test_estimated_propensities_stay_marked(layout: str, tmp_path: Path) -> None:
    write_exchange(with_estimated_propensities(sessions()), tmp_path / "log.npz", layout)
    assert read_exchange(tmp_path / "log.npz").estimated
    write_exchange(sessions(), tmp_path / "log.npz", layout)
    assert not read_exchange(tmp_path / "log.npz").estimated


def test_a_table_of_an_earlier_log_is_not_taken_for_this_one(tmp_path: Path) -> None:
    write_exchange(sessions(), tmp_path / "log.npz", "obp")
    bare = from_frame(pl.DataFrame({"item": [1, 2], "reward": [0.0, 1.0], "propensity": [0.5, 0.5]}), "bare")
    with pytest.raises(DataError, match="would be read as part of"):
        write_exchange(bare, tmp_path / "log.npz", "obp")
    assert len(read_exchange(tmp_path / "log.npz")) == 5


def test_an_array_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "log.npz").open("wb") as handle:
        np.save(handle, np.zeros(3))
    with pytest.raises(DataError, match=r"is no \.npz file"):
        read_exchange(tmp_path / "log.npz")


def test_clicks_may_be_true_and_false_and_actions_floats(tmp_path: Path) -> None:
    np.savez(tmp_path / "log.npz", action=np.array([2.0, 0.0]), reward=np.array([True, False]))
    log = read_exchange(tmp_path / "log.npz")
    assert log.items.to_list() == [0, 2]
    assert log.rewards.tolist() == [1.0, 0.0]


def test_tables_beside_a_file_are_read_by_their_codes(tmp_path: Path) -> None:
    arrays = {"action": np.array([0, 1, 1]), "reward": np.array([1.0, 2.0, 3.0]), "context": np.eye(2)[[0, 1, 1]]}
    np.savez(tmp_path / "log.npz", **arrays)
    (tmp_path / "log-contexts.csv").write_text("code,context\n1,y\n0,x\n")
    (tmp_path / "log-items.csv").write_text("code,item\n1,b\n0,a\n")
    (tmp_path / "log-rounds.csv").write_text("round,session\n2,s1\n0,s1\n1,s2\n")
    log = read_exchange(tmp_path / "log.npz")
    assert log.rewards.tolist() == [1.0, 3.0, 2.0]
    assert log.session_ids is not None
    assert log.context_ids is not None
    assert log.contexts is not None
    assert log.session_ids.to_list() == ["s1", "s2"]
    assert log.offsets.tolist() == [0, 2, 3]
    assert log.items.gather(log.actions).to_list() == ["a", "b", "b"]
    assert log.context_ids.gather(log.contexts).to_list() == ["x", "y", "y"]


TABLES = {
    "1 twice in column 'code'": ("items", "code,item\n0,a\n1,b\n1,c\n"),
    "'a' twice in column 'item'": ("items", "code,item\n0,a\n1,a\n"),
    "no column 'code'": ("items", "number,item\n0,a\n1,b\n"),
    "no column 'item'": ("items", "code,name\n0,a\n1,b\n"),
    "does not hold whole numbers": ("items", "code,item\nx,a\ny,b\n"),
    "has no id of code 1": ("items", "code,item\n0,a\n"),
    "has no id of code 1, ": ("contexts", "code,context\n0,x\n"),
    "no column 'context'": ("contexts", "code,name\n0,x\n1,y\n"),
    "does not hold the rounds 0 to 2": ("rounds", "round,session\n0,s\n1,s\n"),
    "does not hold the rounds 0 to 2 of": ("rounds", "round,session\n0,s\n1,s\n1,s\n"),
    "row 2 has no value in column 'session'": ("rounds", "round,session\n0,s\n1,\n2,s\n"),
}


@pytest.mark.parametrize("message", TABLES)
def test_tables_beside_a_file_are_checked(message: str, tmp_path: Path) -> None:
    name, text = TABLES[message]
    np.savez(tmp_path / "log.npz", action=np.array([0, 1, 1]), reward=np.zeros(3), context=np.eye(2)[[0, 1, 1]])
    (tmp_path / f"log-{name}.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_exchange(tmp_path / "log.npz")
