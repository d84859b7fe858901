"""`reverie evaluate`: metrics of a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverie.cli.new_items import Content, Items, extended
from reverie.cli.options import Device, Json, Log, Offline, Quiet, console, metric_line, print_json, say
from reverie.errors import ConfigError

if TYPE_CHECKING:
    from reverie.data.queries import Seen
    from reverie.evaluation import Evaluation


def evaluate(
    run: Annotated[Path, typer.Argument(help="A finished run folder.")],
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", help="Names, comma-separated; the usual ones by default, auc and its kin for labelled rows."),
    ] = None,
    on: Annotated[str, typer.Option("--on", help="valid or test.")] = "test",
    seen: Annotated[str | None, typer.Option("--seen", help="remove or keep items of the history.")] = None,
    items: Items = None,
    content: Content = None,
    log: Log = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Print metrics of a run, by kind of event, too, where kinds are known; with --seen the model is asked again under that rule.

    With --items a model that knows items by their content is asked again, with items that it was not trained on among the
    candidates; --log may be a later log, in which people have clicked them.

    Example: reverie evaluate runs/sasrec-ml-100k --metrics recall@20,ndcg@20
    """
    import numpy as np

    from reverie.data.recode import recode
    from reverie.data.splits.config import split_dataset
    from reverie.evaluation import evaluate as measure
    from reverie.evaluation.slices import by_kind, with_targets
    from reverie.llm.collm.study import is_study, study_evaluation
    from reverie.models.warm_start import append_vocabulary
    from reverie.training.event_log import open_log
    from reverie.training.run import load_run

    rules: dict[str | None, Seen | None] = {None: None, "remove": "remove", "keep": "keep"}
    if on not in ("valid", "test") or seen not in rules:
        raise ConfigError("--on takes valid or test, and --seen takes remove or keep")
    rule = rules[seen]
    parts: dict[str, Evaluation] = {}
    if is_study(run):
        if rule is not None or items is not None:
            option = "--items" if rule is None else "--seen"
            raise ConfigError(f"{run} was measured on labelled rows, which are asked about whatever {option} says; leave it out")
        evaluation, usual = study_evaluation(run, on, offline=offline, log=log), "auc,uauc,undcg"
    else:
        opened = load_run(run)
        evaluation, usual = opened.valid if on == "valid" else opened.test, "recall@10,ndcg@10,mrr@10,coverage@10"
        again = items is not None or (rule is not None and rule != evaluation.seen)
        if again or log is not None:
            dataset = open_log(run, opened.recipe.dataset, log, offline, None if items is None else say)
            later = items is not None and log is not None  # there the new items are the cold ones, and no others are held out
            cut = opened.recipe.split.model_copy(update={"cold": None}) if later else opened.recipe.split
            split = split_dataset(dataset, cut)
        if again:
            trained = opened.model()
            model = extended(trained, items, content)
            if items is not None:
                split = recode(split, append_vocabulary(model.card.vocabulary, split.vocabulary))
            queries = split.valid if on == "valid" else split.test
            evaluation = measure(model, queries, seen=rule or evaluation.seen, device=device, train=split.train)  # type: ignore[arg-type]  # it is one of the two
            if items is not None:
                new = np.arange(trained.card.vocabulary.n_items, model.card.vocabulary.n_items, dtype=np.int32) + 1
                parts[f"targets among the {len(new):,} new items"] = with_targets(evaluation, new)
    names = [name.strip() for name in (metrics or usual).split(",") if name.strip()]
    measured = evaluation.metrics(names)
    found = {name: part.metrics(names) for name, part in parts.items() if len(part.ranks)}
    kinds = {} if evaluation.scored is not None else by_kind(evaluation)
    of_kinds = {name: part.metrics(names) for name, part in kinds.items()} if len(kinds) > 1 else {}
    if json:
        named = [row | {"metric": f"{name}/{row['metric']}"} for name, rows in of_kinds.items() for row in rows.to_dicts()]
        print_json(
            [*measured.to_dicts(), *named, *({"slice": name} | row for name, rows in found.items() for row in rows.to_dicts())]
        )
        return
    screen = console(quiet)
    for name, rows in {"": measured, **of_kinds, **found}.items():
        if name:
            screen.print(f"{name}:", markup=False)
        for row in rows.iter_rows(named=True):
            screen.print(f"{metric_line(row)}  n={row['n']}", markup=False)
    for name in parts.keys() - found.keys():
        screen.print(f"no question has {name}; --log takes a later log, in which people have clicked them", markup=False)
    if evaluation.scored is None:
        fate = "; each is a miss" if evaluation.seen == "remove" and evaluation.repeats else ""
        screen.print(f"{evaluation.seen_note}; repeats are targets that stand in their own history{fate}", markup=False)
