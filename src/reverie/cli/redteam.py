"""`reverie redteam`: attack language models and recommenders with harmless goals, harden them, and tell what got through."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.options import Device, Json, Offline, Quiet, Settings, be_offline, console, print_json, say
from reverie.cli.redteam_options import GOT_THROUGH, Detail, FailAbove, Model
from reverie.cli.redteam_sets import build, replay, serve
from reverie.cli.studies import Listed, Out, Results, Smoke, print_recipes
from reverie.errors import ConfigError

if TYPE_CHECKING:
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


_RUN = """Attack targets as they are. The same command again goes on where it was cut.

Examples: reverie redteam run redteam-demo · reverie redteam run http://127.0.0.1:8080/v1 --model mine --fail-above 0.1
"""
_HARDEN = """Attack targets, teach the defences what got through, round by round, and attack again; `run` is its first half.

The exit code speaks of the best defence, those that refuse every benign prompt left out.

Example: reverie redteam harden redteam-demo --results results/redteam.csv
"""


def _study_command(verb: str, help_: str) -> Callable[..., None]:
    """Return the function of a verb that runs a study, shows it, and leaves with the exit code of what got through."""

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
        words = ["reverie", "redteam", verb, asked, *(word for one in settings or [] for word in ("--set", one))]
        words += [*["--smoke"] * smoke, *(["--model", model] if model is not None else [])]
        study, done = run_red_team(
            recipe, out or Path("runs") / recipe.name, defend=verb == "harden", results=results, device=device, offline=offline,
            show=not (quiet or json), say=(lambda line: None) if quiet or json else say,
        )  # fmt: skip
        _show(shown(study, done, shlex.join(words), detail), json, quiet)
        _leave(recipe, done, verb == "harden", fail_above)

    run.__name__, run.__doc__ = verb, help_
    return run


for name, text in (("run", _RUN), ("harden", _HARDEN)):
    app.command()(_study_command(name, text))


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
    from reverie.redteam.difference import change_table, changes, changes_json, is_worse, uncompared
    from reverie.redteam.run import missing_sentence, reread, shown
    from reverie.redteam.summary import Summary

    _check_detail(detail)
    study, done = reread(folder)
    if (missing := missing_sentence(study, done)) and not quiet:
        say(f"{folder}: {missing}")
    if other is None:
        command = shlex.join(["reverie", "redteam", "report", str(folder)])
        _show(shown(study, done, command, detail), json, quiet)
        _leave(study.recipe, done, any(cell.defence != "none" for cell in done), fail_above)
        return
    if fail_above is not None:
        raise ConfigError("--fail-above speaks of one run; of two runs exit code 1 says that more gets through, so leave it out")
    second, later = reread(other)
    if (missing := missing_sentence(second, later)) and not quiet:
        say(f"{other}: {missing}")
    sides = Summary(study.recipe, done), Summary(second.recipe, later)
    found = changes(*sides)
    apart = uncompared(*sides, found)
    if json:
        print_json({"changes": changes_json(found), "not_compared": apart, "worse": is_worse(found)})
    else:
        change_table(found, apart).print(console(quiet))
    if is_worse(found):
        raise typer.Exit(GOT_THROUGH)


for command in (build, replay, serve):
    app.command()(command)


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
