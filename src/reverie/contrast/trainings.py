"""Finished trainings of a study, one small file each, so that nothing is ever trained twice."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.contrast.task import Measure, Outcome
from reverie.errors import NotFinite, RunError
from reverie.files import read_json, write_json
from reverie.objectives import create_loss
from reverie.seeds import seed_torch
from reverie.training.memory import peak_mb, reset_peak

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from reverie.contrast.task import Task
    from reverie.objectives.config import ContrastiveConfig


@dataclass(frozen=True)
class Training:
    """One finished training or measurement."""

    seed: int
    outcome: Outcome | None
    seconds: float
    peak_mb: float
    commit: str
    note: str = ""


class Trainings:
    """Trainings of one task: read where they were done before, done and kept where they were not."""

    def __init__(self, folder: Path, task: Task, config: BaseModel, commit: str) -> None:
        self.folder, self.task, self.commit = folder, task, commit
        self._common = {"task": config.model_dump(mode="json"), "data": task.sha256}

    def path(self, what: ContrastiveConfig | str, seed: int) -> Path:
        """Return the file of a training."""
        text = json.dumps(self._common | _said(what) | {"seed": seed}, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    def find(self, what: ContrastiveConfig | str, seed: int) -> Training | None:
        """Return a training that was finished before."""
        path = self.path(what, seed)
        return _from_json(read_json(path), path) if path.exists() else None

    def do(self, what: ContrastiveConfig | str, seed: int, say: Callable[[str], None]) -> Training:
        """Train or measure, and keep what came out."""
        seed_torch(seed, "loss")  # what a loss draws, such as shuffled weights
        reset_peak()
        begin, note = time.monotonic(), ""
        outcome: Outcome | None = None
        try:
            if isinstance(what, str):
                outcome = self.task.baseline(what, seed, say)
            else:
                outcome = self.task.train(create_loss(what), seed, say)
        except NotFinite as error:
            note = str(error)
        if outcome is not None and not _finite(outcome):
            outcome, note = None, "what was measured is not finite"
        done = Training(seed, outcome, time.monotonic() - begin, peak_mb(), self.commit, note)
        write_json(self.path(what, seed), self._common | _said(what) | asdict(done))
        return done


def _said(what: ContrastiveConfig | str) -> dict[str, Any]:
    return {"baseline": what} if isinstance(what, str) else {"loss": what.model_dump(mode="json")}


def _finite(outcome: Outcome) -> bool:
    values = [outcome.selection, *outcome.cosines]
    for measure in outcome.metrics.values():
        values += [value for value in (measure.value, measure.low, measure.high, measure.spread) if value is not None]
    return all(map(math.isfinite, values))


def _from_json(values: Any, path: Path) -> Training:
    try:
        found = values["outcome"]
        metrics = found and {name: Measure(**measure) for name, measure in found["metrics"].items()}
        outcome = found and Outcome(found["selection"], metrics, found["epoch"], tuple(found["cosines"]))
        return Training(values["seed"], outcome, values["seconds"], values["peak_mb"], values["commit"], values["note"])
    except (AttributeError, KeyError, TypeError) as error:
        raise RunError(f"{path} holds no finished training; delete it, and the same command does it again") from error
