"""`reverie redteam`: attack language models and recommenders with harmless goals, harden them, and tell what got through."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.options import Device, Json, Offline, Quiet, Settings, be_offline, console, print_json, say
from reverie.cli.studies import Listed, Out, Results, Smoke, print_recipes
from reverie.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverie.redteam.recipe import RedTeamRecipe
    from reverie.report.table import StudyReport

app = typer.Typer(
    name="redteam", no_args_is_help=True,
    help="Attack a language model or a recommender built on one with harmless goals, harden it, and tell what got through. "
    "Exit code 0: nothing got through; 1: something did; 2: it could not run.",
)  # fmt: skip
Asked = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPE|TARGET", help="A packaged recipe, a YAML file, a local model's name or folder, a run folder, or an address."
    ),
]
Model = Annotated[str | None, typer.Option("--model", help="Of an address: which model should answer.")]
FailAbove = Annotated[
    float | None,
    typer.Option("--fail-above", min=0, max=1, help="Exit code 1 only where a technique reaches a larger share of the goals."),
]
Detail = Annotated[str, typer.Option("--detail", help="How much reports tell: limited (no texts), moderate or detailed.")]
GOT_THROUGH = 1
"""Exit code where something got through."""


@app.command()
def run(
    asked: Asked = None,
    settings: Settings = None,
    smoke: Smoke = False,
    out: Out = None,
    results: Results = None,
    fail_above: FailAbove = None,
    model: Model = None,
    detail: Detail = "moderate",
    listed: Listed = False,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Attack targets as they are. The same command again goes on where it was cut.

    Examples: reverie redteam run redteam-demo · reverie redteam run http://127.0.0.1:8080/v1 --model mine --fail-above 0.1
    """
    _study("run", asked, settings, smoke, out, results, fail_above, model, detail, listed, device, json, quiet, offline)


