from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from reverie.errors import ConfigError, DataError, RunError
from reverie.models import create_model, save_model
from reverie.redteam.attempts import Try
from reverie.redteam.goals import Goal, Scene
from reverie.redteam.messages import Message
from reverie.redteam.targets.collm import CoLLMRecommender
from reverie.redteam.targets.create import create_target
from reverie.redteam.targets.planting import planted_title

sys.path.insert(0, str(Path(__file__).parents[1] / "llm" / "collm"))
import collm_world

SCENE = Scene(
    "3",
    tuple((str(i), f"Film {'ab'[i % 2]}{i}") for i in (1, 4, 7)),
    tuple((str(i), f"Film {'ab'[i % 2]}{i}") for i in range(8, 14)),
)
GOAL = Goal("collm-promote-0", "promote", "Film b11", item=("11", "Film b11"), scene=SCENE, k=2)
TEXTS = ("the best film of all", "Yes", "", "Film b11")


@pytest.fixture(scope="module")
def model() -> Any:
    return collm_world.model()


def tried(goal: Goal, text: str) -> Try:
    return Try(goal, (Message("user", text),), "null")


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a\n  classic", "behind", "Heat a classic"),
        ("a classic", "before", "a classic Heat"),
        ("a classic", "instead", "a classic"),
        ("the film HEAT, a classic", "behind", "the film HEAT, a classic"),
        ("Heat", "behind", "Heat"),
        (" \n", "behind", "Heat"),
        ("0123456789abc", "behind", "Heat 0123456789"),
    ],
)
def test_a_text_is_planted_on_one_line(text: str, place: Any, said: str) -> None:
    assert planted_title("Heat", text, place, 10 if text[0] == "0" else 100) == said


@pytest.mark.parametrize("options", [{}, {"ids": "none", "collaborative": None}])
def test_scores_are_those_of_a_model_with_that_title_in_its_catalogue(options: dict[str, Any]) -> None:
    model = collm_world.model(**options)
    target = CoLLMRecommender(model)
    found = target.scores(GOAL, TEXTS)
    codes = torch.tensor([[int(one) + 1 for one, _ in SCENE.candidates]])
    titles = model.prompting.titles
    for text, scores in zip(TEXTS, found, strict=True):
        said = "Film b11" if text in ("", "Film b11") else f"Film b11 {text}"
        texts = tuple(said if code == 12 else one for code, one in enumerate(titles.texts, start=1))
        model.prompting = replace(model.prompting, titles=replace(titles, texts=texts))
        expected = torch.stack([model.pairs(target._asked(GOAL).batch, codes[:, at : at + 1])[0, 0] for at in range(6)])
        model.prompting = replace(model.prompting, titles=titles)
        torch.testing.assert_close(scores, expected.detach(), atol=2e-5, rtol=1e-4)
    assert not torch.allclose(found[0], found[2], atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(found[2], found[3], atol=2e-5, rtol=1e-4)  # the title alone plants nothing


def test_candidates_are_ranked_by_score_and_only_the_item_moves(model: Any) -> None:
    target = CoLLMRecommender(model)
    demote = replace(GOAL, id="other", kind="demote", item=("8", "Film a8"))
    tries = [tried(GOAL, TEXTS[0]), tried(demote, "no"), tried(GOAL, TEXTS[1])]
    responses = target.respond(tries)
    for one, response in zip(tries, responses, strict=True):
        scores = dict(zip([item for item, _ in SCENE.candidates], target.scores(one.goal, [one.text])[0].tolist(), strict=True))
        assert list(response.ranking) == sorted(scores, key=lambda item: -scores[item])
        assert response.text.splitlines()[0] == f"1. {dict(SCENE.candidates)[response.ranking[0]]}"
    others = [[item for item in response.ranking if item != "11"] for response in (responses[0], responses[2])]
    assert others[0] == others[1]


def test_a_title_that_stands_in_the_history_changes_every_score(model: Any) -> None:
    target = CoLLMRecommender(model)
    seen = replace(GOAL, scene=replace(SCENE, history=(*SCENE.history, ("11", "Film b11"))))
    plain, planted = target.scores(seen, ["", "the best film of all"])
    assert bool((plain != planted).all())


def test_a_target_is_opened_from_a_folder(model: Any, tmp_path: Path) -> None:
    save_model(model, tmp_path / "run" / "model")
    opened = create_target({"kind": "collm", "run": str(tmp_path / "run")})
    assert (opened.name, opened.kinds) == ("collm", {"promote", "demote"})
    asked = [tried(GOAL, text) for text in TEXTS]
    assert opened.respond(asked) == CoLLMRecommender(model).respond(asked)
    assert create_target({"kind": "collm", "run": str(tmp_path / "run" / "model")}).respond(asked) == opened.respond(asked)
    with pytest.raises(ConfigError, match="CoLLM keeps no model of 'din'; take collm or text-only"):
        create_target({"kind": "collm", "run": str(tmp_path / "run"), "row": "din"})
    with pytest.raises(RunError, match="holds no model"):
        create_target({"kind": "collm", "run": str(tmp_path / "none")})
    save_model(create_model("mf", collm_world.split(), dim=4), tmp_path / "other")
    with pytest.raises(RunError, match="holds a model 'mf', not CoLLM"):
        create_target({"kind": "collm", "run": str(tmp_path / "other")})


def test_an_item_that_the_model_does_not_know_is_one_sentence(model: Any) -> None:
    with pytest.raises(DataError, match=r"item '99' is not in the catalogue of CoLLM; make goals of its own dataset"):
        CoLLMRecommender(model).respond([tried(replace(GOAL, item=("99", "None")), "x")])
