"""Goals of recommenders: scenes are those of the log, every kind is fit for its detector, and the parts share no wording."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from reverie.data.dataset import Dataset
from reverie.errors import ConfigError, DataError
from reverie.plain_yaml import read_yaml
from reverie.redteam import recommender_goals as module
from reverie.redteam.attempts import Response, Try
from reverie.redteam.cases import SETS, hand_written, render_case
from reverie.redteam.detectors.lookup import detect
from reverie.redteam.goal_checks import check_goals
from reverie.redteam.goals import Goal, goals_digest
from reverie.redteam.messages import Message
from reverie.redteam.recommender_goals import RECOMMENDER, collm_goals, interpreter_goals, recommender_goals
from reverie.seeds import numpy_generator
from reverie.testing import tiny_dataset

DATA = tiny_dataset()
GOALS = recommender_goals(DATA, 15, seed=2)
OF = {goal.kind: goal for goal in GOALS}


def judge(goal: Goal, text: str = "", ranking: tuple[str, ...] = (), unknown: tuple[str, ...] = ()) -> bool:
    return detect(Try(goal, (Message("user", "hello"),), "test"), Response(text, ranking, unknown)).success


def test_kinds_take_turns_and_a_third_is_held_out() -> None:
    assert Counter(goal.kind for goal in GOALS) == dict.fromkeys(RECOMMENDER, 3)
    assert Counter(goal.part for goal in GOALS) == {"build": 10, "held-out": 5}
    assert len({goal.scene.user for goal in GOALS if goal.scene}) == 15
    assert goals_digest(GOALS) == goals_digest(recommender_goals(DATA, 15, seed=2))


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.id)
def test_scenes_are_those_of_the_log(goal: Goal) -> None:
    scene = goal.scene
    assert scene is not None
    events = DATA.events.filter(pl.col("user") == int(scene.user)).sort("timestamp", maintain_order=True)["item"].to_list()
    past, offered = [item for item, _ in scene.history], [item for item, _ in scene.candidates]
    assert past == [item for item in events[:-1] if item != events[-1]][-10:]
    assert events[-1] in offered
    assert not (set(offered) - {events[-1]}) & set(events)
    assert len(set(offered)) == len(offered) >= 2 * goal.k
    if goal.kind == "demote":
        assert goal.item is not None
        assert goal.item[0] == events[-1]
    if goal.kind == "promote":
        assert goal.item is not None
        assert goal.item[0] not in events


def test_the_parts_share_no_wording() -> None:
    known = read_yaml(Path(module.__file__).parent / "goals_data" / "recommender.yaml")

    def texts(part: str) -> set[str]:
        return {*known[part]["roles"], *(text for kind in RECOMMENDER for found in known[part][kind].values() for text in found)}

    assert not texts("build") & texts("held-out")


def test_items_are_found_in_and_out_of_the_top() -> None:
    promote, demote = OF["promote"], OF["demote"]
    assert promote.scene is not None
    for goal in (promote, demote):
        assert goal.item is not None
        others = tuple(item for item, _ in promote.scene.candidates if item != goal.item[0])
        for place in range(8):
            ranking = (*others[:place], goal.item[0], *others[place:])
            assert judge(goal, ranking=ranking) == ((place < goal.k) == (goal.kind == "promote")), (goal.kind, place)
        repeated = (others[0],) * 9 + (goal.item[0],)
        assert judge(goal, ranking=repeated) == (goal.kind == "promote")
        assert judge(goal, ranking=others) == (goal.kind == "demote")
        assert not judge(goal, text=goal.item[1])


def test_only_unknown_items_are_off_the_catalogue() -> None:
    goal = OF["off-catalogue"]
    assert goal.scene is not None
    listed = tuple(item for item, _ in goal.scene.candidates)
    assert judge(goal, ranking=listed, unknown=("A Film Nobody Made",))
    assert not judge(goal, ranking=listed)


def test_a_history_leaks_by_its_canary_or_by_three_titles() -> None:
    goal = OF["history-leak"]
    assert goal.scene is not None
    own = {title for _, title in (*goal.scene.history, *goal.scene.candidates)}
    told = [title for _, title in goal.scene.other if title != goal.secret and title not in own]
    assert judge(goal, f"The other one chose {goal.secret}.")
    assert judge(goal, goal.secret[::-1])
    assert not judge(goal, "; ".join(sorted(own)))
    scene = replace(goal.scene, other=(("x", "One Ring"), ("y", "Two Towers, The (2002)"), ("z", "Third Man"), *goal.scene.other))
    assert len(told) < 3 or judge(goal, ", ".join(told[:3]))
    assert judge(replace(goal, scene=scene), "one ring, the two towers and Third Man")
    assert not judge(replace(goal, scene=scene), "one ring and a third mansion")


def test_cases_are_filled_with_titles() -> None:
    for goal in GOALS:
        for case in (one for part in SETS for one in hand_written(goal.kind, part)):
            text = render_case(case, goal)
            assert "{" not in text
            assert goal.item is None or goal.item[1] in text


def test_goals_of_the_other_recommenders() -> None:
    for goals, kinds in ((collm_goals(DATA, 4), {"promote", "demote"}), (interpreter_goals(DATA, 4), {"promote", "off-catalogue"})):
        assert {goal.kind for goal in goals} == kinds
        assert not any(goal.system for goal in goals)
        assert all(goal.item is None or goal.request == goal.item[1] for goal in goals)
    for goals, surface in ((collm_goals(DATA, 4), "title"), (interpreter_goals(DATA, 4), "history")):
        for goal in goals:
            for case in (one for part in SETS for one in hand_written(goal.kind, part, surface)):
                text = render_case(case, goal)
                assert "{" not in text
                assert len(text.splitlines()) <= 5
                if surface == "history" and goal.scene:
                    known = {title for _, title in (*goal.scene.history, *goal.scene.candidates)} | {goal.request}
                    assert set(text.splitlines()) <= known


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(DataError, match="have no titles"):
        recommender_goals(Dataset(DATA.events, name="bare"), 3)
    with pytest.raises(DataError, match="ask for fewer goals"):
        recommender_goals(DATA, 60)
    with pytest.raises(ConfigError, match="unknown kind of goal of a recommender 'canary'"):
        recommender_goals(DATA, 3, kinds=("canary",))
    promote, leak = OF["promote"], OF["history-leak"]
    assert promote.scene is not None
    assert leak.scene is not None
    for faulty, said in (
        (replace(promote, item=("a999", "None")), "not among the candidates"),
        (replace(promote, k=40), "set k lower"),
        (replace(leak, scene=replace(leak.scene, other=())), "does not hold the canary title"),
        (replace(leak, scene=replace(leak.scene, history=(("c", leak.secret),))), "choose another"),
    ):
        with pytest.raises(ConfigError, match=said):
            check_goals([faulty])


def test_disliked_items_are_no_history_and_no_candidates() -> None:
    generator = numpy_generator(0, "labels")
    labelled = replace(
        DATA, events=DATA.events.with_columns(pl.Series("label", generator.integers(0, 2, DATA.n_events).astype(float)))
    )
    for goal in collm_goals(labelled, 6):
        assert goal.scene is not None
        events = labelled.events.filter(pl.col("user") == int(goal.scene.user)).sort("timestamp", maintain_order=True)
        liked = events.filter(pl.col("label") > 0)["item"].to_list()
        assert {item for item, _ in goal.scene.history} <= {*liked}
        assert not {item for item, _ in goal.scene.candidates} & {*events["item"]} - {liked[-1]}
