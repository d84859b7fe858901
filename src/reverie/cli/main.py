"""The `reverie` command: verbs are mounted here, and errors become one sentence and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

import reverie
from reverie import processes
from reverie.cli import data, recipes, redteam, video
from reverie.cli.advice import in_flags
from reverie.cli.compare import compare
from reverie.cli.demo import demo
from reverie.cli.doctor import doctor
from reverie.cli.evaluate import evaluate
from reverie.cli.explain import explain
from reverie.cli.export import export
from reverie.cli.imagine import imagine
from reverie.cli.judge import judge
from reverie.cli.models import models
from reverie.cli.ope import ope
from reverie.cli.recommend import recommend
from reverie.cli.simulate import simulate
from reverie.cli.studies import VERBS, verb_of
from reverie.cli.sweep import sweep
from reverie.cli.terminal import INTERRUPTED, TERMINATED, check_arguments, prepare_streams, readings_told, say_stopped, signals
from reverie.cli.train import train
from reverie.cores import let_threads_sleep
from reverie.errors import ReverieError, UnknownRecipe, short
from reverie.memory import is_out_of_memory
from reverie.printing import printable

app = typer.Typer(
    name="reverie", help="Build, compare, explain and defend recommenders. Start with: reverie demo", no_args_is_help=True,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)  # fmt: skip


ANEW = frozenset({"evaluate", "judge", "recommend", "ope", "simulate", "export", "models", "doctor"})
"""Verbs that keep nothing of what they had finished when they are stopped."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"reverie {reverie.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Options of the whole command."""


verbs: list[Callable[..., None]] = [demo, train, sweep, evaluate, compare, *(verb.command() for verb in VERBS)]
verbs += [judge, recommend, ope, simulate, explain, imagine, export, models, doctor]
for command in verbs:
    app.command()(command)
app.add_typer(data.app, name="data")
app.add_typer(recipes.app, name="recipes")
app.add_typer(redteam.app, name="redteam")
app.add_typer(video.app, name="video")


@cache
def _tree() -> Any:
    """Return the commands as typer builds them, which takes a tenth of a second."""
    return typer.main.get_command(app)


def run() -> None:
    """Run the command line; the console script's entry point."""
    if processes.rank():
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # the first process speaks for all; open until the end
    let_threads_sleep()
    prepare_streams()
    keeps = not {*sys.argv[1:2]} & ANEW
    try:
        quiet = bool({"-q", "--quiet"} & {*sys.argv}) or bool(processes.rank())
        with signals(keeps), readings_told(quiet, _worded):
            check_arguments()
            code = _tree()(standalone_mode=False)
            sys.stdout.flush()
            if code:
                raise SystemExit(code)
    except TyperException as error:
        if said := _usage(error):
            _fail(said)
        raise SystemExit(2) from None
    except typer.Abort:
        raise SystemExit(1) from None
    except ReverieError as error:
        _fail(_worded(str(error)) + _elsewhere(error))
    except BrokenPipeError:  # the reader has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # open until the end
        raise SystemExit(1) from None
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        _fail(f"{what}{error.strerror or error}; check the path, its permissions and the free space")
    except (MemoryError, RuntimeError, ValueError, TypeError) as error:
        if not is_out_of_memory(error):
            raise
        _fail("not enough memory; use a smaller batch size, smaller options of the model or a smaller dataset")
    except SystemExit as stop:
        if stop.code in (INTERRUPTED, TERMINATED) and not processes.rank():
            say_stopped(keeps)
        raise


def _worded(message: str) -> str:
    """Return a message with its advice as options of the command that was given."""
    return in_flags(message, _tree(), sys.argv[1:])


def _elsewhere(error: ReverieError) -> str:
    """Return which verb runs a recipe that the one that was given does not know; nothing where no verb does."""
    verb = verb_of(error.name) if isinstance(error, UnknownRecipe) else None
    return f"; '{error.name}' is a recipe of 'reverie {verb}'" if isinstance(error, UnknownRecipe) and verb else ""


def _usage(error: TyperException) -> str:
    """Return what is wrong with the words of a command, and which help tells more; nothing where that help was printed."""
    said = str(getattr(error, "format_message", lambda: error)()).rstrip(".")
    said = said.replace("Input should be", "it must be").partition(", unable to parse")[0].replace(". Did you", "; did you")
    path = getattr(getattr(error, "ctx", None), "command_path", "reverie")
    return said and f"{said[:1].lower()}{said[1:]}; see '{path} --help'"


def _fail(message: str) -> NoReturn:
    """Print one line, whatever is quoted in it, and leave with exit code 2."""
    print(f"error: {short(printable(message), 2000)}", file=sys.stderr)
    raise SystemExit(2) from None
