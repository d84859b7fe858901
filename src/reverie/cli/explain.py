"""`reverie explain`: one person, as a recommender sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.log_options import Reading, as_recipe, reads_log
from reverie.cli.options import Device, Json, Log, Offline, Quiet, Settings, be_offline, console, print_json
from reverie.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console


MARKS = {"true": "in the history", "real": "in the catalogue, not in the history", "invented": "does not exist"}


@reads_log(without=("user",))
def explain(
    reading: Reading,
    log_file: Annotated[
        str | None, typer.Argument(metavar="[LOG]", help="A file of events or a dataset; what is missing is trained first.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Instead of a log: a run folder, of 'reverie interpret' or of any recommender.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="A user of the dataset; by default the first held-out one.")] = None,
    words: Annotated[
        bool,
        typer.Option("--words/--no-words", help="Let a small language model put the state into words, too; that takes minutes."),
    ] = True,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for what is trained; runs/explain-<log> by default.")] = None,
    log: Log = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Say what a recommender expects of one person and what that rests on, then its state in words; all beside checks.

    Examples: reverie explain my-clicks.csv --catalog my-items.csv --user 42 · reverie explain --run
    runs/compare-my-clicks/markov-my-clicks-seed0 --user 42
    """
    if (log_file is None) == (run is None):
        raise ConfigError("give a log, as in 'reverie explain clicks.csv --catalog items.csv', or --run and a run folder")
    if run is not None and (reading or settings or out):
        raise ConfigError(f"options of a log, --set and --out belong to a log, and {run} has its own; leave them out")
    if log_file is not None and log is not None:
        raise ConfigError(f"--log says where the log of a run folder is now, and {log_file} is a log itself; leave it out")
    be_offline(offline)
    if run is not None and (run / "recipe.yaml").is_file():
        found = _explain_run(run, user, log, device, offline)
        print_json(found) if json else show_expected(found["expected"], console())
        return
    from reverie.evaluation.explanation import explain_person, history_of
    from reverie.llm.interpreter.answers import explain_user
    from reverie.llm.interpreter.own_log import held_out_user, log_recipe, teach_log, train_recommender
    from reverie.llm.interpreter.session import open_taught

    if run is not None:
        session = open_taught(run, device=device, offline=offline, log=log)
        user = user or held_out_user(session.recipe, session.split)
        expected = explain_person(session.model, session.split, history_of(session.dataset.sequences, user, str(run)), device)
        shown = {"expected": expected} | explain_user(session, user)
        if json:
            print_json(shown)
            return
        show_expected(expected, console())
        show_explanation(shown, console())
        return
    recipe, show = log_recipe(str(log_file), as_recipe(reading), settings or ()), not (quiet or json)
    folder = out or Path("runs") / recipe.name
    dataset, split, trained = train_recommender(recipe, folder, device, offline, show, user, words)
    user = user or held_out_user(recipe, split)
    expected = explain_person(trained.model(), split, history_of(dataset.sequences, user, str(log_file)), device)
    shown = {"expected": expected}
    if not json:
        show_expected(expected, console())
    if words:
        shown |= explain_user(teach_log(recipe, folder, dataset, split, device, offline, show), user)
        if not json:
            show_explanation(shown, console())
    if json:
        print_json(shown)


def _explain_run(run: Path, user: str | None, log: Path | None, device: str | None, offline: bool) -> dict[str, Any]:
    """Explain a person as the recommender of a run sees them."""
    from reverie.data.splits.config import split_dataset
    from reverie.evaluation.explanation import explain_person, history_of
    from reverie.training.event_log import open_log
    from reverie.training.run import load_run

    opened = load_run(run)
    dataset = open_log(run, opened.recipe.dataset, log, offline)
    split = split_dataset(dataset, opened.recipe.split)
    user = user or str(split.vocabulary.users[int(split.test.users[0])])
    return {"expected": explain_person(opened.model(), split, history_of(dataset.sequences, user, str(run)), device)}


def show_expected(found: dict[str, Any], screen: Console) -> None:
    """Print what is expected of a person and which items of the history that rests on, each with its check."""
    lines = [f"user {found['user']}, {found['events']} events, the last: " + " · ".join(found["latest"])]
    if groups := found["groups"]:
        lines.append(f"{found['model']} expects, by the {groups['what']} of its first {found['list']} items:")
        lines += [
            f"  {one['name']:<24} {one['share']:>4.0%}; of everybody's {one['usual']:.0%}, of the history {one['history']:.0%}"
            for one in groups["named"]
        ] or ["  the same as of everybody"]
        if check := groups["checked"]:
            lines.append(
                f"checked on {check['people']} held-out people: their next item lies in the three so named for {check['own']:.0%}, "
                f"in those of somebody else for {check['other']:.0%}, in the three most popular for {check['popular']:.0%}"
            )
            if check["low"] <= 0:
                lines.append("not shown to be better than these: do not take the list for what the model knows of this person")
    lines.append(f"{found['model']} recommends, and what each rests on most (what it falls furthest without):")
    lines += [f"  {one['title']} ← {one['because'] or 'nothing alone'}" for one in found["recommended"]]
    if check := found["causes_checked"]:
        lines.append(
            f"checked on {check['people']} held-out people: without that item the first recommendation leaves the first ten for "
            f"{check['named']:.0%}, without another of the last items for {check['other']:.0%}"
        )
    elif all(one["because"] is None for one in found["recommended"]):
        lines.append("no event of any history changes these lists: the model does not look at what a person did last")
    for line in lines:
        screen.print(line, markup=False, soft_wrap=True)


def show_explanation(found: dict[str, Any], screen: Console) -> None:
    """Print what a language model says of a state."""
    lines = [f"in words of a language model, user {found['user']} ({found['part']} part)"]
    lines += ["history: " + " · ".join(found["history"]), "the state says:"]
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
