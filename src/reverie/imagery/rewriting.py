"""Rewriting of prompts by a language model, accepted only where every object survives."""

from __future__ import annotations

import re

from reverie.imagery.bm25 import tokens
from reverie.imagery.records import ObjectSet, Prompt
from reverie.imagery.roles import LanguageModel

SHOTS = """Notes are turned into one sentence that describes a picture.

Notes: a pencil sketch of a lantern with a boat, meaning trust in what is not seen, dim moonlight, cold greys
Picture: A pencil sketch in cold greys, where a lantern hangs over a boat in dim moonlight, trusting in what is not seen.

Notes: a gouache painting of a crown with a mirror and an apple, meaning too much pride, warm candlelight, deep reds
Picture: A gouache painting of a crown before a mirror beside an apple, glowing deep red in warm candlelight, full of pride.

"""
N_TOKENS, WARMTH = 90, (0.0, 0.5, 0.8)
"""Tokens of a rewriting, and the temperatures of the attempts."""


def rewrite_prompt(prompt: Prompt, objects: ObjectSet, model: LanguageModel, seed: int) -> Prompt:
    """Return a prompt in one sentence of a language model, or the template's where each attempt loses an object.

    Parameters
    ----------
    prompt : Prompt
        As the template made it.
    objects : ObjectSet
        What must survive.
    model : LanguageModel
    seed : int

    Returns
    -------
    Prompt
        With `rewritten_by`, or with what the attempt that lost least has lost.
    """
    asked = f"{SHOTS}Notes: {prompt.text}\nPicture:"
    least: tuple[str, ...] | None = None
    for temperature in WARMTH:
        text = first_sentence(model.complete([asked], N_TOKENS, seed, temperature)[0])
        lost = lost_objects(text, objects)
        if text and not lost:
            return prompt.model_copy(update={"text": text, "rewritten_by": model.name, "lost": ()})
        if least is None or len(lost) < len(least):
            least = lost
    return prompt.model_copy(update={"rewritten_by": None, "lost": least or ()})


def first_sentence(text: str) -> str:
    """Return a completion up to its first full stop; nothing for one that was cut before."""
    line = " ".join(text.strip().partition("\n")[0].split())
    found = re.match(r"(.{10,}?)[.!](?:\s|$)", line)
    return f"{found[1]}." if found else ""


def lost_objects(text: str, objects: ObjectSet) -> tuple[str, ...]:
    """Return the phrases of objects of which a text lacks a word, whatever its number."""
    said = set(tokens(text))
    return tuple(one.phrase for one in objects.objects if not set(tokens(one.phrase)) <= said)
