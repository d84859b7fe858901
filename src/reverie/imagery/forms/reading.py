"""Extraction of form by a language model: which word it expects after a phrase of a prompt, few-shot, against no phrase at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.records import SlotName
from reverie.imagery.roles import LanguageModel

LABELS: dict[SlotName | None, str] = {
    "medium": " technique", "light": " light", "palette": " colors", "composition": " composition", "viewpoint": " angle",
    "texture": " texture", "mood": " mood", "movement": " style", None: " thing",
}  # fmt: skip
"""Words that stand for the slots, one token each where the tokenizer allows; None for what is shown rather than how."""
_EXAMPLES: dict[SlotName | None, tuple[str, ...]] = {
    "light": ("soft morning light", "warm sunset glow", "dramatic lighting", "glowing haze"),
    None: ("an old fisherman", "flying dragons", "laughing children", "secret power", "brick houses", "running fast"),
    "medium": ("pencil drawing", "oil on canvas", "watercolor painting", "digital illustration"),
    "palette": ("muted earthy colors", "deep blue tones", "vivid rainbow colors", "monochrome"),
    "viewpoint": ("seen from above", "close up shot", "wide angle view", "seen from a distance"),
    "movement": ("romanticism", "cubism", "art nouveau", "abstract expressionism"),
    "composition": ("off center with empty space", "strong diagonals", "symmetrical balance", "golden ratio"),
    "mood": ("gloomy and quiet", "joyful feeling", "melancholic", "eerie atmosphere"),
    "texture": ("rough brush strokes", "fine grain", "bold outlines", "smooth gradient"),
}
_TURNS = [(said[turn], slot) for turn in range(6) for slot, said in _EXAMPLES.items() if turn < len(said)]
SHOTS = "What phrases of a picture's description tell of.\n" + "".join(f"{said}:{LABELS[slot]}\n" for said, slot in _TURNS)
EMPTY = ("something", "this", "a word", "n/a")
"""Phrases that tell of nothing; what is expected after them is subtracted."""
PIECE = 500
"""Phrases that are read between two reports of progress."""


def read_slots(
    model: LanguageModel, phrases: Sequence[str], tell: Callable[[int], None] = lambda done: None
) -> tuple[list[SlotName | None], NDArray[np.float64]]:
    """Return the slot of each phrase, and how much likelier it is than the second.

    Parameters
    ----------
    model : LanguageModel
    phrases : sequence of str
    tell : callable
        Told how many are read.

    Returns
    -------
    tuple of list of str or None, and array
        None for subject matter; differences of log-likelihoods [N].
    """
    slots, labels = list(LABELS), list(LABELS.values())
    usual = _scores(model, EMPTY, labels).mean(0)
    found: list[SlotName | None] = []
    margins: list[float] = []
    for at in range(0, len(phrases), PIECE):
        scores = _scores(model, phrases[at : at + PIECE], labels) - usual
        best = np.sort(scores, axis=1)
        margins += (best[:, -1] - best[:, -2]).tolist()
        found += [slots[int(place)] for place in scores.argmax(1)]
        tell(len(found))
    return found, np.array(margins)


def _scores(model: LanguageModel, phrases: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    """Return log-likelihoods of all labels after each phrase → [N, L]."""
    contexts = [f"{SHOTS}{phrase}:" for phrase in phrases for _ in labels]
    return model.log_likelihoods(contexts, list(labels) * len(phrases)).reshape(len(phrases), len(labels))
