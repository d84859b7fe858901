"""Options that are given are kept; the others are chosen on validation, and what was chosen is shown and stored."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import reverie as rv
from reverie.models.als.model import SPACE as ALS
from reverie.models.co_occurrence.model import SPACE as CO_OCCURRENCE
from reverie.models.shelf import MODELS
from reverie.models.slim.model import SPACE as SLIM
from reverie.models.vmis_knn.model import SPACE as VMIS_KNN
from reverie.options import Searched
from reverie.training.config import settings_tried_by

RNG = np.random.default_rng(0)
EVENTS = {"user": RNG.integers(40, size=900), "item": RNG.integers(30, size=900), "timestamp": np.arange(900)}
SPLIT = rv.leave_one_out(rv.read_events(pl.DataFrame(EVENTS)))
GIVEN = [
    ("ease", {"regularisation": 7.0}), ("markov", {"popularity_weight": 0.5}), ("recent-popularity", {"half_life_days": 2.0}),
    ("slim", {"l1": 0.7, "l2": 3.0}), ("als", {"dim": 4, "unobserved": 0.2, "regularisation": 0.5}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), GIVEN, ids=[name for name, _ in GIVEN])
def test_an_option_that_is_given_is_not_searched(name: str, options: dict[str, float]) -> None:
    model = rv.create_model(name, SPLIT, **options)
    assert settings_tried_by(model.card.config) == 1
    assert rv.fit(model, SPLIT, show=False).chosen == {}
    assert model.card.config.model_dump(include=set(options)) == options


def test_options_that_are_not_given_are_searched_beside_those_that_are() -> None:
    model = rv.create_model("slim", SPLIT, l1=0.7, trials=5)
    chosen = rv.fit(model, SPLIT, show=False).chosen
    assert chosen["l1"] == 0.7
    assert chosen["l2"] in SLIM["l2"]


def test_a_grid_that_is_given_is_searched_whatever_the_option_says() -> None:
    model = rv.create_model("ease", SPLIT, regularisation=7.0, grid=(5.0, 6.0))
    assert rv.fit(model, SPLIT, show=False).chosen["regularisation"] in (5.0, 6.0)
    wide = rv.create_model("co-occurrence", SPLIT, window=5, windows=(3, 7), trials=6)
    assert "window" in wide.card.config.free()  # type: ignore[attr-defined]
    assert rv.fit(wide, SPLIT, show=False).chosen["window"] in (3, 5, 7)


def test_what_was_chosen_is_shown_and_stored(tmp_path: Path) -> None:
    model = rv.create_model("ease", SPLIT)
    chosen = rv.fit(model, SPLIT, show=False).chosen["regularisation"]
    rv.save_model(model, tmp_path / "ease")
    for one in (model, rv.load_model(tmp_path / "ease")):
        assert one.card.config.regularisation == chosen  # type: ignore[attr-defined]
        assert chosen == 300.0 or f"regularisation={chosen}" in repr(one)


def test_options_that_are_searched_are_those_of_the_space() -> None:
    for name, space in (("als", ALS), ("slim", SLIM), ("vmis-knn", VMIS_KNN), ("co-occurrence", CO_OCCURRENCE)):
        kind = MODELS.config(name)
        assert issubclass(kind, Searched)
        assert set(kind.searched) == set(space) | ({"window"} if name == "co-occurrence" else set())
    assert all(set(kind.searched) <= set(kind.model_fields) for kind in map(MODELS.config, MODELS) if issubclass(kind, Searched))


def test_options_of_training_steps_are_told_of_by_a_model_that_counts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        rv.fit(rv.create_model("ease", SPLIT), SPLIT, show=False, epochs=2, seed=3)
    assert "ease counts and is not trained in steps, so epochs changes nothing" in caplog.text


@pytest.mark.parametrize("name", ["ease", "sasrec"])
def test_methods_of_other_libraries_name_the_call_that_does_it(name: str) -> None:
    model = rv.create_model(name, SPLIT)
    for method, call in (("fit", "rv.fit"), ("recommend", "rv.recommend"), ("predict", "rv.recommend"), ("save", "rv.save_model")):
        with pytest.raises(AttributeError, match=rf"no method '{method}'; write {call}\("):
            getattr(model, method)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = model.nothing  # type: ignore[attr-defined]


def test_a_model_is_stored_in_a_folder_of_its_own(tmp_path: Path) -> None:
    model = rv.create_model("popularity", SPLIT)
    rv.fit(model, SPLIT, show=False)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(rv.errors.ConfigError, match="is a file, and a model is stored as a folder"):
        rv.save_model(model, tmp_path / "notes.txt")
    rv.save_model(model, tmp_path / "model")
    rv.save_model(model, tmp_path / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "notes.txt"]
