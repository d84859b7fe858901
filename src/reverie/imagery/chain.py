"""From a person's history to a picture of what a recommender imagines: oracle item, words, concept, objects, form, picture."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from reverie.errors import ReverieError
from reverie.files import write_json
from reverie.imagery.chain_section import CHAIN, FOLDER
from reverie.imagery.imagined import LABEL, Imagined, ImagineSettings
from reverie.imagery.oracle import Oracle, read_oracles
from reverie.imagery.oracle_words import oracle_intent, oracle_objects
from reverie.imagery.page import LARGE, PAGE, Shown, facts_of, picture_figure, stage_sections
from reverie.imagery.pipeline import check_folder, imagine, with_records
from reverie.imagery.roles import TextJudge
from reverie.imagery.summary_lines import stage_lines
from reverie.imagery.workshop import Workshop
from reverie.llm.interpreter.recipe import INTERPRETER
from reverie.options import checked
from reverie.report.page import Block, Example, Facts, Item, ItemList, Prose, Section, write_page


def imagine_user(
    run: Path, user: str, folder: Path, changes: dict[str, Any], shop: Workshop, log: Path | None = None
) -> dict[str, Any]:
    """Picture what a recommender imagines for a person.

    Parameters
    ----------
    run : Path
        Run folder of ``reverie interpret`` whose recommender imagines items.
    user : str
    folder : Path
        Where the picture goes.
    changes : dict
        Settings of the picture that differ from the defaults.
    shop : Workshop
    log : Path or None
        Where the event log is now.

    Returns
    -------
    dict
        ``lines`` for a terminal, the oracle item, the nearest items, ``faithfulness``, ``page`` and ``digest``.
    """
    check_folder(folder)
    oracles, catalogue = read_oracles(run, user, shop.device, shop.offline, log)
    own, norms = oracles[0], shop.norms
    seed, model = int(changes.get("seed", 0)), shop.language_model(changes.get("language_model"))
    intent = oracle_intent(own, catalogue, shop.lexicon, norms, model, seed)
    settings = checked(ImagineSettings, {"concept": intent.concept, **changes}, "reverie imagine")
    n = settings.n_objects
    objects = oracle_objects(own, catalogue, intent, shop.lexicon, shop.icons, norms, n, model, seed)
    before = with_records(settings, {"intent": intent, **({} if settings.given else {"objects": objects})})
    done = imagine(settings, folder, shop, before)
    scores = faithfulness(done, oracles, _judge())
    facts: dict[str, Any] = {"user": user, "run": str(run), "oracle": own.title, "in_catalogue": own.in_catalogue}
    facts |= {"nearest": list(own.nearest), "top": own.top, "faithfulness": scores, "history": list(own.history)}
    write_json(folder / CHAIN, facts)
    page = _page(Shown(done, folder), own, scores)
    lines = [
        f"user      {user}: {' · '.join(own.history)}",
        f"oracle    {own.title or 'nothing'} (in the catalogue: {own.in_catalogue})",
        "near it   " + " · ".join(own.nearest),
        f"would show {own.top}",
    ]
    lines += [*stage_lines(done), *_said(scores), f"page      {page}"]
    if folder.parent == run / FOLDER:
        again = shlex.join(["reverie", "interpret", str(run / INTERPRETER.file), "--out", str(run)])
        lines.append(f"report    {again} puts it on the run's own page")
    return {**facts, "lines": lines, "page": str(page), "digest": done.digest, "folder": str(folder)}


def faithfulness(done: Imagined, oracles: list[Oracle], judge: TextJudge | None) -> dict[str, float] | None:
    """Return how near a picture's words are to a person's oracle item, against those of others and the item that would be shown.

    Parameters
    ----------
    done : Imagined
        Its concept and objects are compared.
    oracles : list of Oracle
        The person's first.
    judge : TextJudge or None

    Returns
    -------
    dict or None
        ``own``, ``shuffled`` (the mean over the others), ``difference``, ``top``, and ``rank`` among ``of``; None without a judge.
    """
    if judge is None or done.objects is None:
        return None
    said = f"{done.settings.concept}: {', '.join(one.phrase for one in done.objects.objects)}"
    values = judge.scores([said], [*(one.about for one in oracles), oracles[0].about_top])[0]
    own, others = float(values[0]), values[1:-1]
    shuffled = float(others.mean()) if len(others) else float("nan")
    rank = 1 + float((others > own).sum()) + 0.5 * float((others == own).sum())
    found = {
        "own": own,
        "shuffled": shuffled,
        "difference": own - shuffled,
        "top": float(values[-1]),
        "rank": rank,
        "of": float(len(oracles)),
    }
    return {name: round(value, 4) for name, value in found.items() if np.isfinite(value)}


def _judge() -> TextJudge | None:
    """Return a judge of texts that had no part in the picture; None where its weights cannot be had."""
    from reverie.imagery.judging.text_judge import SentenceJudge

    judge = SentenceJudge()
    try:
        judge.scores(["a"], ["b"])
    except ReverieError:
        return None
    return judge


def _said(scores: dict[str, float] | None) -> list[str]:
    if scores is None:
        return ["faithful  not measured: the weights of the judge of texts are not fetched"]
    against = (
        f"{scores['shuffled']:.3f} to those of others ({scores['difference']:+.3f}; rank {scores['rank']:g} of {scores['of']:.0f})"
    )
    return [f"faithful  {scores['own']:.3f} to the own oracle item, {against}, {scores['top']:.3f} to the item that would be shown"]


def _page(shown: Shown, oracle: Oracle, scores: dict[str, float] | None) -> Path:
    """Write the page of a person's picture."""
    near = ItemList("nearest real items", [Item(title) for title in oracle.nearest])
    lists = [near, ItemList("the recommender would show", [Item(oracle.top)])]
    said = f"called '{oracle.title}', in the catalogue '{oracle.in_catalogue}'"
    blocks: list[Block] = [picture_figure(shown, LARGE)] if shown.done.picture is not None else []
    blocks += [
        Example(f"User {oracle.user}", lists, note=f"The oracle item is {said}.", history=oracle.history),
        Prose(_said(scores)),
    ]
    if scores is not None:
        blocks.append(Facts([(name, f"{value:g}") for name, value in scores.items()], tight=True))
    sections = [Section("picture", "What the recommender imagines", blocks, short="Picture"), *stage_sections(shown.done)]
    title = f"What is imagined for user {oracle.user}: {shown.done.settings.concept}"
    return write_page(
        shown.folder / PAGE, title, sections, kind="imagine", facts=facts_of(shown.done), opening=[Prose([f"{LABEL}."])]
    )
