"""`reverie imagine`: a picture for a word, stage by stage, or for what a recommender imagines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.options import Device, Json, Log, Offline, Quiet, be_offline, console, print_json, say
from reverie.errors import ConfigError, short
from reverie.files import json_digest

if TYPE_CHECKING:
    from rich.console import Console

    from reverie.imagery.imagined import Imagined, ImagineSettings

_RENDERERS = "collage, pixels:RUN, diffusers:FOLDER, endpoint:URL, or none."


def imagine(
    concept: Annotated[str | None, typer.Argument(help="A noun for an idea; several with commas make a gallery.")] = None,
    sentence: Annotated[str | None, typer.Option("--sentence", help="A sentence that tells its senses apart.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder; by default runs/imagine-CONCEPT, or RUN/imagined/USER.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Other seeds, other forms and pictures; 0 by default.")] = None,
    renderer: Annotated[str | None, typer.Option("--renderer", help=f"Who paints: {_RENDERERS}")] = None,
    llm: Annotated[str | None, typer.Option("--llm", help="Language model that ranks: smollm2-135m, a folder, a hub name.")] = None,
    objects: Annotated[
        str | None, typer.Option("--objects", help="What to show, comma-separated, in the place of what is found.")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, max=8, help="Objects at most; 4 by default.")] = None,
    forms: Annotated[
        str | None, typer.Option("--forms", help="Patterns of form: written, rules, llm, or a file of prompts.")
    ] = None,
    rewrite: Annotated[bool, typer.Option("--rewrite", help="Let the language model rewrite the prompt.")] = False,
    senses: Annotated[int, typer.Option("--senses", min=1, max=9, help="Paint so many senses side by side.")] = 1,
    variants: Annotated[int, typer.Option("--variants", min=1, max=12, help="Forms of each concept, side by side.")] = 1,
    edit: Annotated[Path | None, typer.Option("--edit", help="A changed imagine.yaml; what was changed stays.")] = None,
    origin: Annotated[Path | None, typer.Option("--from", help="A folder of an earlier picture to go on from.")] = None,
    size: Annotated[int | None, typer.Option("--size", min=32, max=2048, help="Pixels; 768 by default.")] = None,
    run: Annotated[Path | None, typer.Option("--run", help="Run folder of 'reverie interpret': show what it imagines.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="A user of that run's dataset.")] = None,
    log: Log = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Imagine a picture for an abstract word: what is meant, what is shown, how it is shown, in words, painted.

    Every stage is written to imagine.yaml; change one and run the same command again, and only later stages are made again.

    Examples: reverie imagine nostalgia · reverie imagine freedom --objects "broken chain, bird" --out freedom · reverie imagine
    "hope, time, justice" --variants 3
    """
    be_offline(offline)
    if (run is None) != (user is None):
        raise ConfigError("--run and --user go together: a run folder of 'reverie interpret', and a user of its dataset")
    changes: dict[str, Any] = {
        "sentence": sentence,
        "seed": seed,
        "language_model": llm,
        "n_objects": count,
        "forms": forms,
        "size": size,
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    changes |= {"rewrite": True} if rewrite else {}
    if objects is not None:
        changes["given"] = tuple(part.strip() for part in objects.split(",") if part.strip())
        if not changes["given"]:
            raise ConfigError("--objects names nothing; write for instance --objects 'broken chain, bird'")
        if len(changes["given"]) > 8:
            raise ConfigError(f"--objects names {len(changes['given'])} things; name 1 to 8")
    if renderer is not None:
        changes["renderer"] = _renderer(renderer)
    from reverie.imagery.workshop import Workshop

    shop = Workshop(device=device, offline=offline, tell=(lambda line: None) if quiet or json else say)
    if run is not None and user is not None:
        if concept is not None or edit is not None or origin is not None:
            raise ConfigError("--run says what is imagined; leave out the concept, --edit and --from")
        from reverie.imagery.chain import imagine_user
        from reverie.imagery.chain_section import person_folder

        print_or_show(imagine_user(run, user, out or person_folder(run, user), changes, shop, log=log), json, quiet)
        return
    words = [" ".join(word.lower().split()) for word in (concept or "").split(",") if word.strip()]
    if long := next((word for word in words if len(word) > _LONGEST), None):
        raise ConfigError(f"'{short(long)}' is no English word; give a noun such as 'freedom'")
    if len(words) > 1 or variants > 1:
        if edit is not None or origin is not None or senses > 1:
            raise ConfigError("a gallery goes on in its own folder; leave out --edit, --from and --senses, and name it by --out")
        from reverie.imagery.many import imagine_gallery

        settings, _ = _asked(next(iter(words), None), None, None, changes)
        folder = out or Path("runs") / f"imagine-{_gallery_name(words)}-forms"
        print_or_show(imagine_gallery(settings, list(dict.fromkeys(words)), variants, folder, shop), json, quiet)
        return
    settings, before = _asked(concept, edit, origin, changes)
    folder = (
        out
        or origin
        or (edit.parent if edit is not None else None)
        or Path("runs") / f"imagine-{settings.concept.replace(' ', '-')}"
    )
    from reverie.imagery.many import imagine_senses
    from reverie.imagery.page import Shown, write_picture_page
    from reverie.imagery.pipeline import imagine as imagine_one

    if senses > 1:
        print_or_show(imagine_senses(settings, senses, folder, shop), json, quiet)
        return
    done = imagine_one(settings, folder, shop, before)
    page = write_picture_page(Shown(done, folder))
    if json:
        print_json(
            done.model_dump(mode="json", exclude_none=True) | {"digest": done.digest, "folder": str(folder), "page": str(page)}
        )
    else:
        _show(done, folder, console(quiet))


_LONGEST = 100
"""Letters of a concept; WordNet's longest noun has 71."""


def _gallery_name(words: Sequence[str]) -> str:
    """Return a name for the folder of some concepts, another one for other concepts."""
    named = "-".join(words).replace(" ", "-")
    return named if len(named) <= 40 else f"{named[:30].rstrip('-')}-{json_digest({'concepts': list(words)})[:8]}"


def _asked(
    concept: str | None, edit: Path | None, origin: Path | None, changes: dict[str, Any]
) -> tuple[ImagineSettings, Imagined | None]:
    """Return what is asked for, and what was imagined before."""
    from reverie.imagery.imagined import ImagineSettings, read_imagined
    from reverie.options import checked

    if edit is not None and origin is not None:
        raise ConfigError("--edit and --from both say what to go on from; give one of them")
    before = read_imagined(edit or origin) if (edit or origin) is not None else None  # type: ignore[arg-type]
    if before is None and concept is None:
        raise ConfigError("say what to imagine, e.g. 'reverie imagine nostalgia'; --from goes on from a folder")
    word = " ".join(concept.lower().split()) if concept is not None else ""
    if before is not None and concept is not None and word != before.settings.concept:
        raise ConfigError(f"{edit or origin} holds '{before.settings.concept}', not '{word}'; leave the concept out")
    values: dict[str, Any] = {"concept": word} if before is None else before.settings.model_dump()
    values |= changes
    form = dict(values.get("form") or {})
    if values.get("language_model") is not None and "language_model" in changes:
        form["by"] = "likelihood"
    if form.get("by") == "likelihood" and values.get("language_model") is None:
        raise ConfigError("forms are chosen by likelihood with a language model; name it by --llm")
    if values.get("rewrite") and values.get("language_model") is None:
        raise ConfigError("--rewrite needs a language model; name it by --llm, e.g. --llm smollm2-135m")
    values |= {"form": form} if form else {}
    values |= {"drawable_only": values["renderer"]["kind"] in ("collage", "pixels")} if "renderer" in changes else {}
    return checked(ImagineSettings, values, "reverie imagine"), before


def _renderer(text: str) -> dict[str, Any]:
    """Return the options of a renderer from its short form, checked before anything is made."""
    from reverie.imagery.renderers.create import renderer_config

    options = renderer_config(text)
    return {"kind": "none"} if options is None else options.model_dump(mode="json")


def print_or_show(found: dict[str, Any], json: bool, quiet: bool) -> None:
    """Print what was made of several words or of a person."""
    if json:
        print_json(found)
        return
    screen = console(quiet)
    for line in found["lines"]:
        screen.print(line)


def _show(done: Imagined, folder: Path, screen: Console) -> None:
    """Print the stages."""
    from reverie.imagery.imagined import FILE, LABEL
    from reverie.imagery.page import PAGE
    from reverie.imagery.summary_lines import stage_lines

    for line in stage_lines(done):
        screen.print(line)
    picture = [str(folder / name) for name in (done.picture.png, done.picture.svg) if name] if done.picture is not None else []
    screen.print("files     " + " · ".join([*picture, str(folder / PAGE), str(folder / FILE)]))
    screen.print(f"digest    {done.digest[:12]} · {LABEL}")
