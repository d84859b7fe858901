"""`reverie evaluate`: metrics of a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverie.cli.options import Device, Json, Log, Offline, Quiet, console, metric_line, print_json
from reverie.errors import ConfigError

if TYPE_CHECKING:
    from reverie.data.queries import Seen


def evaluate(
    run: Annotated[Path, typer.Argument(help="A finished run folder.")],
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", help="Names, comma-separated; the usual ones by default, auc and its kin for labelled rows."),
    ] = None,
    on: Annotated[str, typer.Option("--on", help="valid or test.")] = "test",
    seen: Annotated[str | None, typer.Option("--seen", help="remove or keep items of the history.")] = None,
    log: Log = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Print metrics of a run; with --seen the model is asked again under that rule.

    Example: reverie evaluate runs/sasrec-ml-100k --metrics recall@20,ndcg@20
    """
    from reverie.data.splits.config import split_dataset
    from reverie.evaluation import evaluate as measure
    from reverie.llm.collm.study import is_study, study_evaluation
    from reverie.training.event_log import open_log
    from reverie.training.run import load_run

    rules: dict[str | None, Seen | None] = {None: None, "remove": "remove", "keep": "keep"}
    if on not in ("valid", "test") or seen not in rules:
        raise ConfigError("--on takes valid or test, and --seen takes remove or keep")
    rule = rules[seen]
    if is_study(run):
        if rule is not None:
            raise ConfigError(f"{run} was measured on labelled rows, which are asked about whether seen or not; leave out --seen")
        evaluation, usual = study_evaluation(run, on, offline=offline, log=log), "auc,uauc,undcg"
    else:
        opened = load_run(run)
        evaluation, usual = opened.valid if on == "valid" else opened.test, "recall@10,ndcg@10,mrr@10,coverage@10"
        again = rule is not None and rule != evaluation.seen
        if again or log is not None:
            split = split_dataset(open_log(run, opened.recipe.dataset, log, offline), opened.recipe.split)
        if again:
            evaluation = measure(
                opened.model(), split.valid if on == "valid" else split.test, seen=rule, device=device, train=split.train
            )
    measured = evaluation.metrics([name.strip() for name in (metrics or usual).split(",") if name.strip()])
    if json:
        print_json(measured.to_dicts())
        return
    screen = console(quiet)
    for row in measured.iter_rows(named=True):
        screen.print(f"{metric_line(row)}  n={row['n']}", markup=False)
    if evaluation.scored is None:
        fate = "; each is a miss" if evaluation.seen == "remove" and evaluation.repeats else ""
        screen.print(f"{evaluation.seen_note}; repeats are targets that stand in their own history{fate}", markup=False)
