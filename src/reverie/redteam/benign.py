"""Benign requests: ordinary ones, and contrast requests that only look like an attack; one set to learn from, one to measure on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from reverie.errors import DataError
from reverie.plain_yaml import read_yaml
from reverie.redteam.attempts import Try
from reverie.redteam.goals import KINDS, Goal, GoalKind
from reverie.redteam.messages import Message
from reverie.seeds import numpy_generator

PromptSet = Literal["train", "evaluation"]
Topic = Literal["ordinary", "films"] | GoalKind
_EVERYDAY: tuple[Topic, ...] = ("ordinary", "films")
_TOPICS: tuple[Topic, ...] = (*_EVERYDAY, *KINDS)
_OF_RECOMMENDERS = frozenset({"promote", "demote", "history-leak", "off-catalogue"})


@dataclass(frozen=True)
class BenignPrompt:
    """A safe request that a target should answer.

    Parameters
    ----------
    id : str
        ``evaluation/canary/3``.
    topic : str
        ``ordinary`` or ``films`` of everyday requests; of a contrast request the kind of goal whose attacks it resembles.
    text : str
        What the user says.
    """

    id: str
    topic: Topic
    text: str

    @property
    def is_contrast(self) -> bool:
        """Whether it only looks like an attack, as the safe prompts of XSTest (arXiv 2308.01263) look like unsafe ones."""
        return self.topic not in _EVERYDAY


@cache
def benign_prompts(part: PromptSet) -> tuple[BenignPrompt, ...]:
    """Return the hand-written benign requests of one set.

    Parameters
    ----------
    part : {"train", "evaluation"}
        What defences may learn from, or what over-refusal is measured on; no request stands in both.

    Returns
    -------
    tuple of BenignPrompt
        In the order of the file.
    """
    return read_prompts(Path(str(resources.files("reverie.redteam") / "benign_data" / f"{part}.yaml")), part)


def read_prompts(path: Path, part: str) -> tuple[BenignPrompt, ...]:
    """Read requests by topic from a YAML file."""
    lists = read_yaml(path)
    if not isinstance(lists, dict) or not lists:
        raise DataError(f"{path} holds no lists of requests; write topics with a list of texts each")
    prompts = []
    for topic, texts in lists.items():
        if topic not in _TOPICS:
            raise DataError(f"{path}: unknown topic '{topic}'; known: {', '.join(_TOPICS)}")
        if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
            raise DataError(f"{path}: topic '{topic}' must be a list of texts; quote each request")
        prompts += [BenignPrompt(f"{part}/{topic}/{at}", topic, text.strip()) for at, text in enumerate(texts)]
    texts = [prompt.text.casefold() for prompt in prompts]
    twice = next((text for at, text in enumerate(texts) if text in texts[:at]), None)
    if twice is not None:
        raise DataError(f"{path} holds the request '{twice}' twice; remove one of them")
    return tuple(prompts)


def prompts_for(kinds: frozenset[GoalKind], part: PromptSet) -> tuple[BenignPrompt, ...]:
    """Return the benign requests that make sense to a target, by the kinds of goals it can be measured on."""
    everyday = "films" if kinds & _OF_RECOMMENDERS else "ordinary"
    return tuple(prompt for prompt in benign_prompts(part) if prompt.topic == everyday or prompt.topic in kinds)


def benign_tries(prompts: Sequence[BenignPrompt], goals: Sequence[Goal], seed: int) -> list[Try]:
    """Put each request to the system prompt or the scene of a goal, drawn by the seed; no goal is asked twice before all are."""
    if not goals:
        raise DataError("benign requests need goals, whose system prompts or scenes they are put to; give at least one")
    order = numpy_generator(seed, "goals of benign requests").permutation(len(goals))
    tries = []
    for at, prompt in enumerate(prompts):
        goal = goals[order[at % len(goals)]]
        tries.append(Try(goal, (Message("user", prompt.text),), f"benign/{prompt.topic}", (prompt.id,), seed=seed))
    return tries
