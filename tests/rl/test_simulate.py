from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from reverie.cli.main import app
from reverie.data.batch import query_batch
from reverie.data.splits.config import ByUser, split_dataset
from reverie.errors import ConfigError
from reverie.models import create_model, save_model
from reverie.rl.logged_values import q_minus_logged
from reverie.rl.policies import PolicyOptions, StatePolicy, policy_of
from reverie.rl.worlds import SessionWorld, SessionWorldOptions, roll_out
from reverie.rl.worlds.q_error import Visits, over_estimation, q_over, q_over_best
from reverie.rl.worlds.simulate import simulate, simulation_table


@pytest.fixture(scope="module")
def world() -> SessionWorld:
    return SessionWorld(SessionWorldOptions(n_items=14, pairs=2, everyday=2, longest_row=3, seed=3))


class Clairvoyant:
    """A value model that reads the state off the history; its values are the exact ones of the best policy, times a factor."""

    history = None

    def __init__(self, world: SessionWorld, factor: float = 1.0) -> None:
        from reverie.protocols import Card

        self.card, self.world, self.q = Card("clairvoyant", None, world.vocabulary), world, factor * world.q_star()

    def q_values(self, batch: Any, items: Any = None) -> torch.Tensor:
        return torch.from_numpy(self.q[self.world.states(batch)])

    scores = q_values


def test_a_recommender_that_knows_q_star_is_the_oracle(world: SessionWorld) -> None:
    found = simulate({"mine": policy_of(Clairvoyant(world))}, world, 200, seed=0)
    assert list(found) == ["mine", "oracle", "myopic", "popularity", "random", "behaviour"]
    assert found["mine"].returns.value == pytest.approx(found["oracle"].returns.value)
    gain = found["oracle"].gain
    assert gain is not None
    assert abs(gain.value) < 1e-12
    assert found["oracle"].exact == pytest.approx(world.best_value())
    lower = found["myopic"].gain
    assert lower is not None
    assert lower.ends[0] > 0
    table = simulation_table(found, {}, world)
    assert "95 % intervals over 200 sessions" in table.notes[0]
    with pytest.raises(ConfigError, match="rename its folder"):
        simulate({"oracle": policy_of(Clairvoyant(world))}, world, 10)


@pytest.mark.parametrize("exact", [True, False])
def test_values_that_promise_a_quarter_too_much_are_found_out(world: SessionWorld, exact: bool) -> None:
    policy = policy_of(Clairvoyant(world, 1.25))
    rolled = roll_out(policy, world, 800, seed=0)
    found = q_over(policy, rolled, world if exact else None, n=800)
    assert found.low - 1e-9 <= 0.25 <= found.high + 1e-9
    if exact:
        assert found.value == pytest.approx(0.25, abs=1e-9)
    assert found.n == rolled.lengths.sum()


def test_visits_are_the_steps_of_the_roll_out(world: SessionWorld) -> None:
    rolled = roll_out(world.references()["random"], world, 20, seed=0)
    visits = Visits.of(rolled, 9)
    at = 0
    for i in range(9):
        items = rolled.histories.items[i]
        for t in range(rolled.lengths[i]):
            assert (visits.sessions[at], visits.steps[at], visits.actions[at]) == (i, t, items[t + 1])
            length = int(visits.batch.lengths[at])
            assert visits.batch.items[at, :length].tolist() == items[: t + 1].tolist()
            at += 1
    assert at == len(visits.actions)


def test_values_of_the_best_policy_are_its_own(world: SessionWorld) -> None:
    policy = policy_of(Clairvoyant(world, 1.25))
    rolled = roll_out(policy, world, 50, seed=3)
    assert q_over_best(policy, rolled, world).value == pytest.approx(0.25)
    assert q_over(policy, rolled, world).value == pytest.approx(0.25)  # it acts as the best one does


