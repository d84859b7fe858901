"""WordNet's files read with nltk's reader, which takes seconds to import."""

from __future__ import annotations

import io
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reverie.data.sources.packages import require_package
from reverie.errors import DataError
from reverie.imagery.wordnet.rows import LinkRow, SenseRow, WordRow

_BETWEEN_SENSES = {
    "kind": "hypernyms", "instance": "instance_hypernyms", "member": "member_holonyms", "substance": "substance_holonyms",
    "part": "part_holonyms", "attribute": "attributes", "also": "also_sees", "similar": "similar_tos", "topic": "topic_domains",
    "causes": "causes", "entails": "entailments",
}  # fmt: skip
_BETWEEN_WORDS = {"derived": "derivationally_related_forms", "opposite": "antonyms", "pertains": "pertainyms"}


Read = tuple[list[SenseRow], list[LinkRow], list[WordRow], list[tuple[str, str, str]], list[str]]


def read_wordnet(folder: Path) -> Read:
    """Return senses, links, words, irregular forms and attested nouns of a complete folder, as `fill_table` takes them."""
    reader = _reader(folder)
    synsets = [one for pos in "nvar" for one in reader.all_synsets(pos)]  # all are read in order before any is looked up
    senses = [
        SenseRow(
            one.name(),
            one.pos(),
            one.lexname(),
            one.definition(),
            json.dumps(one.examples()),
            json.dumps([lemma.replace("_", " ") for lemma in one.lemma_names()]),
        )
        for one in synsets
    ]
    links = [link for one in synsets for link in _links(one)]
    irregular = [(form, pos, word) for pos, of in reader._exception_map.items() for form, words in of.items() for word in words]
    return senses, links, list(_words(reader)), irregular, list(_attested(folder / "index.noun"))


def _reader(folder: Path) -> Any:
    """Return nltk's reader of the English WordNet alone."""
    require_package("nltk", "reading WordNet")
    from nltk.corpus.reader.wordnet import WordNetCorpusReader, WordNetError

    class Reader(WordNetCorpusReader):  # type: ignore[misc]  # nltk has no types
        def map_wn(self, version: str = "wordnet") -> None:
            """Map nothing: this is the version that other wordnets refer to."""

        def open(self, file: str) -> io.StringIO:
            """Return a file in memory, where seeking costs nothing; in Latin-1 the places of letters are those of bytes."""
            return io.StringIO((folder / file).read_text(encoding="latin-1"))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that other languages are not here
        try:
            return Reader(os.fspath(folder), None)
        except (WordNetError, ValueError, LookupError, AssertionError) as error:
            raise DataError(f"WordNet cannot be read ({error}); fetch it again, or name another folder") from error


def _links(synset: Any) -> Iterator[LinkRow]:
    name = synset.name()
    for relation, method in _BETWEEN_SENSES.items():
        for other in getattr(synset, method)():
            yield LinkRow(name, relation, other.name(), "", "")
    for lemma in synset.lemmas():
        for relation, method in _BETWEEN_WORDS.items():
            for other in getattr(lemma, method)():
                words = (lemma.name().replace("_", " "), other.name().replace("_", " "))
                yield LinkRow(name, relation, other.synset().name(), *words)


def _words(reader: Any) -> Iterator[WordRow]:
    """Return each word's senses in WordNet's order, the most frequent first."""
    for word, by_part in reader._lemma_pos_offset_map.items():
        for pos, offsets in by_part.items():
            for place, offset in enumerate(offsets if pos != "s" else ()):
                yield WordRow(word.replace("_", " "), pos, place, reader.synset_from_pos_and_offset(pos, offset).name())


def _attested(index: Path) -> Iterator[str]:
    """Return nouns that occur in WordNet's corpus of texts, whose number of senses met there nltk does not keep."""
    for line in index.read_text(encoding="latin-1").splitlines():
        fields = line.split()
        if not line.startswith(" ") and int(fields[-int(fields[2]) - 1]):
            yield fields[0].replace("_", " ")
