"""Goals of a user: a YAML file of system prompts with what must not leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from reverie.errors import ConfigError
from reverie.options import Options, checked
from reverie.plain_yaml import read_yaml
from reverie.redteam.goal_checks import check_goals
from reverie.redteam.goals import Goal, Part


class _GoalOptions(Options):
    id: Annotated[str, Field(pattern=r"^[^\s;]+$", max_length=100)]
    """Also stands in the column `units` of a results table, between blanks and semicolons."""
    kind: Literal["canary", "phrase", "prompt-leak"]
    request: str
    system: str
    secret: str
    part: Part = "build"


class _GoalFile(Options):
    goals: tuple[_GoalOptions, ...] = Field(min_length=1)


def read_goals(path: str | Path) -> tuple[Goal, ...]:
    """Read goals of chat models from a YAML file.

    Parameters
    ----------
    path : path
        Holds ``goals``, a list of mappings with ``id``, ``kind`` (canary, phrase or prompt-leak), ``request``, ``system``,
        ``secret`` and, where it is held out, ``part: held-out``.

    Returns
    -------
    tuple of Goal

    Raises
    ------
    ConfigError
        If a key is wrong, or a goal could not be measured, such as one whose canary is not in its system prompt.
    """
    found: Any = read_yaml(Path(path))
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: it is no mapping; write 'goals:' and a list")
    goals = tuple(Goal(**one.model_dump()) for one in checked(_GoalFile, found, str(path)).goals)
    try:
        check_goals(goals)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return goals
