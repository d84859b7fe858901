"""`reverie robustness`, and its two halves `reverie attack` and `reverie defend`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Json, Offline, Quiet, Settings, console, print_json, print_list

RecipeName = Annotated[str | None, typer.Argument(help="Name of a packaged recipe, or a YAML file; for attack, a run folder, too.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="Minutes instead of hours: one seed, fewer rows; shows only that it runs.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of fits and profiles; runs/<name> by default.")]
Results = Annotated[Path | None, typer.Option("--results", help="Append all figures to this CSV table.")]
Listed = Annotated[bool, typer.Option("--list", help="List the packaged recipes.")]


VERBS = {
    "attack": (
        False,
        False,
        """Attack victims as a recipe says, and measure what it does to targets and to recommendation as such. The folder of a
    trained run is attacked as it is: events are added to its test users' histories.

    Examples: reverie attack robustness-filmtrust --set 'goal.targets=[12]' --set 'budgets=[0.01]' · reverie attack
    runs/sasrec-ml-100k --set users=100 --set events=3
    """,
    ),
    "defend": (
        False,
        True,
        """Try a recipe's defences against its strongest attacks; attacks that are not there yet are made first.

    Example: reverie defend robustness-filmtrust --set strongest=1
    """,
    ),
    "robustness": (
        True,
        True,
        """Attack victims, detect the fakes, defend against the strongest attacks; the same command again goes on where it was cut.

    Example: reverie robustness robustness-filmtrust --results results/robustness/filmtrust.csv
    """,
    ),
}
"""By name: whether fakes are detected, whether defences are tried, and what ``--help`` says."""


def _verb(detect: bool, defend: bool) -> Callable[..., None]:
    """Return one verb; all share their options."""

    def run(
        recipe: RecipeName = None,
        settings: Settings = None,
        smoke: Smoke = False,
        out: Out = None,
        results: Results = None,
        listed: Listed = False,
        json: Json = False,
        quiet: Quiet = False,
        offline: Offline = False,
    ) -> None:
        from reverie.errors import ConfigError
        from reverie.robustness.recipe import ROBUSTNESS

        if listed:
            _list(json)
            return
        if recipe is None:
            raise ConfigError(f"say which recipe, one of {', '.join(ROBUSTNESS.files())} or the path of a YAML file")
        if Path(recipe).is_dir():
            if detect or defend:
                raise ConfigError(f"{recipe} is a folder; 'reverie attack' takes trained runs, this takes a recipe")
            if out is not None:
                raise ConfigError(f"nothing is fitted to attack {recipe}, so there is nothing for --out; take --results or --json")
            from reverie.cli.attack_run import attack_run

            attack_run(Path(recipe), settings or (), smoke=smoke, results=results, json=json, quiet=quiet, offline=offline)
            return
        loaded = ROBUSTNESS.load(recipe, settings or (), smoke)

        from reverie.robustness.page import write_page
        from reverie.robustness.results import benchmark_json
        from reverie.robustness.study import run_robustness
        from reverie.robustness.table import print_benchmark

        folder = out or Path("runs") / loaded.name
        done = run_robustness(
            loaded, folder, detect=detect, defend=defend, results=results, show=not (quiet or json), offline=offline
        )
        page = write_page(done, folder / "report.html", command=_command(recipe, settings, smoke))
        if json:
            print_json(benchmark_json(done) | {"report": str(page)})
            return
        screen = console(quiet)
        print_benchmark(done, screen)
        screen.print(f"report: {page}", markup=False, soft_wrap=True)

    return run


def _command(recipe: str, settings: list[str] | None, smoke: bool) -> str:
    return " ".join(["reverie robustness", recipe, *(f"--set '{s}'" for s in settings or ()), *(["--smoke"] if smoke else [])])


def _list(json: bool) -> None:
    from reverie.robustness.recipe import ROBUSTNESS

    loaded = [ROBUSTNESS.load(name) for name in ROBUSTNESS.files()]
    if json:
        print_json([{"name": r.name, "dataset": r.dataset.name, "description": r.description} for r in loaded])
        return
    rows = []
    for one in loaded:
        counts = (str(len(part)) for part in (one.victims, one.attacks, one.detectors, one.defences))
        rows.append((one.name, one.dataset.name, *counts, str(one.seeds), one.description))
    print_list(("recipe", "data", "victims", "attacks", "detectors", "defences", "seeds", "description"), rows)


def register(app: typer.Typer) -> None:
    """Mount the verbs."""
    for name, (detect, defend, said) in VERBS.items():
        app.command(name, help=said)(_verb(detect, defend))