def test_logged_returns_are_those_of_the_rest_of_the_row() -> None:
    split = split_dataset(SessionWorld(SessionWorldOptions(n_items=60)).log(60), ByUser(protocol="by_user", targets="all"))
    queries = split.test
    sequences = queries.sequences
    assert queries.targets_at is not None
    model: Any = create_model("sqn", split, dim=8, gamma=0.5)
    values = model.eval().q_values
    expected = []
    for number in range(len(queries)):
        at = int(queries.targets_at[number])
        row = int(np.flatnonzero((sequences.starts <= at) & (at < sequences.stops))[0])
        rewards = sequences.columns["reward"][at : sequences.stops[row]].astype(float)
        shown = query_batch(queries, np.array([number]), model.history)
        q = values(shown, torch.tensor([[int(queries.targets[number])]]))[0, 0].detach()
        expected.append(float(q) - sum(0.5**k * reward for k, reward in enumerate(rewards)))
    assert q_minus_logged(model, queries) == pytest.approx(np.mean(expected), rel=1e-5)
    assert q_minus_logged(model, replace(queries, targets_at=None)) is None


def test_over_estimation_by_hand() -> None:
    found = over_estimation(np.array([2.0, 2.0, 4.0]), np.array([1.0, 2.0, 2.0]), np.array([0, 0, 1]))
    assert (found.value, found.mean_q, found.n) == (pytest.approx(3 / 5), pytest.approx(8 / 3), 3)


def test_a_softmax_by_state_has_the_exact_value(world: SessionWorld) -> None:
    from reverie.rl.policies import action_probabilities

    table = action_probabilities(world.q_star(), PolicyOptions(kind="softmax", temperature=0.3))
    policy = policy_of(Clairvoyant(world), "softmax", temperature=0.3)
    rolled = roll_out(policy, world, 3000, seed=3)
    exact = world.value(StatePolicy(table, world.states))
    assert exact is not None
    assert abs(rolled.returns.mean() - exact) < 4 * rolled.returns.std() / np.sqrt(3000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "mine"
    log = SessionWorld(SessionWorldOptions(n_items=60)).log(200)
    assert log.vocabulary.n_items == 60
    model = create_model("popularity", log.vocabulary)
    model.fit_counts(log.sequences)
    save_model(model, path)
    return path


def test_the_command_prints_a_table(folder: Path) -> None:
    words = ["simulate", str(folder), "--sessions", "20", "--json", "--policy", "softmax", "--temperature", "0.5"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    table = json.loads(answer.stdout)
    assert [row[0]["text"] for row in table["rows"]] == ["mine", "oracle", "myopic", "popularity", "random", "behaviour"]
    assert table["columns"] == ["policy", "return", "exact", "length", "regret", "mine gains"]
    assert any("mine does not know 40 of the world's 100 items" in note for note in table["notes"])
    again = CliRunner().invoke(app, words)
    assert again.stdout == answer.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "gamma=1"], "'gamma' must be less than 1"),
        (["--set", "offline=true"], "take --offline"),
        (["--world", "{log}", "--set", "name=x"], "take --world"),
        (["--world", "{log}", "--set", "bound=1"], "'bound' must be greater than or equal to 2"),
        (["--world", "coat", "--set", "nothing=1"], "unknown option 'nothing'"),
        (["--policy", "greedy"], "unknown policy 'greedy'; known: argmax"),
        (["--world", "nowhere"], "'nowhere' is no dataset"),
        (["--against", "{folder}"], "two runs have the same folder name"),
        (["--world", "{log}"], "model 'popularity' knows none of the items here"),
    ],
)
def test_mistakes_are_told_in_one_sentence(folder: Path, words: list[str], said: str, tmp_path: Path) -> None:
    rows = [f"u{u},x{(u + t) % 7},{t}" for u in range(20) for t in range(4)]
    (tmp_path / "log.csv").write_text("\n".join(["user,item,timestamp", *rows]))
    given = [word.format(folder=folder, log=tmp_path / "log.csv") for word in words]
    answer = CliRunner().invoke(app, ["simulate", str(folder), *given])
    assert answer.exit_code == 1
    assert said in str(answer.exception)
