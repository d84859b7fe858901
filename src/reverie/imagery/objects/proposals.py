"""A language model's part: things that it proposes, and how much likelier a thing is after a concept than without it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.objects.candidate import Pool
from reverie.imagery.records import Intent
from reverie.imagery.roles import LanguageModel

SHOTS = (
    ("love", "a strong positive emotion of regard and affection", ("red heart", "rose", "ring", "swan")),
    ("luck", "an unknown and unpredictable phenomenon that leads to a favorable outcome", ("clover", "horseshoe", "dice", "coin")),
    ("peril", "a source of danger", ("shark", "bomb", "cliff", "snake")),
    ("wealth", "the state of being rich and affluent", ("crown", "gold bar", "treasure chest", "diamond")),
)
"""Concepts that show what is asked for; concept lists leave them out."""
_HEAD = "Physical things in a picture that stands for an idea.\n\n"
_BEFORE = "".join(f"Idea: {concept} ({gloss})\nThings: {', '.join(things)}\n\n" for concept, gloss, things in SHOTS)
_NEUTRAL = "Physical things in a picture.\n\n" + "".join(f"Things: {', '.join(things)}\n\n" for _, _, things in SHOTS)
N_TOKENS = 24


def offer_proposals(pool: Pool, intent: Intent, model: LanguageModel, seed: int) -> None:
    """Offer what a language model proposes: greedily, and by a draw."""
    prompt = f"{_HEAD}{_BEFORE}{_question(intent)}"
    answers = [model.complete([prompt], N_TOKENS, seed)[0]]
    answers += model.complete([prompt], N_TOKENS, seed, temperature=0.8)
    for place, answer in enumerate(answers):
        for word in re.split(r"[,;\n.]", answer):
            phrase = re.sub(r"^(a|an|the)\s+", "", " ".join(re.findall("[a-z]+", word.lower())))
            if phrase:
                way = f"{model.name} proposes {phrase} for {intent.concept}"
                pool.offer_word(phrase, "proposal", 1.0 if place == 0 else 0.7, way)


def association(model: LanguageModel, intent: Intent, phrases: Sequence[str]) -> NDArray[np.float64]:
    """Return how much likelier each phrase is after the concept, with its gloss, than without a concept → [N].

    ``log P(phrase | examples, concept and gloss) - log P(phrase | examples)``, natural logarithm.
    """
    continuations = [f" {phrase}," for phrase in phrases]
    asked, neutral = f"{_HEAD}{_BEFORE}{_question(intent)}", f"{_NEUTRAL}Things:"
    there = model.log_likelihoods([asked] * len(continuations), continuations)
    without = model.log_likelihoods([neutral] * len(continuations), continuations)
    return np.asarray(there - without)


def _question(intent: Intent) -> str:
    return f"Idea: {intent.concept} ({intent.sense.gloss})\nThings:"
