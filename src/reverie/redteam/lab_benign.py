"""A defended target on benign requests, and on its own task."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.files import json_digest
from reverie.redteam.attempts import Try
from reverie.redteam.benign import prompts_for
from reverie.redteam.cells import Benign
from reverie.redteam.goals import Goal, goals_digest
from reverie.redteam.messages import Message
from reverie.redteam.over_refusal import over_refusal
from reverie.redteam.recipe import RedTeamRecipe
from reverie.redteam.roles import Target
from reverie.redteam.targets.config import CoLLMTarget
from reverie.redteam.utility import passages, questions, questions_right, text_losses
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset

VERSION = 3
"""Of what is asked."""
Units = Mapping[str, Sequence[float]]
"""Figures of a target's own task, one value for each question, text or user."""


def benign_facts(goals: Sequence[Goal], recipe: RedTeamRecipe) -> dict[str, Any]:
    """Return everything that the measurement depends on but the target and the seed."""
    texts = [prompt.text for prompt in prompts_for(frozenset(goal.kind for goal in goals), "evaluation")]
    own = {"questions": [one.ask for one in questions()], "passages": list(passages())}
    asked = {"prompts": json_digest({"texts": texts, **own}), "goals": goals_digest(tuple(goals))}
    return asked | {"n": recipe.benign, "utility": recipe.utility, "version": VERSION}


def measure_benign(target: Target, goals: Sequence[Goal], n: int, seed: int, utility: Callable[[], Units]) -> Benign:
    """Ask `n` benign requests under the goals' own system prompts or scenes, count refusals, and measure the target's own task.

    Contrast requests only look like an attack. Which requests are asked is the same for every defence at one seed.
    """
    begin = time.monotonic()
    refused: tuple[bool | None, ...] = ()
    if n:
        refused = tuple(over_refusal(target, goals, n=n, seed=seed).refused.values())
    units = {name: [float(value) for value in values] for name, values in utility().items() if values}
    means = {name: sum(values) / len(values) for name, values in units.items()}
    return Benign(refused, means, units, time.monotonic() - begin, "")


def chat_utility(target: Target, model: Any, goals: Sequence[Goal], n: int, seed: int) -> Units:
    """Return what a chat model can do: easy questions, and how well it foretells everyday prose (nats a token, negated).

    Weights answer both; a question that a guard does not let through counts as wrong.

    Parameters
    ----------
    target : Target
        With its guard.
    model : ChatModel
        The language model inside; None or one whose weights are not here gives nothing.
    goals : sequence of Goal
        Whose system prompts stand around a question that a guard sees.
    n : int
        Questions at most, and texts at most.
    seed : int
        Of the target's sampling.
    """
    backbone = getattr(model, "backbone", None)
    if backbone is None:
        return {}
    asked = questions()[:n]
    right = [float(flag) for flag in questions_right(backbone, asked)]
    if getattr(target, "defence", None) is not None:
        tries = [Try(goals[at % len(goals)], (Message("user", one.ask),), "benign", seed=seed) for at, one in enumerate(asked)]
        right = [flag * (not answer.blocked) for flag, answer in zip(right, target.respond(tries), strict=True)]
    losses = text_losses(backbone, passages()[:n])
    fluency = [-nats / tokens for nats, tokens in zip(losses.nats, losses.tokens, strict=True)]
    return {"questions": right, "log-likelihood": fluency}


def ranking_utility(target: Target, dataset: Dataset, n: int, seed: int) -> Units:
    """Return NDCG of what came next, of users who ask plainly."""
    from reverie.redteam.recommender_utility import clean_ranking, clean_scenes

    return {"ndcg@5": clean_ranking(target, clean_scenes(dataset, n, seed)).ndcg}


def label_utility(model: Any, config: CoLLMTarget, n: int, seed: int, offline: bool) -> Units:
    """Return AUC on labelled test rows of the study that a CoLLM came from: the part of each row in it."""
    from reverie.evaluation.values import auc_pseudo_values
    from reverie.llm.collm.steps import joint_scores
    from reverie.llm.collm.study import open_study

    test = open_study(Path(config.run), offline).test
    rows = np.sort(numpy_generator(seed, "labelled rows").permutation(len(test))[:n])
    asked = test.take(rows)
    scores = joint_scores({"collm": model}, asked)["collm"]
    values = auc_pseudo_values(np.arange(len(rows)), np.asarray(asked.labels, dtype=bool), np.asarray(scores, dtype=np.float64))
    return {"auc": np.asarray(values).tolist()}
