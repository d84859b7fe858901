"""`reverie redteam build`, `replay` and `serve`: attack sets, and a target for other tools."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverie.cli.options import Device, Json, Offline, Quiet, Settings, be_offline, console, print_json, say
from reverie.cli.redteam_options import GOT_THROUGH, FailAbove, Model
from reverie.cli.studies import Out, Smoke  # noqa: TC001  # typer reads annotations at run time
from reverie.errors import ConfigError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverie.redteam.rates import Rate
    from reverie.redteam.roles import Target
    from reverie.redteam.sap_sets import SapPrompt


def build(
    asked: Annotated[str, typer.Argument(metavar="RECIPE|TARGET", help="What texts must get through: a recipe's first target.")],
    sizes: Annotated[str, typer.Option("--sizes", help="Texts for each kind of goal, comma-separated.")] = "5,10,20,30,200",
    technique: Annotated[str, typer.Option("--technique", help="Row of the recipe that makes them.")] = "sap",
    part: Annotated[
        str, typer.Option("--part", help="Goals and hand-written cases: build, or held-out to measure with.")
    ] = "build",
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


def replay(
    sets: Annotated[
        list[Path],
        typer.Argument(
            metavar="SET...", help="Attack sets that `build` wrote, or one folder of your own prompts, laid out as SAP's."
        ),
    ],
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

    Of a folder of prompts only counts are told, how many were not refused; it must lie outside of this repository.

    Examples: reverie redteam replay runs/redteam-demo-sets/canary-5.jsonl --target smollm2-135m · reverie redteam replay ~/SAP200
    --target smollm2-135m
    """
    from reverie.redteam.asked import asked_recipe
    from reverie.redteam.engine import LOG
    from reverie.redteam.lab_goals import check_told
    from reverie.redteam.measures import success_rate
    from reverie.redteam.recipe_lab import RecipeLab
    from reverie.redteam.sap_sets import read_sap
    from reverie.redteam.set_work import replay as say_again
    from reverie.redteam.set_work import replay_json, replay_table

    be_offline(offline)
    recipe = asked_recipe(target, settings or [], smoke, model)
    name = next(iter(recipe.targets))
    own = read_sap(_no_sets_in(sets[0])) if len(sets) == 1 and sets[0].is_dir() else ()
    lab = RecipeLab(recipe, device=device, offline=offline)
    if own:
        _ask_own(own, lab.targets.open(name), name, seed, recipe.batch, json, quiet, fail_above)
        return
    check_told(lab.targets.configs[name], recipe.goals, name)
    folder = out or Path("runs") / f"replay-{recipe.name}-{'-'.join(path.stem for path in sets)[:60]}"
    before = _size(folder / LOG)
    attempts = say_again(
        sets, lab.targets.open(name), folder, generations=generations, seed=seed, facts=lab.target_facts(name), batch=recipe.batch,
        tell=_teller(json or quiet),
    )  # fmt: skip
    if before == _size(folder / LOG) and not quiet:
        say(f"these answers stood in {folder} before, nothing was asked; delete it, or name another with --out, to ask again")
    if json:
        print_json(replay_json(name, attempts))
    else:
        replay_table(name, attempts).print(console(quiet))
    _leave(success_rate(attempts), fail_above)


def _size(file: Path) -> int | None:
    """Return the bytes of a file, None where there is none."""
    return file.stat().st_size if file.is_file() else None


def _no_sets_in(folder: Path) -> Path:
    """Return a folder of a user's own prompts; sets that `build` wrote are named one by one."""
    if found := sorted(folder.glob("*.jsonl")):
        raise ConfigError(f"{folder} is a folder of attack sets; name its files, e.g. {found[0]}")
    return folder


def _ask_own(
    prompts: tuple[SapPrompt, ...],
    target: Target,
    name: str,
    seed: int,
    batch: int,
    json: bool,
    quiet: bool,
    fail_above: float | None,
) -> None:
    """Say a user's own prompts to a target, print counts, and leave with the exit code."""
    from reverie.redteam.user_sets import ALL, ask_prompts, chat_model, prompts_json, prompts_table

    rates = ask_prompts(prompts, chat_model(target, name), seed=seed, batch=batch, tell=_teller(json or quiet))
    if json:
        print_json(prompts_json(name, prompts, rates))
    else:
        prompts_table(name, prompts, rates).print(console(quiet))
    _leave(rates[ALL], fail_above)


def _leave(rate: Rate, fail_above: float | None) -> None:
    """Leave with exit code 1 where more got through than allowed; without any answer it is an error."""
    if not rate.n:
        raise RunError("none of the answers could be judged, so nothing is known; check the target")
    if rate.value > (fail_above or 0.0):
        raise typer.Exit(GOT_THROUGH)


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
    last = -math.inf

    def tell(line: str) -> None:
        nonlocal last
        if not silent and time.monotonic() - last >= 10:
            last = time.monotonic()
            say(line)

    return tell
