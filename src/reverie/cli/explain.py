"""`reverie explain`: one person's state in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.options import Device, Json, Log, Offline, be_offline, console, print_json

if TYPE_CHECKING:
    from rich.console import Console


MARKS = {"true": "watched", "real": "exists, not watched", "invented": "does not exist"}


def explain(
    run: Annotated[Path, typer.Option("--run", help="Run folder of 'reverie interpret'.")],
    user: Annotated[str, typer.Option("--user", help="A user of the dataset.")],
    log: Log = None,
    device: Device = None,
    json: Json = False,
    offline: Offline = False,
) -> None:
    """Say in words what a recommender's state of one person holds, and how much of it is true.

    Example: reverie explain --run runs/recinterpreter-sasrec-ml-100k --user 42
    """
    from reverie.llm.interpreter.answers import explain_user
    from reverie.llm.interpreter.session import open_taught

    be_offline(offline)
    found = explain_user(open_taught(run, device=device, offline=offline, log=log), user)
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
