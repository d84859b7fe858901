"""The verbs of studies: one factory, the same options everywhere."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.options import Device, Json, Log, Offline, Quiet, Settings, be_offline, console, print_json, print_list
from reverie.errors import ConfigError
from reverie.registry import load_object

if TYPE_CHECKING:
    from reverie.report.table import StudyReport
    from reverie.study.call import Call
    from reverie.study.recipe import RecipeShelf

RecipeName = Annotated[str | None, typer.Argument(help="Name of a packaged recipe, or a YAML file.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="A short form that shows only that it runs.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the study; a folder under runs/ by default.")]
Results = Annotated[Path | None, typer.Option("--results", help="Append all metrics to this CSV table.")]
Rows = Annotated[str | None, typer.Option("--rows", help="Rows, comma-separated, or 'all'; the study's by default.")]
Seeds = Annotated[int | None, typer.Option("--seeds", min=1, max=1000, help="Test seeds of each row; the study's by default.")]
Listed = Annotated[bool, typer.Option("--list", help="List the packaged recipes.")]


@dataclass(frozen=True)
class StudyVerb:
    """A verb of the command line that runs recipes of one room.

    Parameters
    ----------
    name : str
        Of the verb.
    help : str
        What ``--help`` says; its last paragraph is an example.
    shelf, report : str
        ``module:name`` of the room's recipes, and of its function ``(recipe, Call) -> StudyReport``.
    folder : str
        Folder of a study, with ``{name}`` for the recipe's.
    options : sequence of inspect.Parameter
        Own options; those named like a key of the recipe change it, the others reach the room by `Call.more`.
    on_folder : str
        ``module:name`` of a function ``(folder, settings, smoke, Call) -> StudyReport`` for a folder in the recipe's place.
    more : dict
        Values that reach the room by `Call.more`.
    """

    name: str
    help: str
    shelf: str
    report: str
    folder: str = "runs/{name}"
    options: tuple[inspect.Parameter, ...] = ()
    on_folder: str = ""
    more: tuple[tuple[str, Any], ...] = ()

    def command(self) -> Callable[..., None]:
        """Return the function that the command line calls."""

        def run(
            recipe: RecipeName = None,
            settings: Settings = None,
            smoke: Smoke = False,
            out: Out = None,
            results: Results = None,
            listed: Listed = False,
            device: Device = None,
            json: Json = False,
            quiet: Quiet = False,
            offline: Offline = False,
            **own: Any,
        ) -> None:
            shelf: RecipeShelf[Any] = load_object(self.shelf)
            if listed:
                print_recipes(shelf, json)
                return
            facts = {"results": results, "device": device, "offline": offline, "show": not (quiet or json)}
            report = self._report(shelf, recipe, settings or [], smoke, out, own, facts)
            if json:
                print_json(report.json | {"files": list(report.files)})
            else:
                report.print(console(quiet))

        run.__name__, run.__doc__ = self.name, self.help
        signature = inspect.signature(run, eval_str=True)  # typer reads `Annotated` from it
        fixed = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        run.__signature__ = signature.replace(parameters=[*fixed, *self.options])  # type: ignore[attr-defined]
        return run

    def _report(
        self,
        shelf: RecipeShelf[Any],
        recipe: str | None,
        settings: list[str],
        smoke: bool,
        out: Path | None,
        own: dict[str, Any],
        facts: dict[str, Any],
    ) -> StudyReport:
        from reverie.study.call import Call

        if recipe is None:
            names = list(shelf.files())
            raise ConfigError(f"say which recipe, e.g. 'reverie {self.name} {names[0]}'; 'reverie {self.name} --list' names them")
        be_offline(facts["offline"])
        command = [
            "reverie",
            *self.name.split(),
            recipe,
            *(word for one in settings for word in ("--set", one)),
            *["--smoke"] * smoke,
        ]
        facts = {"command": shlex.join(command), **facts}
        log = own.pop("log", None)
        if Path(recipe).is_dir():
            if not self.on_folder:
                raise ConfigError(f"{recipe} is a folder; 'reverie {self.name}' takes a recipe")
            call = Call(out or Path(recipe), **facts, more={"log": log})
            found: StudyReport = load_object(self.on_folder)(Path(recipe), settings, smoke, call)
            return found
        if log is not None:
            raise ConfigError(f"--log says where the log of a run folder is, and '{recipe}' is a recipe, which names its own")
        keys = {name for name, value in own.items() if value is not None and name in shelf.recipe.model_fields and name != "rows"}
        chosen = shelf.load(recipe, [*settings, *(f"{name}={own[name]}" for name in sorted(keys))], smoke)
        more = dict(self.more) | {name: value for name, value in own.items() if name not in keys}
        call = Call(out or Path(self.folder.format(name=chosen.name)), more=more, **facts)
        report: Callable[[Any, Call], StudyReport] = load_object(self.report)
        return report(chosen, call)


def print_recipes(shelf: RecipeShelf[Any], json: bool) -> None:
    """Print the packaged recipes of a room."""
    loaded = [shelf.load(name) for name in shelf.files()]
    if json:
        print_json([shelf.summary(one) for one in loaded])
        return
    columns = [shelf.columns(one) for one in loaded]
    print_list(tuple(columns[0]), [tuple(one.values()) for one in columns])


def _option(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


_CONTRAST = """Train one encoder with several contrastive losses and compare them; the same command again goes on where it was cut.

