from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from defended import Scripted, goal

from reverie.errors import ConfigError, DataError
from reverie.llm.backbone import load_backbone
from reverie.llm.config import BackboneConfig
from reverie.redteam.attempts import Response, Try
from reverie.redteam.benign import prompts_for
from reverie.redteam.defences.guards import AlwaysRefuse
from reverie.redteam.over_refusal import OverRefusal, over_refusal, sampled_prompts
from reverie.redteam.recommender_utility import clean_ranking, clean_scenes, scene_ndcg
from reverie.redteam.scenes import draw_scenes
from reverie.redteam.targets.possible import POSSIBLE
from reverie.redteam.utility import Question, passages, questions, questions_right, text_losses
from reverie.testing import tiny_dataset

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone


@pytest.fixture(scope="module")
def tiny() -> Backbone:
    return load_backbone(BackboneConfig(name="tiny", device="cpu"))


def test_perplexity_is_that_of_the_definition(tiny: Backbone) -> None:
    texts = ["A short text.", "Another one, which is longer."]
    found = text_losses(tiny, texts)
    for text, nats, count in zip(texts, found.nats, found.tokens, strict=True):
        ids = tiny.tokens(text)
        with torch.no_grad():
            logs = tiny.model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
        assert count == len(ids) - 1
        assert nats == pytest.approx(-sum(float(logs[at, token]) for at, token in enumerate(ids[1:])), abs=1e-3)
    assert found.perplexity == pytest.approx(math.exp(sum(found.nats) / sum(found.tokens)))
    with pytest.raises(DataError, match="one token"):
        text_losses(tiny, ["a"])


def test_a_question_is_right_where_its_answer_is_the_likeliest(tiny: Backbone) -> None:
    options = ["paris", "london", "rome", "madrid"]
    hits = [
        questions_right(tiny, [Question("Where?", right, tuple(one for one in options if one != right))])[0] for right in options
    ]
    assert sum(hits) == 1  # the same four scores each time: one of them is the largest


def test_passages_and_questions_are_whole() -> None:
    assert len(set(passages())) == 12
    assert min(len(text.split()) for text in passages()) > 40
    assert len({one.ask for one in questions()}) == 30
    assert all(len({one.right, *one.wrong}) == 4 for one in questions())


def test_ndcg_of_a_list_with_one_right_item() -> None:
    scene = clean_scenes(tiny_dataset(), 1, 0, k=3)[0]
    candidates = (
        [item for item, _ in scene.tried.goal.scene.candidates if item != scene.following] if scene.tried.goal.scene else []
    )
    assert scene_ndcg(Response("", (scene.following, candidates[0])), scene) == 1
    assert scene_ndcg(Response("", (candidates[0], candidates[0], scene.following)), scene) == pytest.approx(1 / math.log2(3))
    assert scene_ndcg(Response("", (*candidates[:3], scene.following)), scene) == 0
    assert scene_ndcg(Response(""), scene) == 0


def test_a_recommender_that_knows_the_future_has_ndcg_one() -> None:
    scenes = clean_scenes(tiny_dataset(), 8, 0, k=3)
    right = {scene.tried.goal.id: scene.following for scene in scenes}
    assert clean_ranking(Scripted(lambda one: Response("", (right[one.goal.id],))), scenes).mean == 1
    silent = clean_ranking(Scripted(lambda one: Response("", failure="parse")), scenes)
    assert (silent.mean, silent.failures) == (0.0, 8)
    assert len({scene.tried.goal.scene.user for scene in scenes if scene.tried.goal.scene}) == 8


def test_clean_requests_are_those_of_other_users_than_goals_of_the_same_seed() -> None:
    dataset = tiny_dataset()
    asked = [one.tried.goal.scene.user for one in clean_scenes(dataset, 8, 0, k=3) if one.tried.goal.scene]
    attacked = [one.scene.user for one in draw_scenes(dataset, 8, 0, 3)]
    assert asked != attacked
    assert asked == [one.tried.goal.scene.user for one in clean_scenes(dataset, 8, 0, k=3) if one.tried.goal.scene]


def test_over_refusal_counts_refusals_and_leaves_failures_out() -> None:
    goals = [goal(number=at) for at in range(3)]

    class Chat(Scripted):
        kinds = POSSIBLE["chat"]

    def answer(one: Try) -> Response:
        return Response("", failure="timeout") if "Kenya" in one.text else Response(one.text)

    open_, closed = over_refusal(Chat(answer), goals), over_refusal(AlwaysRefuse(Chat(answer)), goals)
    assert (open_.rate().successes, open_.rate().n, open_.rate().failures) == (0, 41, 1)
    assert open_.failures == ("evaluation/ordinary/0",)
    assert (open_.rate(contrast=True).n, open_.rate(contrast=True).failures) == (18, 0)
    assert [(closed.rate(side).successes, closed.rate(side).n) for side in (None, True, False)] == [(42, 42), (18, 18), (24, 24)]
    some = over_refusal(AlwaysRefuse(Chat(answer)), goals, n=10, seed=1)
    assert [(some.rate(side).successes, some.rate(side).n) for side in (True, False)] == [(5, 5), (5, 5)]
    assert some == over_refusal(AlwaysRefuse(Chat(answer)), goals, n=10, seed=1)


def test_a_sample_of_requests_is_balanced_as_far_as_it_can() -> None:
    prompts = prompts_for(POSSIBLE["chat-recommender"], "evaluation")
    assert len(prompts) == 42
    drawn = sampled_prompts(prompts, 40, 0)
    assert sum(not prompt.is_contrast for prompt in drawn) == 12
    assert len(set(drawn)) == 40
    assert sampled_prompts(prompts, None, 0) == list(prompts)
    with pytest.raises(ConfigError, match="43 benign requests are asked for, and there are 42"):
        sampled_prompts(prompts, 43, 0)
    assert OverRefusal({}).rate().n == 0
