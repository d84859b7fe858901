"""`reverie explain`: one person's state in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.log_options import Reading, as_recipe, reads_log
from reverie.cli.options import Device, Json, Log, Offline, Quiet, Settings, be_offline, console, print_json
from reverie.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console


MARKS = {"true": "watched", "real": "exists, not watched", "invented": "does not exist"}


@reads_log(without=("user",))
def explain(
    reading: Reading,
    log_file: Annotated[
        str | None, typer.Argument(metavar="[LOG]", help="A file of events or a dataset; what is missing is trained first.")
    ] = None,
    run: Annotated[Path | None, typer.Option("--run", help="Instead of a log: a run folder of 'reverie interpret'.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="A user of the dataset; by default the first held-out one.")] = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for what is trained; runs/explain-<log> by default.")] = None,
    log: Log = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Say in words what a recommender's state of one person holds, and how much of it is true.

    Examples: reverie explain my-clicks.csv --catalog my-items.csv --user 42 · reverie explain --run
    runs/recinterpreter-sasrec-ml-100k --user 42
    """
    from reverie.llm.interpreter.answers import explain_user
    from reverie.llm.interpreter.own_log import log_recipe, teach_log
    from reverie.llm.interpreter.session import open_taught

    if (log_file is None) == (run is None):
        raise ConfigError(
            "give a log, as in 'reverie explain clicks.csv --catalog items.csv', or --run and an interpreter's folder"
        )
    if run is not None and (reading or settings or out):
        raise ConfigError(f"options of a log, --set and --out belong to a log, and {run} has its own; leave them out")
    if log_file is not None and log is not None:
        raise ConfigError(f"--log says where the log of a run folder is now, and {log_file} is a log itself; leave it out")
    be_offline(offline)
    if run is not None:
        session = open_taught(run, device=device, offline=offline, log=log)
    else:
        recipe = log_recipe(str(log_file), as_recipe(reading), settings or ())
        session = teach_log(recipe, out or Path("runs") / recipe.name, device, offline, show=not (quiet or json), user=user)
    vocabulary = session.split.vocabulary
    found = explain_user(session, user or str(vocabulary.users[int(session.windows("test").users[0])]))
    if json:
        print_json(found)
        return
    show_explanation(found, console())


def show_explanation(found: dict[str, Any], screen: Console) -> None:
    """Print an explanation."""
    lines = [f"user {found['user']} ({found['part']} part)", "history: " + " · ".join(found["history"]), "the state says:"]
    lines += [f"  {said['title']:<50} {MARKS[said['kind']]}" for said in found["said"]] or ["  nothing"]
    controls = ", ".join(f"{name} {value:.2f}" for name, value in found["controls"].items())
    lines.append(f"recovered {found['recall']:.2f} of the history; controls: {controls}; faithfulness {found['faithfulness']:+.2f}")
    if found["faithfulness"] <= 0:
        lines.append("no better than the controls: do not take these words for what the model knows of this person")
    if found["held_out"]:
        lines.append("never taught to the adapter: " + " · ".join(found["held_out"]))
    lines.append("nearest items of the states, without a language model: " + " · ".join(found["nearest"]))
    lines.append("the model would recommend: " + " · ".join(found["recommended"]))
    if "imagined" in found:
        oracle = found["imagined"]
        lines.append(f"oracle item, in words: {oracle['title'] or 'nothing'} (in the catalogue: {oracle['in_catalogue']})")
        lines.append("  nearest items of the imagined vector: " + " · ".join(oracle["nearest"]))
        if oracle["category_agreement"] is not None and oracle["shuffled_agreement"] is not None:
            lines.append(
                f"  categories in common: {oracle['category_agreement']:.2f}; with another person's vector "
                f"{oracle['shuffled_agreement']:.2f}"
            )
    for line in lines:
        screen.print(line, markup=False, soft_wrap=True)
