"""The stages from a word to a picture: what each of them is made from, and how."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reverie.files import atomic_path, sha256, write_text
from reverie.imagery.forms.choice import choose_form
from reverie.imagery.forms.collections import PACKAGED
from reverie.imagery.imagined import Imagined, ImagineSettings
from reverie.imagery.intent import choose_intent
from reverie.imagery.objects.choose import choose_objects, objects_of_words
from reverie.imagery.prompting import Condition, assemble_prompt
from reverie.imagery.records import STAGES, Form, Intent, ObjectSet, Picture, Prompt, StageName
from reverie.imagery.rewriting import rewrite_prompt
from reverie.imagery.roles import Scene
from reverie.imagery.safety import refuse_unsafe, unsafe_words
from reverie.imagery.workshop import Workshop
from reverie.options import Options

PNG, SVG = "picture.png", "picture.svg"


def wanted_stages(settings: ImagineSettings) -> tuple[StageName, ...]:
    """Return the stages of a run; without a renderer the prompt is the last."""
    return STAGES[:-1] if settings.renderer.get("kind") == "none" else STAGES


def stage_settings(stage: StageName, settings: ImagineSettings) -> dict[str, Any]:
    """Return the settings that a stage depends on."""
    names = {
        "intent": ("concept", "sentence", "language_model", "seed"),
        "objects": ("given", "n_objects", "drawable_only", "language_model", "seed"),
        "form": ("forms", "form", "language_model", "seed"),
        "prompt": ("rewrite", "seed"),
        "picture": ("renderer", "size", "seed"),
    }[stage]
    found = settings.model_dump(mode="json", include=set(names))
    if stage == "form" and settings.forms not in PACKAGED and Path(settings.forms).is_file():
        found["forms"] = sha256(settings.forms)
    if stage == "prompt" and settings.rewrite:
        found["language_model"] = settings.language_model
    return found


def make_stage(stage: StageName, done: Imagined, shop: Workshop, folder: Path) -> Options:
    """Return the record of a stage, made from those before it.

    Parameters
    ----------
    stage : str
    done : Imagined
        Holds the records of all earlier stages.
    shop : Workshop
    folder : Path
        Where a picture's files go.
    """
    refuse_unsafe(done.settings.concept)
    return _MAKERS[stage](done, shop, folder)


def _intent(done: Imagined, shop: Workshop, folder: Path) -> Intent:
    asked = done.settings
    model = shop.language_model(asked.language_model)
    return choose_intent(shop.lexicon, asked.concept, sentence=asked.sentence, language_model=model, seed=asked.seed)


def _objects(done: Imagined, shop: Workshop, folder: Path) -> ObjectSet:
    asked, intent = done.settings, _record(done.intent)
    if asked.given:
        return objects_of_words(shop.lexicon, shop.icons, ", ".join(asked.given), shop.norms)
    model = shop.language_model(asked.language_model)
    return choose_objects(
        shop.lexicon,
        shop.icons,
        intent,
        n=asked.n_objects,
        drawable_only=asked.drawable_only,
        language_model=model,
        seed=asked.seed,
    )


def _form(done: Imagined, shop: Workshop, folder: Path) -> Form:
    asked = done.settings
    model = shop.language_model(asked.language_model)
    return choose_form(_record(done.intent), _record(done.objects), shop.form_library(asked.forms), asked.form, model, asked.seed)


def _prompt(done: Imagined, shop: Workshop, folder: Path) -> Prompt:
    asked, objects = done.settings, _record(done.objects)
    intent: Intent = _record(done.intent)
    condition: Condition = "OF" if unsafe_words(intent.sense.gloss) else "D"  # WordNet's own gloss is left out, not refused
    prompt = assemble_prompt(intent, objects, _record(done.form), condition)
    refuse_unsafe(prompt.text)
    model = shop.language_model(asked.language_model) if asked.rewrite else None
    return prompt if model is None else rewrite_prompt(prompt, objects, model, asked.seed)


def _picture(done: Imagined, shop: Workshop, folder: Path) -> Picture:
    asked, prompt = done.settings, _record(done.prompt)
    refuse_unsafe(prompt.text)
    renderer = shop.renderer(asked.renderer)
    scene = Scene(prompt, _record(done.objects), _record(done.form), asked.seed, asked.size)
    found = renderer.render([scene])[0]
    with atomic_path(folder / PNG) as temporary:
        temporary.write_bytes(found.png)
    if found.svg is not None:
        write_text(folder / SVG, found.svg)
    digest = hashlib.sha256(found.png).hexdigest()
    svg = SVG if found.svg is not None else None
    return Picture(
        renderer=renderer.name, seed=asked.seed, png=PNG, sha256=digest, svg=svg, credits=found.credits, shown=found.shown
    )


_MAKERS: Mapping[StageName, Callable[[Imagined, Workshop, Path], Options]] = {
    "intent": _intent, "objects": _objects, "form": _form, "prompt": _prompt, "picture": _picture,
}  # fmt: skip


def _record(record: Any) -> Any:
    """Return a record that an earlier stage must have made."""
    if record is None:
        raise ValueError("a stage was asked for before those that it is made from")
    return record
