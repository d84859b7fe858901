"""An interpreter of one's own log: recommender and adapter are trained where they are missing, and nothing is measured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reverie.data.splits.config import split_dataset
from reverie.llm.interpreter.answers import known_user
from reverie.llm.interpreter.recipe import INTERPRETER, InterpreterRecipe
from reverie.llm.interpreter.session import Session, open_session
from reverie.llm.interpreter.study import ensure_taught
from reverie.study.store import held
from reverie.training.event_log import open_recipe_dataset

START = "recinterpreter-sasrec-ml-100k-short"
"""The packaged recipe whose settings are taken."""


def log_recipe(log: str, reading: Mapping[str, Any], settings: Sequence[str]) -> InterpreterRecipe:
    """Return the recipe that reads a log as its further keys say, its catalogue among them; settings are those of `--set`."""
    dataset = {"name": log, **reading}
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(log).name.split(".")[0]).strip("-.") or "log"
    own = {"name": f"explain-{slug}", "description": "SASRec of one's own log, in words", "recommender.dataset": dataset}
    return INTERPRETER.load(START, [*(f"{key}={json.dumps(value)}" for key, value in own.items()), *settings])


def teach_log(
    recipe: InterpreterRecipe, folder: Path, device: str | None, offline: bool, show: bool, user: str | None = None
) -> Session:
    """Open the interpreter of a log, after training what is not trained yet; a cut training goes on.

    A user that the log lacks is refused before anything is trained.
    """
    training = recipe.training_recipe()
    dataset = open_recipe_dataset(training.dataset, offline)
    session = open_session(recipe, folder, dataset, split_dataset(dataset, training.split), device, offline, show)
    if user is not None:
        known_user(session, user)
    with held(folder, recipe, INTERPRETER, "interpreter", done="table.json"):
        ensure_taught(session, show)
    return session
