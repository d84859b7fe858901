"""Patterns of form out of phrases that people wrote, by rules or by a language model; what was extracted once is kept."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt

from reverie.documents import read_as
from reverie.errors import DataError
from reverie.files import cache_folder, json_digest, locked, write_json
from reverie.imagery.forms.patterns import distinct, form_pattern
from reverie.imagery.forms.phrases import PhraseFilter, phrases_of, slot_words
from reverie.imagery.forms.reading import SHOTS, read_slots
from reverie.imagery.forms.rules import slot_of
from reverie.imagery.records import FormPattern, SlotName
from reverie.imagery.roles import LanguageModel
from reverie.options import Options
from reverie.seeds import numpy_generator

Method = Literal["rules", "llm"]
VERSION = 1
"""Of what is kept; another one is extracted anew."""
LEAST = 150
"""Patterns of an extraction from the published collection, at least."""


class ExtractionOptions(Options):
    """How patterns are extracted."""

    method: Method = "rules"
    """By the word at a phrase's end, or by what a language model expects after it."""
    sample: PositiveInt = 2000
    """Phrases that a language model reads at most; a larger collection is sampled."""
    margin: float = Field(default=2.0, ge=0)
    """How much likelier the best slot must be than the second, as a difference of log-likelihoods."""
    seed: int = Field(default=0, ge=0)
    """Of the sample."""


class _Kept(Options):
    """An extraction as it is kept."""

    patterns: tuple[FormPattern, ...]


def extract(
    prompts: Sequence[str], source: str, options: ExtractionOptions, filters: PhraseFilter, model: LanguageModel | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> list[FormPattern]:  # fmt: skip
    """Return the patterns in prompts: of each prompt what its parts say of form, without subject matter, names and praise.

    Parameters
    ----------
    prompts : sequence of str
        Whole prompts, or single phrases.
    source : str
        What the patterns are said to come from.
    options : ExtractionOptions
    filters : PhraseFilter
        Which phrases may speak of form.
    model : LanguageModel or None
        Needed for ``llm``.
    tell : callable
        Told how far it is.
    """
    parts = {prompt: [part for part in phrases_of(prompt) if filters.passes(part)] for prompt in prompts}
    phrases = sorted({part for said in parts.values() for part in said})
    slots: dict[str, SlotName | None]
    if options.method == "rules":
        slots = {phrase: slot_of(phrase) for phrase in phrases}
    elif model is None:
        raise ValueError("method: llm needs a language model")
    else:
        if len(phrases) > options.sample:
            chosen = numpy_generator(options.seed, "phrases of form").choice(len(phrases), options.sample, replace=False)
            phrases = [phrases[at] for at in sorted(chosen.tolist())]
        found, margins = read_slots(model, phrases, lambda done: tell(f"{done:,} of {len(phrases):,} phrases read"))
        slots = {
            phrase: slot for phrase, slot, margin in zip(phrases, found, margins.tolist(), strict=True) if margin >= options.margin
        }
    made = []
    for said in parts.values():
        own: dict[SlotName, list[str]] = defaultdict(list)
        for part in said:
            if (slot := slots.get(part)) is not None:
                own[slot].append(part)
        if own:
            made.append(form_pattern({slot: " and ".join(texts[:2]) for slot, texts in own.items()}, source, options.method))
    return distinct(made)


def kept_extraction(
    prompts: Sequence[str], source: str, options: ExtractionOptions, filters: PhraseFilter, model: Callable[[], LanguageModel],
    named: str = "", tell: Callable[[str], None] = lambda line: None,
) -> tuple[FormPattern, ...]:  # fmt: skip
    """Return an extraction from the cache, made the first time; the parameters are those of `extract`.

    Parameters
    ----------
    model : callable
        Loads the language model, if it is needed.
    named : str
        Name of that model.
    """
    path = extraction_file(prompts, source, options, named)
    again = "delete it, and the same command makes it again"
    with locked(path):
        if not path.is_file():
            own = model() if options.method == "llm" else None
            patterns = extract(prompts, source, options, filters, own, tell)
            if not patterns:
                raise DataError(f"{source} holds no phrase that speaks of form; write prompts with medium, light or palette")
            write_json(path, {"patterns": [pattern.model_dump(mode="json") for pattern in patterns]})
    return read_as(_Kept, path, again).patterns


def extraction_file(prompts: Sequence[str], source: str, options: ExtractionOptions, named: str) -> Path:
    """Return where an extraction is kept, by everything that it depends on."""
    text = hashlib.sha256("\n".join(prompts).encode()).hexdigest()
    words = {name: sorted(found) for name, found in slot_words().items()}
    facts = {"version": VERSION, "text": text, "source": source, "words": words, **options.model_dump(mode="json")}
    facts |= {"model": named, "shots": SHOTS} if options.method == "llm" else {}
    return cache_folder() / "imagery" / f"forms-{options.method}-{json_digest(facts)[:12]}.json"