@app.command()
def harden(
    asked: Asked = None,
    settings: Settings = None,
    smoke: Smoke = False,
    out: Out = None,
    results: Results = None,
    fail_above: FailAbove = None,
    model: Model = None,
    detail: Detail = "moderate",
    listed: Listed = False,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Attack targets, teach the recipe's defences what got through, round by round, and attack again; `run` is its first half.

    The exit code speaks of the best defence, the one that refuses everything left out.

    Example: reverie redteam harden redteam-demo --results results/redteam.csv
    """
    _study("harden", asked, settings, smoke, out, results, fail_above, model, detail, listed, device, json, quiet, offline)


def _study(
    verb: str, asked: str | None, settings: list[str] | None, smoke: bool, out: Path | None, results: Path | None,
    fail_above: float | None, model: str | None, detail: str, listed: bool, device: str | None, json: bool, quiet: bool,
    offline: bool,
) -> None:  # fmt: skip
    """Run a study, show it, and leave with the exit code of what got through."""
    from reverie.redteam.recipe import RED_TEAM

    if listed:
        print_recipes(RED_TEAM, json)
        return
    if asked is None:
        raise ConfigError(f"say what to attack, e.g. 'reverie redteam {verb} redteam-demo'; --list names the packaged recipes")
    _check_detail(detail)
    be_offline(offline)
    from reverie.redteam.asked import asked_recipe
    from reverie.redteam.run import run_red_team, shown

    recipe = asked_recipe(asked, settings or [], smoke, model)
    words = ["reverie", "redteam", verb, asked, *(word for one in settings or [] for word in ("--set", one)), *["--smoke"] * smoke]
    words += ["--model", model] if model is not None else []
    study, done = run_red_team(
        recipe, out or Path("runs") / recipe.name, defend=verb == "harden", results=results, device=device, offline=offline,
        show=not (quiet or json), say=(lambda line: None) if quiet or json else say,
    )  # fmt: skip
    _show(shown(study, done, shlex.join(words), detail), json, quiet)
    _leave(recipe, done, verb == "harden", fail_above)


@app.command()
def build(
    asked: Annotated[str, typer.Argument(metavar="RECIPE|TARGET", help="What texts must get through: a recipe's first target.")],
    sizes: Annotated[str, typer.Option("--sizes", help="Texts for each kind of goal, comma-separated.")] = "5,10,20,30,200",
    technique: Annotated[str, typer.Option("--technique", help="Row of the recipe that makes them.")] = "sap",
    part: Annotated[str, typer.Option("--part", help="Goals and hand-written cases: build, or held-out to measure with.")] = "build",
    nested: Annotated[bool, typer.Option("--nested", help="Smaller sets are parts of larger ones.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of the attacks.")] = 0,
    settings: Settings = None,
    smoke: Smoke = False,
    out: Out = None,
    model: Model = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Build attack sets with harmless goals: texts that got through, with lineage and hash, and what each of them cost.

    Example: reverie redteam build redteam-demo --sizes 5,10 --technique sap
    """
    from reverie.redteam.asked import asked_recipe
    from reverie.redteam.set_work import build as build_sets
    from reverie.redteam.set_work import build_table

    numbers = [size.strip() for size in sizes.split(",") if size.strip()]
    if not numbers or not all(size.isdecimal() for size in numbers):
        raise ConfigError(f"--sizes takes whole numbers with commas between them, such as 5,10,20, not '{sizes}'")
    if part not in ("build", "held-out"):
        raise ConfigError(f"--part takes build or held-out, not '{part}'")
    be_offline(offline)
    recipe = asked_recipe(asked, settings or [], smoke, model)
    built = build_sets(
        recipe, technique, [int(size) for size in numbers], out or Path("runs") / f"{recipe.name}-sets", nested=nested, seed=seed,
        part="build" if part == "build" else "held-out", device=device, offline=offline, tell=_teller(json or quiet),
    )  # fmt: skip
    table = build_table(built)
    if json:
        print_json(table.to_json())
    else:
        table.print(console(quiet))


@app.command()
def replay(
    sets: Annotated[list[Path], typer.Argument(metavar="SET...", help="Attack sets that `build` wrote.")],
    target: Annotated[str, typer.Option("--target", help="A local model's name or folder, a run folder, an address, or a recipe.")],
    generations: Annotated[int, typer.Option("--generations", min=1, help="Answers to each text.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Of the target's answers.")] = 0,
    fail_above: FailAbove = None,
    settings: Settings = None,
    smoke: Smoke = False,
    out: Out = None,
    model: Model = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Say the texts of attack sets again to another target, or to the same one after a change.

    Example: reverie redteam replay runs/redteam-demo-sets/canary-5.jsonl --target smollm2-135m
    """
    from reverie.redteam.asked import asked_recipe
    from reverie.redteam.measures import success_rate
    from reverie.redteam.recipe_lab import RecipeLab
    from reverie.redteam.set_work import replay as say_again
    from reverie.redteam.set_work import replay_json, replay_table

    be_offline(offline)
    recipe = asked_recipe(target, settings or [], smoke, model)
    name = next(iter(recipe.targets))
    opened = RecipeLab(recipe, device=device, offline=offline).targets.open(name)
    folder = out or Path("runs") / f"replay-{recipe.name}-{'-'.join(path.stem for path in sets)[:60]}"
    options = {"generations": generations, "seed": seed, "batch": recipe.batch}
    attempts = say_again(sets, opened, folder, **options, tell=_teller(json or quiet))
    if json:
        print_json(replay_json(name, attempts))
    else:
        replay_table(name, attempts).print(console(quiet))
    rate = success_rate(attempts)
    if rate.n and rate.value > (fail_above or 0.0):
        raise typer.Exit(GOT_THROUGH)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a study; what is finished in it is told.")],
    other: Annotated[Path | None, typer.Argument(help="A later run, to compare with: what got worse?")] = None,
    fail_above: FailAbove = None,
    detail: Detail = "moderate",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the page and the files of a study again, or compare two runs of the same goals.

    Of two runs, exit code 1 says that more gets through in the second one, shown after correction for all rows.

    Examples: reverie redteam report runs/redteam-demo --detail limited · reverie redteam report runs/monday runs/friday
    """
    from reverie.redteam.difference import change_table, changes, changes_json, is_worse
    from reverie.redteam.run import reread, shown
    from reverie.redteam.summary import Summary

    _check_detail(detail)
    study, done = reread(folder)
    if other is None:
        command = shlex.join(["reverie", "redteam", "report", str(folder)])
        _show(shown(study, done, command, detail), json, quiet)
        _leave(study.recipe, done, False, fail_above)
        return
    second, later = reread(other)
    found = changes(Summary(study.recipe, done), Summary(second.recipe, later))
    if json:
        print_json({"changes": changes_json(found), "worse": is_worse(found)})
    else:
        change_table(found).print(console(quiet))
    if is_worse(found):
        raise typer.Exit(GOT_THROUGH)


@app.command()
def serve(
    asked: Annotated[str, typer.Argument(metavar="RECIPE|TARGET", help="What should answer.")],
    settings: Settings = None,
    goal: Annotated[str | None, typer.Option("--goal", help="Id of the goal whose system prompt and scene it has.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Of a recipe with several: which target.")] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on loopback; 0 takes a free one.")] = 8765,
    model: Model = None,
    smoke: Smoke = False,
    device: Device = None,
    offline: Offline = False,
) -> None:
    """Answer /v1/chat/completions on loopback in a target's place, so that other tools, garak for one, can attack it.

    Example: reverie redteam serve redteam-demo --goal canary-00
    """
    from reverie.errors import unknown
    from reverie.redteam.asked import asked_recipe
    from reverie.redteam.recipe_lab import RecipeLab
    from reverie.redteam.serve import serve as answer

    be_offline(offline)
    recipe = asked_recipe(asked, settings or [], smoke, model)
    name = target or next(iter(recipe.targets))
    if name not in recipe.targets:
        raise unknown("target", name, recipe.targets)
    lab = RecipeLab(recipe, device=device, offline=offline)
    goals = {one.id: one for one in lab.goals(name)}
    if goal is not None and goal not in goals:
        raise unknown("goal", goal, goals)
    chosen = goals[goal or next(iter(goals))]
    say(f"goal {chosen.id}: {chosen.request}")
    answer(lab.targets.open(name), chosen, port)


def _teller(silent: bool) -> Callable[[str], None]:
    """Return a function that prints lines of progress, at most one in ten seconds."""
    last = time.monotonic()

    def tell(line: str) -> None:
        nonlocal last
        if not silent and time.monotonic() - last >= 10:
            last = time.monotonic()
            say(line)

    return tell


def _check_detail(detail: str) -> None:
    if detail not in ("limited", "moderate", "detailed"):
        raise ConfigError(f"--detail takes limited, moderate or detailed, not '{detail}'")


def _show(found: StudyReport, json: bool, quiet: bool) -> None:
    if json:
        print_json(found.json | {"files": list(found.files)})
    else:
        found.print(console(quiet))


def _leave(recipe: RedTeamRecipe, done: Any, defended: bool, fail_above: float | None) -> None:
    """Leave with exit code 1 where more got through than allowed."""
    from reverie.redteam.summary import Summary, worst_rate

    if worst_rate(Summary(recipe, done), defended) > (fail_above or 0.0):
        raise typer.Exit(GOT_THROUGH)
