"""`reverie compare`: several models, one split, one table."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie import processes
from reverie.cli.log_options import Reading, as_recipe, reads_log
from reverie.cli.options import Device, Json, Log, Offline, Quiet, Threads, console, print_json, read_as, use_threads
from reverie.errors import ConfigError, unknown

if TYPE_CHECKING:
    from rich.console import Console

    from reverie.training.comparison import Comparison
    from reverie.training.plan import Plan
    from reverie.training.recipe import Recipe


@reads_log()
def compare(
    what: Annotated[list[str], typer.Argument(help="A dataset, a file of events, recipes, run folders, or a suite.")],
    reading: Reading,
    on: Annotated[str | None, typer.Option("--on", help="Of a suite: the dataset.")] = None,
    rows: Annotated[str | None, typer.Option("--rows", help="Of a suite: rows, comma-separated; all by default.")] = None,
    models: Annotated[
        str | None, typer.Option("--models", help="Names, comma-separated, or all; by default what counts, sasrec and blend.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.01, max=1e6, help="Leave out what would take longer than that together.")
    ] = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="Say what would be run and what it would take, and stop.")] = False,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="leave_one_out, temporal, by_user, by_sequence, given.")
    ] = None,
    core: Annotated[int, typer.Option("--core", min=0, max=2**31, help="Keep users and items with at least this many events.")] = 0,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, max=1000, help="Seeds per model; 1, or the suite's number.")
    ] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Add rows fitted again on train and validation.")] = False,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Change a key of every recipe: training.epochs=5.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the runs; runs/compare-<name> by default.")] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Append all test metrics to this CSV table.")] = None,
    log: Log = None,
    device: Device = None,
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Train the models on one dataset and print an honest leaderboard with intervals; write it as an HTML page.

    Examples: reverie compare my-clicks.csv --catalog items.csv · reverie compare ml-100k --models popularity,sasrec ·
    reverie compare sequential --on ml-100k --rows markov,sasrec-full
    """
    from reverie.training.plan import open_comparison, plan_comparison
    from reverie.training.recipe import suite_files

    if all((Path(w) / "recipe.yaml").exists() for w in what):
        _finished(what, json, quiet, offline, out, results, log)
        return
    if log is not None:
        raise ConfigError(f"--log says where the log of run folders is, and {what[0]} is none; leave it out")
    columns = as_recipe(reading)
    name = _slug(what[0])
    if what[0] in suite_files():
        if len(what) > 1 or models is not None or protocol or columns or core:
            raise ConfigError(f"the suite '{what[0]}' says what is compared; beside it give only --on, --rows, --seeds and --refit")
        if settings and results:
            raise ConfigError(f"--set makes other recipes than those of the suite '{what[0]}'; leave out --set or --results")
        (recipes, planned), default = _suite_recipes(what[0], on, rows, settings or ()), False
        name = f"{name}-{on}"
    elif on or rows:
        raise ConfigError(
            f"--on and --rows belong to a suite ({', '.join(suite_files())}), and '{what[0]}' is none; leave them out"
        )
    else:
        planned = 1
        recipes, default = _recipes(what, models, protocol, columns, core, settings or ())
    folder = out or Path("runs") / f"compare-{name}"
    screen = console(quiet or json)
    if minutes is not None and processes.world() > 1:
        raise ConfigError("--minutes is for one process: each of several would count the time for itself; leave it out")
    dataset, split = open_comparison(recipes, offline)
    plan = plan_comparison(recipes, dataset, split, default=default, seeds=seeds or planned, refit=refit)
    plan = plan if minutes is None else plan.within(minutes)
    if show_plan(plan, screen, json, only_plan):
        return
    from reverie.training.comparison import Comparison, run_plan

    use_threads(threads, screen)
    if dataset.kind_counts and dataset.read_as is None:  # of a file, "read as" tells the kinds
        counted = ", ".join(f"{count:,} {kind}" for kind, count in dataset.kind_counts.items())
        screen.print(f"counted events: {counted}", markup=False)
    comparison = run_plan(
        plan, Comparison(dataset, split), folder, seeds=seeds or planned, refit=refit, device=device, show=not (quiet or json),
        results=results, minutes=minutes, report=lambda line: screen.print(line, markup=False),
    )  # fmt: skip
    conclude(comparison, folder, json, quiet)


def show_plan(plan: Plan, screen: Console, json: bool, only: bool) -> bool:
    """Print what will be run; return whether that was all that was asked for."""
    from reverie.report.plan_table import left_out_table, plan_json, plan_table

    if json and only:
        print_json(plan_json(plan))
    plan_table(plan).print(screen)
    if plan.left_out:
        left_out_table(plan.left_out).print(screen)
    return only


