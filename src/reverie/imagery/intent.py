"""Intent: which sense of a word is meant; by WordNet's order, by words in common with a sentence, or by a language model."""

from __future__ import annotations

from typing import Literal

import numpy as np

from reverie.errors import ConfigError, short
from reverie.imagery.lexicon import Lexicon, normal
from reverie.imagery.records import Intent, Sense
from reverie.imagery.roles import LanguageModel
from reverie.imagery.safety import refuse_unsafe
from reverie.imagery.wordnet.terms import words_of
from reverie.seeds import numpy_generator

By = Literal["order", "overlap", "likelihood", "random"]


def choose_intent(
    lexicon: Lexicon,
    concept: str,
    sentence: str | None = None,
    language_model: LanguageModel | None = None,
    by: By | None = None,
    seed: int = 0,
) -> Intent:
    """Return the sense of a concept that is meant, and the others behind it.

    Parameters
    ----------
    lexicon : Lexicon
    concept : str
        A noun.
    sentence : str, optional
        Where the word stands.
    language_model : LanguageModel, optional
        Read where the choice is by likelihood.
    by : {"order", "overlap", "likelihood", "random"}, optional
        ``order``: abstract senses first, then as WordNet has them, the most frequent first. ``overlap``: by the words that the
        sentence has in common with the gloss, the examples and the nearest senses (the simplified Lesk algorithm [1]_, with words
        weighed by how few of the senses have them), ties by order. ``likelihood``: by the log-likelihood of the sentence as
        an example behind the words and the gloss of each sense. ``random``: a control. Where nothing is chosen: ``likelihood`` with
        a sentence and a model, ``overlap`` with a sentence, else ``order``.
    seed : int
        Of the random choice.

    Raises
    ------
    ConfigError
        If WordNet has no such noun, the word is unsafe, or the choice needs what is not given.

    References
    ----------
    .. [1] Kilgarriff, Rosenzweig: English SENSEVAL: report and results, LREC 2000.
    """
    sentence = " ".join(sentence.split()) if sentence else None
    refuse_unsafe(concept)
    if sentence:
        refuse_unsafe(sentence)
    senses = lexicon.senses(concept)
    by = by or ("order" if sentence is None else "overlap" if language_model is None else "likelihood")
    if by in ("overlap", "likelihood") and sentence is None:
        raise ConfigError(f"the sense of '{short(concept, 60)}' cannot be chosen by {by} without a sentence; give one")
    if by == "random":
        scores = numpy_generator(seed, "random sense", normal(concept)).random(len(senses))
    elif by == "overlap":
        scores = _overlaps(lexicon, concept, senses, sentence or "")
    elif by == "likelihood":
        if language_model is None:
            raise ConfigError("senses are ranked by likelihood with a language model; give one, or choose them by overlap")
        scores = _likelihoods(language_model, concept, senses, sentence or "")
    else:
        scores = np.zeros(len(senses))
    abstract = np.array([lexicon.is_abstract(one.id) for one in senses])
    first = np.zeros(len(senses)) if by == "random" else -abstract.astype(float)
    best = sorted(range(len(senses)), key=lambda i: (first[i], i) if by == "order" else (-scores[i], first[i], i))
    ranked = [senses[i].model_copy(update={"score": float(scores[i])}) for i in best]
    return Intent(concept=normal(concept), sense=ranked[0], alternatives=tuple(ranked[1:]), by=by, sentence=sentence)


def _overlaps(lexicon: Lexicon, concept: str, senses: list[Sense], sentence: str) -> np.ndarray:
    """Return the weight of the words that each sense has in common with the sentence → [S]."""
    own = lexicon.derived_forms(concept)
    context = {word for word in words_of(sentence) if word not in own}
    signatures = [set(words_of(" ".join([one.gloss, *one.examples, *one.lemmas, *_near(lexicon, one.id)]))) for one in senses]
    weight = {word: np.log1p(len(senses)) - np.log(sum(word in one for one in signatures) or 1) for word in context}
    return np.array([sum(weight[word] for word in sorted(context & one)) for one in signatures])


def _near(lexicon: Lexicon, sense: str) -> list[str]:
    """Return the words and glosses of what a sense is a kind of, and of its kinds."""
    around = [lexicon.sense(one.sense) for one in lexicon.related(sense, ("kind", "-kind", "similar", "attribute"))[:40]]
    return [part for one in around for part in (one.gloss, *one.lemmas)]


def _likelihoods(model: LanguageModel, concept: str, senses: list[Sense], sentence: str) -> np.ndarray:
    """Return how likely the sentence is as an example of each sense, natural logarithm → [S]."""
    entries = [f"{concept} ({', '.join(one.lemmas)}): {one.gloss}\nExample:" for one in senses]
    return np.asarray(model.log_likelihoods(entries, [f" {sentence}"] * len(senses)))
