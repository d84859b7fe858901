"""Defences on a small arena with groups of taste: who is removed, who weighs less, and what is set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from reverie.data.dataset import Dataset
from reverie.data.splits.config import LeaveOneOut
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.robustness.arena import Arena, open_arena
from reverie.robustness.attacks.attack import Budget, Goal, attacker_view
from reverie.robustness.attacks.config import AverageConfig
from reverie.robustness.attacks.simple import build_average
from reverie.robustness.defences.defence import Defence, Fitting
from reverie.robustness.defences.reweight import fake_probabilities, ranking_errors, split_in_halves, standardise
from reverie.robustness.defences.shelf import DEFENCES
from reverie.robustness.detectors.detector import DetectorInput
from reverie.robustness.threat import White
from reverie.training import fit

GROUPS, USERS, ITEMS = 4, 120, 80


@cache
def arena() -> Arena:
    """Users rate items of their own group, mostly high; few of another group, low."""
    generator = np.random.default_rng(0)
    events = []
    for user in range(USERS):
        mine = [item for item in range(ITEMS) if item % GROUPS == user % GROUPS]
        liked = generator.choice(mine, 12, replace=False)
        other = generator.choice([item for item in range(ITEMS) if item % GROUPS != user % GROUPS], 4, replace=False)
        ratings = [*generator.choice([4, 5], 12), *generator.choice([1, 2], 4)]
        order = generator.permutation(16)
        for at, place in enumerate(order):
            events.append((user, int([*liked, *other][place]), float(ratings[place]), at))
    frame = pl.DataFrame(events, schema=["user", "item", "rating", "timestamp"], orient="row")
    catalog = pl.DataFrame({"item": range(ITEMS), "title": [f"Tale {item}" for item in range(ITEMS)]})
    return open_arena(Dataset(frame, catalog, name="groups", licence="CC0-1.0"), LeaveOneOut())


@dataclass(frozen=True)
class Case:
    fitting: Fitting
    inputs: DetectorInput


@cache
def attacked(model: str = "mf") -> Case:
    target = np.array([3], dtype=np.int32)
    view = attacker_view(arena(), White(kind="white"), 0)
    profiles = build_average(AverageConfig()).craft(view, Goal("promote", target), Budget(8, 16), 0)
    split = arena().poisoned(profiles)
    options = {"dim": 8} if model in ("mf", "lightgcn") else {"factor": 4} if model == "neumf" else {}
    return Case(Fitting(model, options, split), DetectorInput(arena().ratings.with_profiles(profiles), split.train))


def defence(name: str, **options: Any) -> Defence:
    made: Defence = DEFENCES.build(name)(DEFENCES.config(name)(**options))
    return made


def events_of(rows: Any) -> list[tuple[int, list[int]]]:
    return [(int(user), rows.row(number).tolist()) for number, user in enumerate(rows.users)]


def fakes_left(fitting: Fitting) -> int:
    return int(fitting.split.is_fake[fitting.split.train.users].sum())


def test_every_defence_builds_and_keeps_the_questions() -> None:
    for name in DEFENCES:
        case = attacked()
        done = defence(name).harden(case.fitting, case.inputs, 0)
        assert done.model == "mf"
        assert done.split.vocabulary is case.fitting.split.vocabulary
        assert done.split.test is case.fitting.split.test
        assert done.split.valid is case.fitting.split.valid


def test_the_oracle_restores_the_clean_events() -> None:
    case = attacked()
    assert fakes_left(case.fitting) == 8
    done = defence("oracle").harden(case.fitting, case.inputs, 0)
    assert events_of(done.split.train) == events_of(arena().split.train)
    assert events_of(done.split.refit) == events_of(arena().split.refit)
    assert done.removed is not None
    assert done.removed.tolist() == case.fitting.split.is_fake.tolist()
    assert done.notes["removed"] == 8


def test_removal_finds_fakes_better_than_chance() -> None:
    case = attacked()
    share = 8 / 128
    done = defence("remove", share=share).harden(case.fitting, case.inputs, 0)
    assert done.removed is not None
    assert done.suspicion is not None
    assert int(done.removed.sum()) == 8
    assert fakes_left(done) <= 6  # chance leaves 7.5
    assert done.suspicion[done.removed].min() >= done.suspicion[~done.removed].max()
    left = [fakes_left(defence("random-removal").harden(case.fitting, case.inputs, seed)) for seed in range(8)]
    assert np.mean(left) > fakes_left(done)
    assert len(set(left)) > 1


def test_removal_goes_by_the_detector_and_the_share() -> None:
    case = attacked()
    one = defence("remove", share=0.02, options={"components": 1}).harden(case.fitting, case.inputs, 0)
    assert one.removed is not None
    assert int(one.removed.sum()) == 3
    assert len(one.split.train) == len(case.fitting.split.train) - 3
    with pytest.raises(ConfigError, match="detector 'pca': unknown option 'compnents'"):
        defence("remove", options={"compnents": 1}).harden(case.fitting, case.inputs, 0)
    with pytest.raises(ConfigError, match="unknown detector 'pac'"):
        defence("remove", detector="pac").harden(case.fitting, case.inputs, 0)


@pytest.mark.parametrize("model", ["mf", "neumf"])
def test_reweighting_trusts_fakes_less(model: str) -> None:
    case = attacked(model)
    training = {"batch_size": 32, "learning_rate": 0.02}
    done = defence("reweight", share=8 / 128, rounds=2, epochs=10, training=training).harden(case.fitting, case.inputs, 0)
    split, train = done.split, done.split.train
    weights = np.asarray(train.columns["weight"])[train.positions()]
    fake = split.is_fake[train.users[train.event_rows()]]
    assert weights[fake].mean() < weights[~fake].mean() - 0.4
    assert done.suspicion is not None
    np.testing.assert_allclose(weights, 1 - done.suspicion[train.users[train.event_rows()]], rtol=1e-5)
    np.testing.assert_allclose(done.suspicion.mean(), 8 / 128, rtol=1e-6)
    refit = np.asarray(split.refit.columns["weight"])[split.refit.positions()]
    assert len(refit) == split.refit.n_events


def test_halves_hold_each_event_once() -> None:
    train = attacked().fitting.split.train
    first, second = split_in_halves(train, 0)
    for row in range(len(train)):
        parts = first.row(row).tolist(), second.row(row).tolist()
        assert sorted([*parts[0], *parts[1]]) == sorted(train.row(row).tolist())
        assert len(parts[0]) - len(parts[1]) in (0, 1)
    assert set(first.columns) == set(train.columns)
    again, other = split_in_halves(train, 0)[0], split_in_halves(train, 1)[0]
    assert first.items.tolist() == again.items.tolist()
    assert first.items.tolist() != other.items.tolist()


@pytest.mark.filterwarnings("ignore:model '.*' is not fitted")
def test_errors_are_shares_of_the_catalogue_above_hidden_items() -> None:
    case = attacked("mf")
    model: Any = create_model("mf", case.fitting.split, dim=4)
    seen, hidden = split_in_halves(case.fitting.split.train, 0)
    model.observe(seen)
    above, asked = ranking_errors(model, seen, hidden)
    table = (model.users @ model.encoder.weight.T).detach().numpy()  # biases are zero
    for row in (0, 7, 125):
        user, known = int(seen.users[row]), seen.row(row) - 1
        items = hidden.row(row) - 1
        assert asked[user] == len(items)
        scores = np.delete(table[user], known)
        expected = [(scores > table[user, item]).sum() for item in items]
        np.testing.assert_allclose(above[user], sum(expected) / len(scores))


def test_a_detector_can_be_added() -> None:
    case = attacked()
    one, two = (
        defence("reweight", rounds=1, epochs=1, detector=name).harden(case.fitting, case.inputs, 0) for name in (None, "pca")
    )
    assert one.suspicion is not None
    assert two.suspicion is not None
    assert not np.allclose(one.suspicion, two.suspicion)


def test_probabilities_have_the_wanted_mean_and_keep_the_order() -> None:
    suspicion = np.random.default_rng(0).standard_normal(200) * 7
    found = fake_probabilities(suspicion, 0.1, 0.5)
    np.testing.assert_allclose(found.mean(), 0.1, rtol=1e-9)
    assert np.all(np.diff(found[np.argsort(suspicion)]) >= 0)
    assert standardise(np.ones(4)).tolist() == [0.0] * 4
    assert standardise(np.array([1.0, 2.0, 3.0, 1e9]))[3] == 10.0


@pytest.mark.parametrize("name", ["apr", "vat", "truncated-loss", "robust-loss"])
def test_other_training_changes_what_is_learned(name: str) -> None:
    case = attacked()
    small: dict[str, Any] = {"plain_epochs": 1} if name in ("apr", "vat") else {"steps": 4} if name == "truncated-loss" else {}
    done = defence(name, **small).harden(case.fitting, case.inputs, 0)
    tables = []
    for fitting in (case.fitting, done):
        model: Any = create_model(fitting.model, fitting.split, **fitting.options)
        fit(model, fitting.split, epochs=3, batch_size=256, show=False, device="cpu")
        tables.append(model.encoder.weight.detach().numpy())
    assert np.abs(tables[0] - tables[1]).max() > 1e-4


def test_truncation_keeps_the_objective_of_the_victim() -> None:
    case = attacked("neumf")
    for rule in ("truncated", "reweighted"):
        done = defence("truncated-loss", rule=rule).harden(case.fitting, case.inputs, 0)
        assert done.options["objective"]["kind"] == rule
        assert done.options["objective"]["objective"]["kind"] == "bce"
        assert done.options["objective"]["objective"]["negatives"]["n"] == 4
        assert done.options["factor"] == 4
    assert "objective" not in case.fitting.options


@pytest.mark.parametrize(
    ("name", "model", "message"),
    [
        ("apr", "neumf", "needs a victim with the option 'adversarial', which 'neumf' lacks; choose lightgcn, mf"),
        ("vat", "item-knn", "option 'adversarial', which 'item-knn' lacks"),
        ("robust-loss", "neumf", "option 'cosine', which 'neumf' lacks; choose"),
        ("truncated-loss", "ease", "option 'objective', which 'ease' lacks"),
        ("vat", "vbpr", "needs a victim with the option 'adversarial', which 'vbpr' lacks; choose lightgcn, mf"),
        ("robust-loss", "freedom", "needs a victim with the option 'cosine', which 'freedom' lacks"),
        ("reweight", "sasrec", "'sasrec' does not; choose lightgcn, mf, neumf"),
    ],
)
def test_a_victim_without_the_option_is_refused(name: str, model: str, message: str) -> None:
    case = attacked(model)
    with pytest.raises(ConfigError, match=message):
        defence(name).harden(case.fitting, case.inputs, 0)


def test_options_that_do_not_go_together_are_refused() -> None:
    case = attacked()
    cosine = Fitting("mf", {"cosine": True}, case.fitting.split)
    with pytest.raises(ConfigError, match=r"defence 'apr' of model 'mf'.*set cosine to false"):
        defence("apr").harden(cosine, case.inputs, 0)
