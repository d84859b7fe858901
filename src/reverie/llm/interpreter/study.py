"""The study of an interpreter: train the recommender, teach the adapter, ask the language model, measure its answers."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.data.splits.config import split_dataset
from reverie.files import read_json, write_json
from reverie.llm.config import MORE
from reverie.llm.interpreter.page import write_page
from reverie.llm.interpreter.session import Session, open_session, teach
from reverie.llm.interpreter.table import Interpreted, generated_rows, interpreter_rows, make_table, shown_tables
from reverie.report.table import StudyReport
from reverie.study.environment import commit, environment, peak_mb, reset_peak
from reverie.study.progress import progress
from reverie.study.run import SingleCell, run_single
from reverie.training.run import open_recipe_dataset

if TYPE_CHECKING:
    from reverie.llm.interpreter.recipe import InterpreterRecipe
    from reverie.study.call import Call

VERSION = 1
"""Of the whole study; raised when the same facts come to mean something else."""


def run_interpreter(
    recipe: InterpreterRecipe,
    folder: Path,
    *,
    device: str | None = None,
    results: Path | None = None,
    offline: bool = False,
    show: bool = True,
) -> Interpreted:
    """Train the recommender, teach the interpreter and measure it; what is there already is not done again."""
    training = recipe.training_recipe()
    dataset = open_recipe_dataset(training.dataset, offline)
    split = split_dataset(dataset, training.split)
    inputs = {
        "recipe": recipe.model_dump(mode="json", exclude={"name", "description", "smoke"}),
        "data": split.sha256, "protocol": split.protocol, "version": VERSION,
    }  # fmt: skip

    def interpret() -> Interpreted:
        session = open_session(recipe, folder, data=(dataset, split), device=device, offline=offline, show=show)
        facts = _taught(session, show)
        with progress(len(generated_rows(session)), "asking", show) as bar:
            return Interpreted(session, make_table(session, session.windows("test"), bar), facts)

    kept = (folder / "table.json").is_file()
    return run_single(SingleCell(recipe.name, MORE, inputs, interpret, interpreter_rows, kept), results)


def report(recipe: InterpreterRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it."""
    folder = call.folder
    done = run_interpreter(recipe, folder, device=call.device, results=call.results, offline=call.offline, show=call.show)
    page = write_page(done, folder / "report.html", call.command)
    one = f"one person in words: reverie explain --run {folder} --user {done.session.split.vocabulary.users[0]}"
    return StudyReport({"folder": str(folder), **done.facts, "table": done.table.plain()}, [*shown_tables(done), one], [page])


def _taught(session: Session, show: bool) -> dict[str, Any]:
    """Teach the adapter where it is not taught, and return what that took."""
    folder, path = session.folder, session.folder / "taught.json"
    done = path.is_file()
    if not done:
        write_json(folder / "environment.json", environment())
        reset_peak()
    begin = time.monotonic()
    with progress(session.recipe.training.steps, f"teaching {session.recipe.name}", show and not done) as bar:
        teach(session, bar)
    if not done:
        file = folder / "metrics.jsonl"
        log = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []
        best: dict[str, Any] = min(log, key=lambda row: row["valid_loss"], default={})
        seconds = max((row["seconds"] for row in log), default=time.monotonic() - begin)
        cost = {"commit": commit(), "seconds": seconds, "peak_mb": peak_mb()}
        write_json(path, cost | {"best_step": best.get("epoch"), "valid_loss": best.get("valid_loss")})
    return dict(read_json(path))
