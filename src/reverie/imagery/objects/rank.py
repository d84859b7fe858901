"""Which candidates come first, and which say the same as one before them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.lexicon import Lexicon
from reverie.imagery.objects.candidate import Candidate, Found, Pool
from reverie.imagery.objects.proposals import association
from reverie.imagery.records import Intent
from reverie.imagery.roles import LanguageModel

WEIGHTS: dict[Found, float] = {"symbol": 1.0, "tag": 0.5, "gloss": 0.6, "proposal": 0.35, "cooccurrence": 0.5, "relation": 0.45}
"""What a source counts, set by hand while looking at concepts of the dev part; several sources of one thing add up."""
WITH_ICON, PERSON = 1.3, 0.6
"""Factors of things that an icon shows, and of people, who stand for what they do rather than for an idea."""
PRIOR = 2.0
"""Weight of the logarithm of a score by norms beside a language model's association."""
READ_BY_MODEL = 40
"""Candidates that a language model reads, the best by norms."""
FAR_BELOW, FEW = 0.25, 2
"""Part of the best score below which a thing says too little, and how many are kept all the same."""
ALIKE = 0.82
"""Likeness in WordNet's tree from which two things say the same."""


def norm_scores(pool: Pool, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """Return scores by sources and norms alone → [N]: how often and how strongly named, how concrete, how visible."""
    scores = []
    for one in candidates:
        named = sum(WEIGHTS[source] * strength for source, (strength, _) in one.found.items())
        clear = 0.5 + 0.5 * (one.concreteness - pool.least) / (5.0 - pool.least + 1e-9)
        seen = pool.norms.visual(one.phrase.split()[-1])
        person = pool.lexicon.part_of_lexicon(one.sense) == "noun.person" and one.icon is None
        factor = (WITH_ICON if one.icon else 1.0) * (PERSON if person else 1.0) * (0.6 + 0.4 * (3.0 if seen is None else seen) / 5)
        scores.append(named * clear * factor)
    return np.array(scores)


def likelihood_scores(
    model: LanguageModel, intent: Intent, candidates: Sequence[Candidate], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return scores by a language model → [N]: its association of thing and concept, and the logarithm of the score by norms.

    The latter counts `PRIOR` times, as the logarithm of a prior beside that of a likelihood.
    """
    found = association(model, intent, [one.phrase for one in candidates])
    return np.asarray(found + PRIOR * np.log(np.maximum(prior, 1e-3)))


def strong_enough(scores: NDArray[np.float64]) -> list[int]:
    """Return the places of candidates that are not far below the best one by norms, the best first; at least two."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [i for place, i in enumerate(order) if place < FEW or scores[i] >= FAR_BELOW * scores[order[0]]]


def pick_apart(lexicon: Lexicon, candidates: Sequence[Candidate], scores: NDArray[np.float64], n: int) -> list[int]:
    """Return the places of up to n candidates, the best first, each unlike those before it."""
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], candidates[i].sense, candidates[i].phrase))
    above = {}
    kept: list[int] = []
    for i in order:
        if len(kept) == n:
            break
        one = candidates[i]
        above[i] = lexicon.ancestors(one.sense)
        if all(not _alike(lexicon, one, candidates[j], above[i], above[j]) for j in kept):
            kept.append(i)
    return kept


def _alike(lexicon: Lexicon, one: Candidate, other: Candidate, above: frozenset[str], above_other: frozenset[str]) -> bool:
    """Whether two things are one kind, share a word, or lie near to each other in WordNet's tree (Wu and Palmer's measure)."""
    if set(one.phrase.split()) & set(other.phrase.split()) or one.sense in above_other or other.sense in above:
        return True
    deepest = max(lexicon.depth(sense) for sense in above & above_other) if above & above_other else 0
    return 2 * deepest / max(lexicon.depth(one.sense) + lexicon.depth(other.sense), 1) >= ALIKE
