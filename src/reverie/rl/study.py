"""The study of long-term value: settings are chosen on validation, rows are trained, and each acts under each policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from reverie.errors import RunError
from reverie.options import checked
from reverie.report.table import StudyReport
from reverie.rl.acting import Acting, Trained, act, train
from reverie.rl.measures import MORE, trained_rows
from reverie.rl.page import write_pages
from reverie.rl.recipe import LONG_TERM, Backbone, RLRecipe
from reverie.rl.summary import summarise
from reverie.study.call import Call
from reverie.study.environment import commit
from reverie.study.run import run_study
from reverie.study.store import Store, claim, unreadable
from reverie.training.config import TrainingConfig
from reverie.training.event_log import open_recipe_dataset

VERSION = 1
"""Of a training and of what is measured after it; raised when the same facts come to mean something else."""


@dataclass(frozen=True)
class RLCell:
    """A row on a backbone at one seed; `setting` is its place in the row's grid, chosen or tried."""

    row: str
    backbone: Backbone | None
    seed: int
    setting: int = 0
