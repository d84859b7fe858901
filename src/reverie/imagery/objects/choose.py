"""The choice of objects for an intent."""

from __future__ import annotations

import re

from reverie.errors import ConfigError
from reverie.imagery.icons import IconSet
from reverie.imagery.lexicon import Lexicon, normal
from reverie.imagery.norms import Norms, load_norms
from reverie.imagery.objects.candidate import LEAST_CONCRETE, Candidate, Pool
from reverie.imagery.objects.proposals import offer_proposals
from reverie.imagery.objects.query import general_terms, weighted_terms
from reverie.imagery.objects.rank import FEW, READ_BY_MODEL, likelihood_scores, norm_scores, pick_apart, strong_enough
from reverie.imagery.objects.sources import offer_cooccurrences, offer_gloss, offer_relations, offer_symbols
from reverie.imagery.records import DepictedObject, Intent, ObjectSet
from reverie.imagery.roles import LanguageModel
from reverie.imagery.safety import refuse_unsafe, unsafe_words

MOST = 8


def choose_objects(
    lexicon: Lexicon,
    icons: IconSet,
    intent: Intent,
    n: int = 4,
    language_model: LanguageModel | None = None,
    seed: int = 0,
    *,
    drawable_only: bool = False,
    least: float = LEAST_CONCRETE,
    norms: Norms | None = None,
    without: tuple[str, ...] = (),
) -> ObjectSet:
    """Return things to be shown for a concept, the main one first.

    Parameters
    ----------
    lexicon : Lexicon
    icons : IconSet
        As `link_icons` returns it.
    intent : Intent
    n : int
        At most so many, 1 to 8.
    language_model : LanguageModel, optional
        Proposes things, and ranks the best candidates by likelihood; without one they are ranked by sources and norms.
    seed : int
        Of what the model draws.
    drawable_only : bool
        Whether every object must have an icon.
    least : float
        Concreteness below which a thing is too abstract, from 1 to 5.
    norms : Norms, optional
        Those of `load_norms`.
    without : tuple of str
        Phrases that must not be chosen again, e.g. those that were read over-literally.

    Raises
    ------
    ConfigError
        If nothing physical is found.
    """
    if not 1 <= n <= MOST:
        raise ConfigError(f"a picture shows 1 to {MOST} objects, not {n}; choose another number of objects")
    own = lexicon.derived_forms(intent.concept)
    pool = Pool(lexicon, norms or load_norms(), icons, own, least)
    terms = weighted_terms(lexicon, intent, own)
    offer_symbols(pool, terms)
    offer_gloss(pool, intent)
    offer_relations(pool, intent)
    offer_cooccurrences(pool, intent, terms)
    way_up = [intent.sense.id, *lexicon.way_up(intent.sense.id)[:2]]
    while len(pool) < FEW and way_up:
        offer_symbols(pool, general_terms(lexicon, way_up.pop(0)))
    if language_model is not None:
        offer_proposals(pool, intent, language_model, seed)
    left_out = {normal(phrase) for phrase in without}
    candidates = [
        one
        for one in pool.all()
        if not (drawable_only and one.icon is None) and one.phrase not in left_out and not unsafe_words(one.phrase)
    ]
    if not candidates:
        raise ConfigError(
            f"nothing physical is found for '{intent.concept}' ({intent.sense.id}); choose another sense, or name objects"
        )
    scores = norm_scores(pool, candidates)
    best = strong_enough(scores)[:READ_BY_MODEL]
    best += [i for i, one in enumerate(candidates) if "proposal" in one.found and i not in best]
    candidates, scores = [candidates[i] for i in best], scores[best]
    if language_model is not None:
        scores = likelihood_scores(language_model, intent, candidates, scores)
    kept = pick_apart(lexicon, candidates, scores, n)
    chosen = tuple(_object(candidates[i], float(scores[i])) for i in kept)
    return ObjectSet(objects=chosen, ranked_by="norms" if language_model is None else "likelihood")


def _object(one: Candidate, score: float) -> DepictedObject:
    main = max(one.found, key=lambda name: one.found[name][0])
    return DepictedObject(
        phrase=one.phrase,
        sense=one.sense,
        source="symbol" if main == "tag" else main,
        relation="; ".join(way for _, way in sorted(one.found.values(), key=lambda found: -found[0])),
        concreteness=one.concreteness,
        score=round(score, 6),
        icon=one.icon.name if one.icon else None,
    )


def objects_of_words(lexicon: Lexicon, icons: IconSet, words: str, norms: Norms | None = None) -> ObjectSet:
    """Return the objects that a person named, ``"a broken chain, bird"``, with senses and icons as far as they are known.

    Raises
    ------
    ConfigError
        If there is none, there are more than 8, or one is unsafe.
    """
    phrases = [re.sub(r"^(a|an|the) ", "", normal(part)) for part in words.split(",")]
    phrases = [phrase for phrase in dict.fromkeys(phrases) if phrase]
    if not 1 <= len(phrases) <= MOST:
        raise ConfigError(f"{len(phrases)} objects are named; name 1 to {MOST}, with commas between them")
    refuse_unsafe(", ".join(phrases))
    rated = norms or load_norms()
    return ObjectSet(objects=tuple(_named(lexicon, icons, rated, phrase) for phrase in phrases), ranked_by="user")


def _named(lexicon: Lexicon, icons: IconSet, norms: Norms, phrase: str) -> DepictedObject:
    labelled = {icon.thing or icon.label: icon for icon in reversed(icons.drawable)}
    icon = labelled.get(phrase)
    head = phrase.split()[-1]
    senses = [sense for word in (phrase, head) for sense in lexicon.lookup(word)[:3] if lexicon.is_physical(sense)]
    sense = (icon.sense if icon else None) or next(iter(senses), None)
    if icon is None:
        own = [sense for sense in lexicon.lookup(phrase)[:3] if lexicon.is_physical(sense)]
        shown = [one for known in own[:1] for one in icons.of_sense(known)]
        icon = labelled.get(head) or next(iter(shown), None)
    rating = norms.concreteness(phrase) or norms.concreteness(head)
    return DepictedObject(
        phrase=phrase,
        sense=sense,
        source="user",
        relation="named by a person",
        concreteness=rating,
        icon=icon.name if icon else None,
    )
