"""Goals on data without ratings, targets named twice, scales of any spacing, and a single fake user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from reverie.data.splits.config import LeaveOneOut
from reverie.options import checked
from reverie.robustness.arena import Arena, open_arena, scale_of
from reverie.robustness.attacks.attack import Budget, Goal, attacker_view, resolve_goal
from reverie.robustness.attacks.shelf import ATTACKS
from reverie.robustness.fits import exposure_queries
from reverie.robustness.recipe import ROBUSTNESS
from reverie.robustness.results import detection_from_rows
from reverie.robustness.study import run_robustness
from reverie.robustness.summary import benchmark_tables
from reverie.robustness.threat import GoalConfig, Strata, White
from reverie.study.rows import read_rows
from reverie.testing import tiny_dataset


def arena_of(ratings: np.ndarray | None, threshold: float | None = None) -> Arena:
    """Return an arena of tiny data, whose ratings are replaced by drawn ones, or dropped."""
    data = tiny_dataset(users=80)
    events = data.events.drop("rating")
    if ratings is not None:
        drawn = np.random.default_rng(0).choice(ratings, len(events)).astype(np.float32)
        events = events.with_columns(pl.Series("rating", drawn))
    return open_arena(replace(data, events=events), LeaveOneOut(), threshold)


SMALL = {
    "aush": {"steps": 2, "hidden": 4, "judge": 4, "batch_size": 4},
    "aia": {"steps": 2},
    "legup": {"epochs": 1, "pretraining": 1, "hidden": 4, "judge": (4, 4), "batch_size": 4},
    "pga": {"steps": 1},
    "uba": {"estimate": "paths", "candidates": 20},
}


@pytest.mark.parametrize("name", ["target-only", "random", "average", "love-hate", "reverse-bandwagon", "pga", "legup"])
@pytest.mark.parametrize("threshold", [None, 1.0])
def test_a_demotion_never_adds_a_like_of_its_targets(name: str, threshold: float | None) -> None:
    """Neither where all events are likes because there are no ratings, nor where the lowest rating is one."""
    arena = arena_of(None if threshold is None else np.arange(1, 6), threshold)
    attack = ATTACKS.build(name)(checked(ATTACKS.config(name), SMALL.get(name, {}), name))
    goal = Goal("demote", np.array([3, 8], dtype=np.int32))
    made = attack.craft(attacker_view(arena, White(kind="white"), 0), goal, Budget(9, 6), 0)
    added = arena.poisoned(made).train.item_counts() - arena.split.train.item_counts()
    assert added[[3, 8]].tolist() == [0, 0]
    assert len(made) == 9


def test_a_target_named_twice_is_one() -> None:
    arena = arena_of(None)
    vocabulary = arena.split.vocabulary
    assert vocabulary.titles is not None
    first, title = vocabulary.items[4], vocabulary.titles[4]
    goal = resolve_goal(GoalConfig(targets=(vocabulary.items[9], first, title, first)), arena, 0)
    assert goal.targets.tolist() == [10, 5]
    drawn = [resolve_goal(GoalConfig(draw=Strata(groups=groups)), arena, 0) for groups in (("tail",), ("tail", "tail"))]  # type: ignore[arg-type]
    assert drawn[0].targets.tolist() == drawn[1].targets.tolist()
    once, twice = (exposure_queries(arena.split, np.array(codes, dtype=np.int32)) for codes in ([5], [5, 5]))
    assert once.users.tolist() == twice.users.tolist()
    assert once.targets.tolist() == twice.targets.tolist()


@pytest.mark.parametrize(
    "ratings",
    [
        np.arange(1, 6),
        np.arange(0.5, 4.5, 0.5),
        np.round(np.arange(-1000, 1001) / 100, 2),
        np.array([1, 2, 5]),
        np.array([1, 2.5, 4.5]),
        np.array([0.1, 0.2, 0.3]),
        np.array([3.7, 9.9]),
        np.array([2.0]),
    ],
    ids=["stars", "halves", "hundredths", "gaps", "uneven", "tenths", "two", "one"],
)
def test_rounding_gives_ratings_that_occur_and_reaches_both_ends(ratings: np.ndarray) -> None:
    scale = scale_of(ratings.astype(np.float32), "data")
    occurring = ratings.astype(np.float32)
    rng = np.random.default_rng(0)
    given = rng.uniform(ratings[0] - 1, ratings[-1] + 1, 500)
    rounded = scale.rounded(given)
    assert np.isin(rounded, occurring).all()
    best = np.abs(given[:, None] - ratings).min(axis=1)
    np.testing.assert_allclose(np.abs(rounded - given), best, atol=1e-6)
    assert scale.rounded(occurring).tolist() == occurring.tolist() == scale.levels.tolist()
    if len(ratings) > 1:
        assert scale.step == pytest.approx(np.diff(ratings).min(), rel=1e-9)
    if np.array_equal(ratings, np.round(ratings * 2) / 2) and len(np.unique(np.diff(ratings))) == 1:
        assert not scale.uneven


ATTACKERS = ["target-only", "random", "average", "bandwagon", "segment", "aush", "aia", "legup", "pga", "uba"]


@pytest.mark.parametrize("name", ATTACKERS)
@pytest.mark.parametrize("lowest", [1, -4.5, -9])
def test_attacks_rate_on_a_fine_scale(name: str, lowest: float) -> None:
    """Also where ratings of 0 and less are ratings."""
    arena = arena_of(np.round(lowest + np.arange(901) / 100, 2), threshold=lowest + 4)
    attack = ATTACKS.build(name)(checked(ATTACKS.config(name), SMALL.get(name, {}), name))
    made = attack.craft(attacker_view(arena, White(kind="white"), 0), Goal("promote", np.array([3], np.int32)), Budget(6, 6), 0)
    arena.poisoned(made)
    assert np.isin(made.ratings, arena.ratings.scale.levels).all()
    assert (made.ratings[made.items == 3] == np.float32(arena.ratings.scale.high)).all()
    assert (made.items == 3).sum() == 6
    if name != "target-only":
        assert made.lengths.tolist() == ([3, 6, 4, 4, 4, 4] if name == "uba" else [6] * 6)  # it copies likes, and some like few


def test_one_fake_user_is_looked_for_and_a_detector_without_labels_has_a_dash(tmp_path: Path) -> None:
    tiny_dataset(users=80).events.write_csv(tmp_path / "clicks.csv")
    path = tmp_path / "one.yaml"
    path.write_text(
        f"name: one\ndataset: {{name: {tmp_path / 'clicks.csv'}}}\ngoal: {{kind: promote}}\nbudgets: [1]\nsize: 5\nseeds: 1\n"
        "victims: {popularity: {model: popularity}}\nattacks: {random: {kind: random}}\n"
        "detectors: {pca: {kind: pca}, profile-features: {kind: profile-features}}\n"
    )
    table = tmp_path / "rows.csv"
    done = run_robustness(ROBUSTNESS.load(str(path)), tmp_path / "run", results=table, show=False)
    detection = benchmark_tables(done)[-1]
    assert [row[0] for row in detection.rows] == ["pca", "profile-features"]
    assert detection.rows[1][1] == "–"
    assert 0 <= float(str(detection.rows[0][1])) <= 1
    assert done.attacked
    found = detection_from_rows([row for row in read_rows(table) if row["metric"].startswith("detection_")])
    assert np.isnan(found["profile-features"]["auc"])
    assert found["pca"]["auc"] == pytest.approx(done.detected[1].values["auc"][0], abs=1e-6)
