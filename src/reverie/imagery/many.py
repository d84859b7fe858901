"""Pictures of several senses side by side, and of many concepts; each has its own folder, and one page shows them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from reverie.errors import ConfigError
from reverie.files import locked
from reverie.imagery.imagined import FILE, Imagined, ImagineSettings, read_imagined
from reverie.imagery.page import PAGE, Shown, write_gallery
from reverie.imagery.pipeline import check_folder, imagine, with_records
from reverie.imagery.records import Intent
from reverie.imagery.stages import make_stage
from reverie.imagery.summary_lines import stage_lines
from reverie.imagery.workshop import Workshop
from reverie.options import Options
from reverie.report.page import Prose

Record = TypeVar("Record", bound=Options)


def imagine_senses(settings: ImagineSettings, count: int, folder: Path, shop: Workshop) -> dict[str, Any]:
    """Imagine the first senses of a word, as many as it has, each in a folder of its name.

    Returns
    -------
    dict
        ``lines`` for a terminal, ``page``, and by sense the ``folder`` and the ``digest``.
    """
    _check(folder)
    with locked(folder, wait=False):
        first = make_stage("intent", Imagined(settings=settings), shop, folder)
        if not isinstance(first, Intent):
            raise TypeError("the first stage makes an intent")
        shown, lines, made = list[Shown](), list[str](), list[dict[str, str]]()
        for intent in side_by_side(first, count):
            own = folder / intent.sense.id
            done = imagine(settings, own, shop, _before(settings, intent, own))
            shown.append(Shown(done, own))
            lines += [*stage_lines(done), ""]
            made.append({"sense": intent.sense.id, "folder": str(own), "digest": done.digest})
        page = write_gallery(
            folder / PAGE,
            f"{settings.concept.capitalize()}, sense by sense",
            [(one.done.intent.sense.id, [one]) for one in shown if one.done.intent],
        )
        return {"lines": [*lines, f"page      {page}"], "page": str(page), "senses": made}


def side_by_side(intent: Intent, count: int) -> list[Intent]:
    """Return an intent for each of the first senses, the chosen one first."""
    senses = [intent.sense, *intent.alternatives][:count]
    return [
        intent.model_copy(
            update={"sense": sense, "alternatives": tuple(one for one in (intent.sense, *intent.alternatives) if one != sense)}
        )
        for sense in senses
    ]


def _before(settings: ImagineSettings, intent: Intent, folder: Path) -> Imagined:
    """Return what stands in the folder of a sense, with its intent, which counts as made."""
    before = read_imagined(folder) if (folder / FILE).is_file() else Imagined(settings=settings)
    if before.intent is not None and before.intent.sense.id == intent.sense.id:
        return before
    return with_records(settings, {"intent": intent})


def _check(folder: Path) -> None:
    """Refuse a folder that holds anything but folders of senses and their page."""
    if (folder / FILE).is_file():
        raise ConfigError(f"{folder} holds a single picture; choose another folder by --out")
    if folder.is_dir() and all(one.name == PAGE or one.name.startswith(".") or (one / FILE).is_file() for one in folder.iterdir()):
        return
    check_folder(folder)


def imagine_gallery(
    settings: ImagineSettings, concepts: Sequence[str], variants: int, folder: Path, shop: Workshop
) -> dict[str, Any]:
    """Imagine several concepts, each with several seeds and so in several forms; what is there already is kept.

    Objects are found once for a concept, so that its pictures differ by their form alone. A concept that nothing physical is found
    for is left out, and is an error where it is the only one.

    Returns
    -------
    dict
        ``lines`` for a terminal, ``page``, by picture its ``concept``, ``seed``, ``folder`` and ``digest``, and why each word of
        ``left_out`` is missing.
    """
    _check(folder)
    with locked(folder, wait=False):
        rows, lines, made, left_out = list[tuple[str, list[Shown]]](), list[str](), list[dict[str, Any]](), dict[str, str]()
        for concept in concepts:  # a word that cannot be imagined is an error before anything is made
            make_stage("intent", Imagined(settings=settings.model_copy(update={"concept": concept})), shop, folder)
        for concept in concepts:
            try:
                row = _imagine_forms(settings.model_copy(update={"concept": concept}), variants, folder, shop)
            except ConfigError as error:
                if len(concepts) == len(left_out) + 1:
                    raise
                left_out[concept] = str(error)
                continue
            for one in row:
                asked = one.done.settings
                made.append({"concept": concept, "seed": asked.seed, "folder": str(one.folder), "digest": one.done.digest})
            rows.append((concept.capitalize(), row))
            lines += [*stage_lines(row[0].done), ""]
        title = f"{', '.join(one for one in concepts if one not in left_out)}, in {variants} forms each".capitalize()
        missing = [f"{concept}: {why}" for concept, why in left_out.items()]
        page = write_gallery(folder / PAGE, title, rows, [Prose(["Left out:", *missing], listed=True)] if missing else [])
        lines += [f"left out  {one}" for one in missing]
        return {"lines": [*lines, f"page      {page}"], "page": str(page), "pictures": made, "left_out": left_out}


def _imagine_forms(settings: ImagineSettings, variants: int, folder: Path, shop: Workshop) -> list[Shown]:
    """Return pictures of one concept by so many seeds, all of the objects that are found for the first."""
    row: list[Shown] = []
    for seed in range(settings.seed, settings.seed + variants):
        asked, own = settings.model_copy(update={"seed": seed}), folder / f"{settings.concept.replace(' ', '-')}-{seed}"
        before = None
        if row and not (own / FILE).is_file():
            first = row[0].done
            before = with_records(asked, {"intent": _made(first.intent), "objects": _made(first.objects)})
        row.append(Shown(imagine(asked, own, shop, before), own))
    return row


def _made(record: Record | None) -> Record:
    """Return a record of a stage that was made."""
    if record is None:
        raise ValueError("the first picture lacks a stage")
    return record