def conclude(comparison: Comparison, folder: Path, json: bool = False, quiet: bool = False, results: Path | None = None) -> None:
    """Print the leaderboard, write the report and the results table."""
    if processes.rank():
        return
    from reverie.evaluation import with_history
    from reverie.report import leaderboard, print_leaderboard, write_report
    from reverie.report.decision import decide, headline_of, next_commands
    from reverie.report.plan_table import left_out_table
    from reverie.study.rows import append_rows
    from reverie.training.run import result_rows

    board = leaderboard(comparison.runs)
    decision = decide(board) if board.pairs else None
    commands = [shlex.join(["reverie", "train", str(run.folder / "recipe.yaml")]) for run in comparison.runs]
    report = write_report(
        comparison.runs, folder / "report.html", split=comparison.split, dataset=comparison.dataset, commands=commands,
        left_out=comparison.skipped,
    )  # fmt: skip
    if results is not None:
        for run in comparison.runs:
            append_rows(results, result_rows(run))
    if json:
        facts = {"leaderboard": board.to_json(), "skipped": comparison.skipped, "report": str(report)}
        facts |= {} if decision is None else {"deploy": decision.to_json()}
        print_json(facts | {"read_as": read_as(comparison.dataset)})
        return
    screen = console(quiet)
    print_leaderboard(board, screen)
    if any(run.test.ranks["length"].min() == 0 for run in comparison.runs):
        screen.print("\nThe same without the queries whose history is empty:")
        print_leaderboard(leaderboard([replace(run, test=with_history(run.test)) for run in comparison.runs]), screen)
    if comparison.skipped:
        left_out_table(comparison.skipped).print(screen)
    if decision is not None:
        screen.print(f"{headline_of(decision, board)} Next: {next_commands(decision)[0]}", markup=False, soft_wrap=True)
    screen.print(f"report: {report}", markup=False, soft_wrap=True)


def _finished(
    folders: Sequence[str], json: bool, quiet: bool, offline: bool, out: Path | None, results: Path | None, log: Path | None
) -> None:
    from reverie.data.splits.config import split_dataset
    from reverie.training.comparison import Comparison
    from reverie.training.event_log import open_log
    from reverie.training.run import load_run

    runs = [load_run(folder) for folder in folders]
    for run in runs:
        if any(run.facts[fact] != runs[0].facts[fact] for fact in ("dataset_sha256", "protocol")):
            raise ConfigError(f"{run.folder} and {runs[0].folder} differ in dataset or split; compare what shares both")
    dataset = open_log(runs[0].folder, runs[0].recipe.dataset, log, offline)
    comparison = Comparison(dataset, split_dataset(dataset, runs[0].recipe.split), runs)
    conclude(comparison, out or runs[0].folder.parent, json, quiet, results)


def _recipes(
    what: Sequence[str], models: str | None, protocol: str | None, columns: dict[str, Any], core: int, settings: Sequence[str]
) -> tuple[list[Recipe], bool]:
    """Return the recipes that could be compared, and whether only the default set of them is to be."""
    from reverie.data.sources.load import default_protocol
    from reverie.models.shelf import MODELS
    from reverie.training.plan import recipes_for
    from reverie.training.recipe import RECIPES, change_recipe, load_recipe

    if all(w in RECIPES.files() or w.endswith((".yaml", ".yml")) for w in what):
        return [load_recipe(w, settings) for w in what], False
    if len(what) > 1:
        raise ConfigError(
            f"'{what[0]}' and '{what[1]}' cannot be compared; give one dataset or file, or several recipes, or several runs"
        )
    dataset: dict[str, Any] = {"name": what[0], **columns}
    if core > 1:
        dataset |= {"user_core": core, "item_core": core}
    names = list(MODELS) if models in (None, "all") else [name.strip() for name in models.split(",") if name.strip()]
    if not names:
        raise ConfigError("--models names no model; give e.g. popularity,sasrec, or leave it out for all")
    split = {"protocol": protocol or default_protocol(what[0])}
    recipes = recipes_for(dataset, split, names, _slug(what[0]))
    return [change_recipe(recipe, settings) for recipe in recipes], models is None


def _suite_recipes(name: str, on: str | None, rows: str | None, settings: Sequence[str]) -> tuple[list[Recipe], int]:
    """Return the recipes of a suite on one dataset, and how many seeds it plans there."""
    from reverie.training.recipe import cell_recipe, load_suite

    suite = load_suite(name)
    if on is None:
        raise ConfigError(f"the suite '{name}' has several datasets; choose one with --on: {', '.join(suite.datasets)}")
    known = suite.rows_on(on)
    wanted = [row.strip() for row in rows.split(",") if row.strip()] if rows else known
    for row in wanted:
        if row not in known:
            why = suite.datasets[on].without.get(row)
            raise ConfigError(f"row '{row}' is not run on '{on}': {why}; leave it out") if why else unknown("row", row, known)
    return [cell_recipe(suite, row, on, settings) for row in wanted], suite.datasets[on].seeds


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(name).name.split(".")[0]).strip("-.") or "events"