Example: reverie contrast graph-mutag --results results/contrast.csv
"""
_ATTACK = """Attack victims as a recipe says, and measure what it does to targets and to recommendation as such. The folder of a
trained run is attacked as it is: events are added to its test users' histories, and a page is written into it, or into --out.

Examples: reverie attack robustness-filmtrust --set 'goal.targets=[12]' --set 'budgets=[0.01]' · reverie attack
runs/sasrec-ml-100k --set users=100 --set events=3
"""
_DEFEND = """Try a recipe's defences against its strongest attacks; attacks that are not there yet are made first.

Example: reverie defend robustness-filmtrust --set strongest=1
"""
_ROBUSTNESS = """Attack victims, detect the fakes, defend against the strongest attacks; given again, it goes on where it was cut.

Example: reverie robustness robustness-filmtrust --results results/robustness/filmtrust.csv
"""
_COLLM = """Teach CoLLM in two steps and print it beside all its controls; the same command again goes on where it was cut.

Example: reverie collm collm-ml-1m-small --results results/language.csv
"""
_INTERPRET = """Train a recommender, teach an adapter between it and a language model, and print the table with all controls.

The same command again goes on where it was cut.

Example: reverie interpret recinterpreter-sasrec-ml-100k --results results/language.csv
"""
_RL = """Train recommenders on rewards, let each head act, and measure what it earns on a log and in a world.

The same command again goes on where it was cut.

Example: reverie rl rl-session --results results/rl.csv
"""
_IMAGERY = """Ask whether pictures say abstract concepts: objects and form, controls, judges who did not make them, and people.

Also trains the matchers that judge and the small text-to-image model. The same command again goes on where it was cut.

Examples: reverie imagery imagery-demo · reverie imagery imagery-concepts --results results/imagery.csv
"""
_VIDEO = """Train networks of video with every way to mix clips and compare them; the same command again goes on where it was cut.

Example: reverie video study video-demo
"""
_CONTENT = """Train recommenders with every encoder of items (ids, titles, covers, clips, sound) and compare them, also on items
that nobody has clicked. The same command again goes on where it was cut.

Examples: reverie content content-demo · reverie content content-microlens-50k --results results/content.csv
"""
VIDEO_STUDY = StudyVerb("video study", _VIDEO, "reverie.video.recipe:VIDEO", "reverie.video.run:report")
"""Mounted as a command of `reverie video`."""
_SHELF, _STUDY = "reverie.robustness.recipe:ROBUSTNESS", "reverie.robustness.study:report"
_ON_RUN = "reverie.robustness.trained_page:report"
VERBS = (
    StudyVerb(
        "contrast", _CONTRAST, "reverie.contrast.recipe:CONTRAST", "reverie.contrast.study:report", folder="runs/contrast-{name}",
        options=(_option("rows", Rows), _option("seeds", Seeds)),
    ),
    StudyVerb("robustness", _ROBUSTNESS, _SHELF, _STUDY),
    StudyVerb(
        "attack", _ATTACK, _SHELF, _STUDY, options=(_option("log", Log),), on_folder=_ON_RUN,
        more=(("detect", False), ("defend", False)),
    ),
    StudyVerb("defend", _DEFEND, _SHELF, _STUDY, more=(("detect", False),)),
    StudyVerb("collm", _COLLM, "reverie.llm.collm.recipe:COLLM", "reverie.llm.collm.study:report"),
    StudyVerb("rl", _RL, "reverie.rl.recipe:LONG_TERM", "reverie.rl.study:report"),
    StudyVerb("imagery", _IMAGERY, "reverie.imagery.shelves:SHELF", "reverie.imagery.shelves:report"),
    StudyVerb("content", _CONTENT, "reverie.content.recipe:CONTENT", "reverie.content.run:report"),
    StudyVerb("interpret", _INTERPRET, "reverie.llm.interpreter.recipe:INTERPRETER", "reverie.llm.interpreter.study:report"),
)  # fmt: skip
SHELVES = {
    "train": "reverie.training.recipe:RECIPES",
    **{verb.name: verb.shelf for verb in (*VERBS, VIDEO_STUDY) if verb.name not in ("attack", "defend")},
    "redteam run": "reverie.redteam.recipe:RED_TEAM",
}
"""Verbs by whose shelves all packaged recipes are found."""


def verb_of(recipe: str) -> str | None:
    """Return the verb that runs a packaged recipe; None where there is no such recipe. Rooms are imported only where there is."""
    folder = Path(str(resources.files("reverie")))
    if all(path.stem != recipe for path in folder.glob("**/recipes/*.yaml")):
        from reverie.training.recipe import suite_cells

        return "train" if recipe in suite_cells() else None
    return next((verb for verb, shelf in SHELVES.items() if recipe in load_object(shelf).files()), None)
