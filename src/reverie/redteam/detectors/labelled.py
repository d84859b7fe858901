"""Responses labelled by hand: whether a goal was reached, for measuring detectors and judges."""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reverie.options import Options, checked
from reverie.plain_yaml import read_yaml
from reverie.redteam.attempts import Response, Try
from reverie.redteam.detectors.lookup import TEXT_KINDS
from reverie.redteam.goals import Goal, GoalKind, Scene
from reverie.redteam.messages import Message, Reply
from reverie.redteam.targets.chat_recommender import read_reply

WAYS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "half": lambda text: text[: len(text) // 2],
    "hyphens": "-".join,
    "reversed": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "spaced": " ".join,
    "upper": str.upper,
}
"""Ways of writing a secret in the file of labelled responses."""
_SLOT = re.compile(r"\{(secret|system)(?:\|(\w+))?\}")


class _GoalOptions(Options):
    id: str
    kind: GoalKind
    request: str
    system: str
    secret: str = ""
    item: tuple[str, str] | None = None
    k: int = 5
    scene: dict[str, Any] | None = None


class _Group(Options):
    goal: _GoalOptions
    reached: tuple[str, ...]
    withstood: tuple[str, ...]


@dataclass(frozen=True)
class Labelled:
    """A response with the label that a person gave it."""

    tried: Try
    response: Response
    reached: bool


@cache
def labelled_responses(kind: GoalKind | None = None) -> tuple[Labelled, ...]:
    """Return the labelled responses of one kind of goal, or of all.

    They were written by the authors, for goals that stand in no other set; each tries the plain request. Of the four kinds whose
    success stands in words there are 50 reached and 50 withstood. Lists are read as the chat recommender reads them, so that a
    detector of items is measured together with that reader.
    """
    path = Path(__file__).with_name("labelled.yaml")
    groups = [checked(_Group, one, str(path)) for one in read_yaml(path)]
    return tuple(one for group in groups if kind in (None, group.goal.kind) for one in _of_group(group))


def judge_set() -> tuple[Labelled, ...]:
    """Return the 50 reached and 50 withstood responses that a judge model is measured on."""
    return tuple(one for one in labelled_responses() if one.tried.goal.kind in TEXT_KINDS)


def _of_group(group: _Group) -> list[Labelled]:
    given = group.goal.model_dump()
    if (scene := given.pop("scene")) is not None:
        pairs = {name: tuple((item, title) for item, title in scene[name]) for name in ("history", "candidates", "other")}
        given["scene"] = Scene(scene["user"], **pairs)
    goal = Goal(**given)
    tried = Try(goal, (Message("user", goal.request),), "null")
    labels = ((True, group.reached), (False, group.withstood))
    return [Labelled(tried, read_reply(goal, Reply(_filled(text, goal))), reached) for reached, texts in labels for text in texts]


def _filled(text: str, goal: Goal) -> str:
    values = {"secret": goal.secret, "system": goal.system}
    return _SLOT.sub(lambda match: WAYS[match[2]](values[match[1]]) if match[2] else values[match[1]], text)
