"""A study of CoLLM from a recipe: recommenders, two steps, scores of every row of the table; cut anywhere, it goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.queries import Queries
from reverie.data.split import Split
from reverie.data.splits.given import label_by_time, labelled_rows
from reverie.documents import read_as, read_json, read_table
from reverie.errors import ConfigError, DataError, RunError
from reverie.evaluation import Evaluation, evaluate
from reverie.evaluation.effects import finite
from reverie.files import atomic_path, check_digests, check_seal, digests, sealed, write_json, write_text
from reverie.llm.collm.pairs import Scored, bias_scores, ensemble, labelled_pairs, sample_rows, sample_users, scored_evaluation
from reverie.llm.collm.prompting import open_template
from reverie.llm.collm.recipe import COLLM, CoLLMRecipe
from reverie.llm.collm.table import MeasuredCoLLM, metric_tables, plain, result_rows, study_table, table_and_sentences, write_report
from reverie.llm.config import MORE
from reverie.models import load_model, save_model
from reverie.report.table import StudyReport
from reverie.study.call import Call
from reverie.study.environment import commit, environment, peak_mb, reset_peak
from reverie.study.run import SingleCell, run_single
from reverie.study.store import held
from reverie.training.event_log import keep_log, open_log, open_recipe_dataset

VERSION = 1
"""Of the whole study; raised when the same facts come to mean something else."""


def run_collm(
    recipe: CoLLMRecipe,
    folder: str | Path,
    *,
    device: str | None = None,
    results: str | Path | None = None,
    show: bool = True,
    offline: bool = False,
    dataset: Dataset | None = None,
) -> MeasuredCoLLM:
    """Teach and measure as a recipe says; the same call goes on where it was cut."""
    folder = Path(folder)
    for ids in ("none", recipe.model.ids):
        open_template(recipe.model.model_copy(update={"ids": ids}))
    dataset = dataset or open_recipe_dataset(recipe.dataset, offline)
    sha256 = dataset.sha256
    if recipe.label is not None:
        dataset = label_by_time(dataset, recipe.label.threshold, recipe.label.months, recipe.label.shares)
    elif "label" not in dataset.events.columns:
        raise DataError(f"'{dataset.name}' has no labels; add 'label: {{threshold: 4}}' to the recipe to make them from ratings")
    split, pairs = labelled_rows(dataset), labelled_pairs(dataset)
    inputs = {
        "recipe": recipe.model_dump(mode="json", exclude={"name", "description", "smoke", "resamples"}),
        "data": split.sha256, "protocol": split.protocol, "version": VERSION,
    }  # fmt: skip
    study = SingleCell(
        recipe.name, MORE, inputs, lambda: _measured(recipe, folder, sha256, split, pairs, device, show),
        lambda measured: result_rows(measured, study_table(measured)), kept=is_study(folder),
    )  # fmt: skip
    return run_single(study, results)


def _measured(
    recipe: CoLLMRecipe, folder: Path, sha256: str, split: Split, pairs: dict[str, pl.DataFrame], device: str | None, show: bool
) -> MeasuredCoLLM:
    """Teach every row of the table and score validation and test with it, where that is not done, and read the scores."""
    chosen = {
        name: sample_users(queries, count, recipe.rows.seed, name, recipe.rows.per_user)
        for name, queries, count in (("valid", split.valid, recipe.rows.valid), ("test", split.test, recipe.rows.test))
    }
    valid, test = split.valid.take(chosen["valid"]), split.test.take(chosen["test"])
    with held(folder, recipe, COLLM, "run", done="result.json"):
        keep_log(folder, recipe.dataset, sha256)
        if not (folder / "result.json").exists():
            write_json(folder / "environment.json", environment())
            reset_peak()
            begin = time.monotonic()
            scores, facts = _scores(recipe, folder, split, (valid, test), bias_scores(pairs, chosen), device, show)
            for side, name in enumerate(chosen):
                with atomic_path(folder / f"{name}-scores.parquet") as temporary:
                    columns = {row: np.asarray(values[side], dtype=np.float64) for row, values in scores.items()}
                    pl.DataFrame(columns).write_parquet(temporary)
            facts |= {"seconds": time.monotonic() - begin, "peak_mb": peak_mb(), "commit": commit()}
            write_json(folder / "result.json", sealed(facts | {"files": digests(folder, "*-scores.parquet")}))  # the last
    remedy = f"delete {folder} and start again"
    read_as(CoLLMFacts, folder / "result.json", remedy, RunError)
    facts = read_json(folder / "result.json")
    check_seal(facts, folder / "result.json", remedy, RunError)
    check_digests(folder, facts.get("files", {}), remedy, RunError)
    tables = [read_table(folder / f"{name}-scores.parquet", None, remedy) for name in ("valid", "test")]
    if [table.height for table in tables] != [len(valid.targets), len(test.targets)]:
        raise RunError(f"{folder} holds scores of other rows than those of its recipe; {remedy}")
    on_valid, on_test = ({row.name: row.to_numpy() for row in table} for table in tables)
    return MeasuredCoLLM(folder, recipe, split, pairs["train"], valid, test, on_valid, on_test, facts)


def _scores(
    recipe: CoLLMRecipe, folder: Path, split: Split, asked: tuple[Queries, Queries], scores: Scored, device: str | None, show: bool
) -> tuple[Scored, dict[str, Any]]:
    """Add the scores of recommenders and of the language model to those of bias models, for validation and test."""
    from reverie.llm.collm.steps import TwoStepTraining, fit_labels, labelled

    recommenders, own = {}, recipe.model.collaborative
    todo = {name: (name.partition(":")[0], t.options, t.training) for name, t in recipe.baselines.items()}
    if own is not None and not recipe.scratch:
        todo["read"] = (own.name, own.options, recipe.collaborative)
    for name, (kind, options, training) in todo.items():
        place = folder / "recommenders" / name.replace(":", "-")
        if not (place / "fitted.json").exists():
            begin = time.monotonic()
            model, best = fit_labels(kind, options, split, training, folder=place, device=device, show=show)
            save_model(model, place)
            numbers = {"best_epoch": best.epoch, "valid": finite(best.value), "seconds": time.monotonic() - begin}
            write_json(place / "fitted.json", numbers)
        fitted, recommenders[name] = load_model(place), read_json(place / "fitted.json")
        valid, test = (evaluate(fitted, part, top=0).scored["score"] for part in asked)  # type: ignore[index]  # there are labels
        scores[name] = (valid, test)
    facts: dict[str, Any] = {"recommenders": recommenders, "steps": {}}
    if recipe.controls_only:
        return scores, facts
    rows = sample_rows(labelled(split), recipe.rows.train, recipe.rows.seed)
    taught, facts["steps"] = TwoStepTraining(recipe, split, rows, asked, folder, show, device).scores()
    mixed = "read" if "read" in scores else next((name for name in scores if name.startswith("mf")), None)
    if mixed is not None and "text-only" in taught:
        text = taught.pop("text-only")
        sides = [(np.asarray(one, dtype=np.float64), other) for one, other in zip(scores[mixed], text, strict=True)]
        *both, facts["ensemble_weight"] = ensemble(sides[0], sides[1], recipe.text_training.metric, asked[0])
        facts["ensemble_of"] = mixed
        scores |= {"text-only": text, "ensemble": (both[0], both[1])}
    return scores | taught, facts


def report(recipe: CoLLMRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it."""
    folder = call.folder
    done = run_collm(recipe, folder, device=call.device, results=call.results, show=call.show, offline=call.offline)
    table = study_table(done)
    files = [folder / "table.json", folder / "table.md"]
    write_json(files[0], plain(done, table))
    write_text(files[1], "\n\n".join(one.to_markdown() for one in metric_tables(done, table)) + "\n")
    files.append(write_report(done, table, folder / "report.html"))
    return StudyReport(plain(done, table), table_and_sentences(done, table), files)


@dataclass(frozen=True)
class CoLLMFacts:
    """What ``result.json`` of a study holds at least."""

    recommenders: dict[str, dict[str, Any]]
    steps: dict[str, Any]
    seconds: float
    peak_mb: float
    commit: str


def is_study(folder: str | Path) -> bool:
    """Return whether a folder holds a finished study."""
    return (Path(folder) / "test-scores.parquet").is_file() and (Path(folder) / "result.json").is_file()


def open_study(folder: Path, offline: bool = False, log: Path | None = None) -> MeasuredCoLLM:
    """Open a finished study; nothing is asked again."""
    recipe = COLLM.load(str(folder / COLLM.file))
    return run_collm(recipe, folder, show=False, dataset=open_log(folder, recipe.dataset, log, offline))


def study_evaluation(
    folder: Path, on: str = "test", row: str = "collm", offline: bool = False, log: Path | None = None
) -> Evaluation:
    """Open what a finished study measured."""
    done = open_study(folder, offline, log)
    queries, scores = (done.valid, done.valid_scores) if on == "valid" else (done.test, done.test_scores)
    if row not in scores:
        raise ConfigError(f"{folder} has no row '{row}'; it has {', '.join(scores)}")
    return scored_evaluation(queries, scores[row], row)
