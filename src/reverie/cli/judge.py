"""`reverie judge`: anybody's recommendations, measured like our own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.log_options import Reading, reads_log
from reverie.cli.options import Json, Offline, Quiet, console, print_json
from reverie.errors import ConfigError, unknown

if TYPE_CHECKING:
    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences
    from reverie.data.split import Split
    from reverie.evaluation import Evaluation


@reads_log({"rating", "kind", "reward", "propensity", "weight", "catalog", "catalog_columns"})
def judge(
    recommendations: Annotated[
        list[str],
        typer.Argument(help="FILE, NAME=FILE, or NAME=SEED1,SEED2: Parquet, CSV or TSV with user, item and rank or score."),
    ],
    reading: Reading,
    dataset: Annotated[str | None, typer.Option("--dataset", help="A dataset or a file of events, to be split here.")] = None,
    protocol: Annotated[str | None, typer.Option("--protocol", help="leave_one_out, temporal, by_user, given.")] = None,
    on: Annotated[str, typer.Option("--on", help="valid or test.")] = "test",
    truth: Annotated[Path | None, typer.Option("--truth", help="Instead of a dataset: users and what they went on to.")] = None,
    history: Annotated[Path | None, typer.Option("--history", help="With --truth: the events that came before.")] = None,
    core: Annotated[int, typer.Option("--core", min=0, help="Keep users and items with at least this many events.")] = 0,
    score: Annotated[str | None, typer.Option("--score", help="Column of the score; higher is better.")] = None,
    rank: Annotated[str | None, typer.Option("--rank", help="Column of the rank; lower is better.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="rank or score, where there are both; rank by default.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Cut-off of all metrics.")] = 10,
    drop_seen: Annotated[bool, typer.Option("--drop-seen", help="Take items of the history out of the lists.")] = False,
    results: Annotated[Path | None, typer.Option("--results", help="Append all metrics to this CSV table.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Measure recommendations that another system made, beside trivial baselines, with intervals and paired tests.

    The options of the log are those of --dataset, or of --truth and --history; --user and --item name a column of every file that
    has one of this name.

    Example: reverie judge mine=recs.parquet other=theirs.csv --dataset ml-100k --protocol leave_one_out
    """
    from reverie.report.judgement import judgement, print_judgement
    from reverie.study.environment import commit
    from reverie.study.rows import append_rows

    task = _task(dataset, protocol, on, truth, history, core, offline, reading)
    columns = {"score": score, "rank": rank, "by": by, "named": {role: reading.get(role) for role in ("user", "item")}}
    warnings: list[str] = list(task.warnings)
    systems: dict[str, Sequence[Evaluation]] = {}
    for name, paths in _systems(recommendations).items():
        systems[name] = [_one(name, path, task, columns, k, drop_seen, warnings) for path in paths]
    judged = judgement(systems | _baselines(task, k), k, task.facts, warnings, lists=task.train is not None)
    if results is not None:
        append_rows(results, judged.results(commit()))
    if json:
        print_json(judged.to_json())
    else:
        print_judgement(judged, console(quiet))


@dataclass(frozen=True)
class _Task:
    queries: Queries
    train: Sequences | None
    split: Split | None
    facts: dict[str, str]
    warnings: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()
    """Roles whose named columns the log has."""


def _task(
    dataset: str | None,
    protocol: str | None,
    on: str,
    truth: Path | None,
    history: Path | None,
    core: int,
    offline: bool,
    reading: Reading,
) -> _Task:
    from reverie.data.readers.formats import parts_of
    from reverie.evaluation import read_truth, targets_in_history
    from reverie.files import sha256

    unwanted = history if truth is None else protocol
    if (dataset is None) == (truth is None) or unwanted is not None:
        raise ConfigError("say what is true: --dataset with --protocol, or --truth with or without --history")
    if "kinds" in reading and truth is not None:
        raise ConfigError("--kinds chooses among the events of --dataset, and --truth has none; leave it out")
    if on not in ("valid", "test"):
        raise ConfigError(f"--on {on} is not possible; use valid or test")
    if truth is None:
        return _split_task(str(dataset), protocol, on, core, offline, reading)
    queries, train = read_truth(truth, history, **reading)
    files = parts_of(truth) if truth.is_dir() else [truth]
    digest = sha256(truth) if files == [truth] else hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()
    facts = {"dataset": truth.name, "dataset_sha256": digest, "protocol": "truth", "seen": queries.seen, "on": "all"}
    leaked = targets_in_history(queries)
    warning = (
        f"{leaked:,} of {len(queries.targets):,} truths also stand in the history of their user; check that {history} ends before"
    )
    return _Task(queries, train, None, facts, (warning,) if leaked else (), frozenset(reading))


