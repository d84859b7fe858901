"""Hand-written cases: twelve a set, none shared or nearly shared by the sets, each with its slot; files of users are checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rapidfuzz import fuzz

from reverie.errors import ConfigError
from reverie.redteam.cases import SETS, hand_written, read_cases, render_case
from reverie.redteam.goal_sets import chat_goals
from reverie.redteam.roles import Case
from reverie.redteam.slots import SLOTS

if TYPE_CHECKING:
    from reverie.redteam.goals import GoalKind
    from reverie.redteam.slots import Surface


@pytest.mark.parametrize(("kind", "surface"), SLOTS)
def test_each_set_has_twelve_cases_of_its_own(kind: GoalKind, surface: Surface) -> None:
    attack, evaluation = (hand_written(kind, part, surface) for part in SETS)
    assert len(attack) == len(evaluation) == 12
    assert all(len(case.explanation.split()) >= 3 for case in (*attack, *evaluation))
    if surface == "history":  # made of the same few slots, so only the same text would be too near
        return
    likest = max(fuzz.ratio(one.text, other.text) for one in attack for other in evaluation)
    assert likest < 80, "two cases of the two sets are nearly the same"


def test_a_case_is_filled_with_its_goal() -> None:
    for goal in chat_goals(9):
        for case in hand_written(goal.kind):
            text = render_case(case, goal)
            assert goal.request in text or goal.secret in text
            assert "{" not in text
            assert goal.kind == "phrase" or goal.secret not in text


def test_what_is_filled_in_is_not_filled_again() -> None:
    goal = chat_goals(1)[0]
    tricky = Case("c", "canary", "{request} {k}", "why")
    assert render_case(tricky, type(goal)(**{**vars(goal), "request": "a {k} b"})) == "a {k} b 5"


def test_a_case_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="choose another case"):
        render_case(hand_written("canary")[0], chat_goals(2)[1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: canary\nattack: [{id: a, text: no slot, explanation: e}]\nevaluation: []", "lacks its slot {request}"),
        ("kind: phrase\nattack: [{id: a, text: no slot, explanation: e}]\nevaluation: []", "{phrase} or {request}"),
        ("kind: canary\nattack: [{id: a, text: '{requst}', explanation: e}]\nevaluation: []", "did you mean 'request'"),
        ("kind: canary\nattack: [{id: a, text: '{request}'}]\nevaluation: []", "'attack.0.explanation' is missing"),
        ("kind: canary\nattack: []", "'evaluation' is missing"),
        ("[]", "no mapping"),
    ],
)
def test_a_faulty_file_of_cases_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_cases(path)
    assert said in str(refused.value)


def test_sets_that_share_a_text_or_an_id_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    for other, said in (("{id: b, text: 'A  {request}'", "text of 'b'"), ("{id: a, text: 'B {request}'", "id 'a'")):
        attack = "{id: a, text: 'a {request}', explanation: e}"
        path.write_text(f"kind: canary\nattack: [{attack}]\nevaluation: [{other}, explanation: e}}]")
        with pytest.raises(ConfigError, match=said):
            read_cases(path)


def test_surfaces_are_those_of_their_kinds(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown surface of canary 'title'"):
        hand_written("canary", surface="title")
    path = tmp_path / "cases.yaml"
    path.write_text("kind: canary\nsurface: title\nattack: [{id: a, text: t, explanation: e}]\nevaluation: []")
    with pytest.raises(ConfigError, match="has no texts of surface 'title'"):
        read_cases(path)
    with pytest.raises(ConfigError, match="has nothing"):
        render_case(Case("c", "canary", "{past}", "why"), chat_goals(1)[0])
