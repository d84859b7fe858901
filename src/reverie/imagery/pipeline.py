"""From a word to a picture in a folder: stages are made in order, kept as they end, and made again only where they must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reverie.errors import ConfigError, nearest
from reverie.files import locked, sha256
from reverie.imagery.imagined import FILE, Imagined, ImagineSettings, MadeFrom, read_imagined, record_digest, stage_key
from reverie.imagery.records import STAGES, ObjectSet, Picture, StageName
from reverie.imagery.stages import make_stage, stage_settings, wanted_stages
from reverie.imagery.workshop import Workshop
from reverie.options import Options

Tell = Callable[[StageName, str], None]
"""Told the name of each stage and whether it was ``kept``, ``edited`` or ``made``."""


def imagine(
    settings: ImagineSettings, folder: Path, shop: Workshop, before: Imagined | None = None,
    tell: Tell = lambda stage, how: None,
) -> Imagined:  # fmt: skip
    """Imagine a picture for a word.

    Stages that a person changed in `before` stay as they are; others stay where they were made from the same settings and records.
    What is finished is written at once, so a stage that fails loses nothing.

    Parameters
    ----------
    settings : ImagineSettings
    folder : Path
        May exist; one that holds other files is refused.
    shop : Workshop
    before : Imagined or None
        What was imagined earlier and may be edited; what lies in the folder by default.
    tell : callable

    Returns
    -------
    Imagined

    Raises
    ------
    ReverieError
        If a stage cannot be made; those before it are in the folder.
    """
    check_folder(folder)
    with locked(folder, wait=False):
        if before is None and (folder / FILE).is_file():
            before = read_imagined(folder)
            if before.settings.concept != settings.concept:
                raise ConfigError(f"{folder} holds '{before.settings.concept}'; choose another folder by --out")
        _check_intent(before, settings.concept)
        done, stages = Imagined(settings=settings), wanted_stages(settings)
        for at, stage in enumerate(stages, start=1):
            done, how = _next(stage, done, before, shop, folder)
            _carry(done, before, stages[at:]).write(folder)
            tell(stage, how)
    return done


def with_records(settings: ImagineSettings, records: Mapping[StageName, Options]) -> Imagined:
    """Return what starts from records that were made elsewhere: they count as made, from the settings and from each other."""
    done = Imagined(settings=settings)
    for stage in STAGES:
        if stage in records:
            made = MadeFrom(key=_key(stage, done), digest=record_digest(records[stage]))
            done = _with(done, stage, records[stage], made)
    return done


def _key(stage: StageName, done: Imagined) -> str:
    """Return the key of a stage, by the settings and the records before it."""
    earlier = {str(name): getattr(done, name) for name in STAGES[: STAGES.index(stage)]}
    return stage_key(stage_settings(stage, done.settings), earlier)


def _next(stage: StageName, done: Imagined, before: Imagined | None, shop: Workshop, folder: Path) -> tuple[Imagined, str]:
    """Return what is done with one stage more, and how it came about."""
    key = _key(stage, done)
    record: Options | None = None if before is None else getattr(before, stage)
    made = before.made.get(stage) if before is not None else None
    if before is not None and record is not None and stage != "picture" and before.is_edited(stage):
        _check_icons(record, shop)
        return _with(done, stage, _checked(record), made), "edited"
    if record is not None and made is not None and made.key == key and _is_there(record, folder):
        return _with(done, stage, record, made), "kept"
    record = _checked(make_stage(stage, done, shop, folder))
    return _with(done, stage, record, MadeFrom(key=key, digest=record_digest(record))), "made"


def _checked(record: Options) -> Options:
    """Return a record; one without any object to show is refused."""
    if isinstance(record, ObjectSet) and not record.objects:
        raise ConfigError("there is no object to show; name some with --objects, or delete the record 'objects'")
    return record


def _check_icons(record: Options, shop: Workshop) -> None:
    """Refuse objects whose icon is in no icon set."""
    for one in record.objects if isinstance(record, ObjectSet) else ():
        if one.icon is not None and one.icon not in shop.icons:
            names = [icon.name for icon in shop.icons.drawable]
            raise ConfigError(
                f"there is no icon '{one.icon}'{nearest(one.icon, names)}; leave 'icon' out to find one by '{one.phrase}'"
            )


def _check_intent(before: Imagined | None, concept: str) -> None:
    """Refuse an edited intent that is of another concept."""
    if before is not None and before.intent is not None and before.is_edited("intent") and before.intent.concept != concept:
        raise ConfigError(
            f"intent.concept is '{before.intent.concept}' and settings.concept '{concept}'; write the same word in both"
        )


def _carry(done: Imagined, before: Imagined | None, stages: Sequence[StageName]) -> Imagined:
    """Return what is done with the earlier records of stages to come, so that a cut or a failure loses nothing that was edited."""
    for stage in stages:
        record = getattr(before, stage, None)
        if before is not None and record is not None:
            done = _with(done, stage, record, before.made.get(stage))
    return done


def _with(done: Imagined, stage: StageName, record: Options, made: MadeFrom | None) -> Imagined:
    noted = {**done.made, **({} if made is None else {stage: made})}
    return done.model_copy(update={stage: record, "made": noted})


def _is_there(record: Options, folder: Path) -> bool:
    """Return whether the file of a picture lies in the folder as it was written; records of other stages need none."""
    if not isinstance(record, Picture):
        return True
    drawn = record.svg is None or (folder / record.svg).is_file()
    return drawn and (folder / record.png).is_file() and sha256(folder / record.png) == record.sha256


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; choose another folder by --out")
    if folder.is_dir() and not (folder / FILE).is_file():
        others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        if others:
            raise ConfigError(f"{folder} holds other files ({others[0]}); choose an empty folder by --out")
