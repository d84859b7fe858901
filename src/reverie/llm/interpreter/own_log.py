"""An interpreter of one's own log: recommender and adapter are trained where they are missing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.data.splits.config import split_dataset
from reverie.llm.interpreter.answers import known_user
from reverie.llm.interpreter.recipe import INTERPRETER, InterpreterRecipe
from reverie.llm.interpreter.session import Session, open_session
from reverie.llm.interpreter.study import ensure_taught
from reverie.llm.titles import catalogue_titles
from reverie.llm.windows import last_windows
from reverie.study.store import claim, held
from reverie.training.event_log import open_recipe_dataset
from reverie.training.run import Run, run_recipe

START = "recinterpreter-sasrec-ml-100k-short"
"""The packaged recipe whose settings are taken."""


def log_recipe(log: str, reading: Mapping[str, Any], settings: Sequence[str]) -> InterpreterRecipe:
    """Return the recipe that reads a log as its further keys say, its catalogue among them; settings are those of `--set`."""
    dataset = {"name": log, **reading}
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(log).name.split(".")[0]).strip("-.") or "log"
    own = {"name": f"explain-{slug}", "description": "SASRec of one's own log, in words", "recommender.dataset": dataset}
    return INTERPRETER.load(START, [*(f"{key}={json.dumps(value)}" for key, value in own.items()), *settings])


def train_recommender(
    recipe: InterpreterRecipe, folder: Path, device: str | None, offline: bool, show: bool, user: str | None, words: bool
) -> tuple[Dataset, Split, Run]:
    """Train the recommender of a log where it is not there yet.

    A user that the log lacks, and with `words` a catalogue without titles, is refused before that.
    """
    training = recipe.training_recipe()
    dataset = open_recipe_dataset(training.dataset, offline)
    split = split_dataset(dataset, training.split)
    if user is not None:
        known_user(split.vocabulary, user, str(folder))
    if words:
        catalogue_titles(split.vocabulary, recipe.titles)
    claim(folder, recipe, INTERPRETER, "interpreter")
    return dataset, split, run_recipe(training, folder / "recommender", split=split, device=device, show=show, offline=offline)


def held_out_user(recipe: InterpreterRecipe, split: Split) -> str:
    """Return the first held-out user whose history is long enough."""
    sizes = recipe.windows
    found = last_windows(split.test, sizes.length, sizes.shortest, sizes.test, recipe.training.seed)
    return str(split.vocabulary.users[int(found.users[0])])


def teach_log(
    recipe: InterpreterRecipe, folder: Path, dataset: Dataset, split: Split, device: str | None, offline: bool, show: bool
) -> Session:
    """Open the interpreter of a log, after teaching what is not taught yet; a cut training goes on."""
    session = open_session(recipe, folder, dataset, split, device, offline, show)
    with held(folder, recipe, INTERPRETER, "interpreter", done="table.json"):
        ensure_taught(session, show)
    return session