def _split_task(name: str, protocol: str | None, on: str, core: int, offline: bool, reading: Reading) -> _Task:
    from pydantic import TypeAdapter

    from reverie.data.readers.catalog import named_columns
    from reverie.data.readers.layouts import file_options
    from reverie.data.sources.load import default_protocol, list_datasets, open_dataset
    from reverie.data.splits import PROTOCOLS
    from reverie.data.splits.config import SplitConfig, split_dataset
    from reverie.evaluation import targets_in_history

    chosen = protocol or default_protocol(name)
    if chosen not in PROTOCOLS:
        raise unknown("protocol", chosen, PROTOCOLS)
    columns: Reading = {role: reading[role] for role in ("user", "item") if role in reading}
    here = named_columns(name, columns, file_options(reading)) if columns and name not in list_datasets() else {}
    said = {key: value for key, value in reading.items() if key not in columns or key in here}
    events = open_dataset(name, offline=offline, **said)
    events = events.k_core(core, core) if core > 1 else events
    split = split_dataset(events, TypeAdapter(SplitConfig).validate_python({"protocol": chosen}))
    queries = split.valid if on == "valid" else split.test
    facts = {"dataset": split.dataset, "dataset_sha256": split.sha256, "protocol": split.protocol, "seen": queries.seen, "on": on}
    repeated = targets_in_history(queries) if queries.seen == "remove" else 0
    warning = f"{repeated:,} of {len(queries.targets):,} targets repeat an item of the history; lists without seen items miss them"
    return _Task(queries, split.train, split, facts, (warning,) if repeated else (), frozenset(here))


def _systems(arguments: Sequence[str]) -> dict[str, list[str]]:
    from reverie.report.cells import BASELINES

    found: dict[str, list[str]] = {}
    for argument in arguments:
        name, equals, paths = argument.partition("=")
        plain = not equals or Path(argument).exists()
        label = Path(argument).name.split(".")[0] if plain else name
        if not label or label in found or label in BASELINES:
            raise ConfigError(f"'{argument}' needs a name of its own that no baseline has; write another as NAME={argument}")
        found[label] = [argument] if plain else [path for path in paths.split(",") if path]
        if not found[label]:
            raise ConfigError(f"'{argument}' names no file; write NAME=FILE")
    return found


def _one(name: str, path: str, task: _Task, columns: dict[str, Any], k: int, drop_seen: bool, warnings: list[str]) -> Evaluation:
    from reverie.data.readers.catalog import named_columns
    from reverie.evaluation import audit, read_recommendations, submit
    from reverie.evaluation import judge as measure

    named, order = columns["named"], {key: value for key, value in columns.items() if key != "named"}
    found_here = {role: one for role, one in named.items() if role not in task.named} | named_columns(path, named)
    lists = submit(read_recommendations(path, **found_here, **order), task.queries, path)
    options: dict[str, Any] = {"name": name, "train": task.train, "protocol": task.facts["protocol"]}
    found = audit(lists, task.train, k)
    if task.train is None:
        found = replace(found, unknown=0)
    warnings += [f"{path}: {warning}" for warning in found.warnings()]
    evaluation = measure(lists, task.queries, drop_seen=drop_seen, **options)
    if found.seen:
        other = measure(lists, task.queries, drop_seen=not drop_seen, **options)
        kept, dropped = (other, evaluation) if drop_seen else (evaluation, other)
        values = f"ndcg@{k} {kept.value(f'ndcg@{k}'):.4f} as submitted, {dropped.value(f'ndcg@{k}'):.4f} without them"
        warnings.append(f"{path}: seen items make a difference of {values}; shown is the {'latter' if drop_seen else 'former'}")
    return evaluation


def _baselines(task: _Task, k: int) -> dict[str, Sequence[Evaluation]]:
    from reverie.evaluation import evaluate
    from reverie.training.fit import fit_baselines

    data = task.split or task.train
    if data is None:
        return {}
    options: dict[str, Any] = {"top": k, "train": task.train, "protocol": task.facts["protocol"]}
    return {name: [evaluate(model, task.queries, **options)] for name, model in fit_baselines(data).items()}
