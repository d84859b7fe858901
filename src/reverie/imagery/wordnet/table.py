"""WordNet as a table in the cache: read once with nltk's reader, which takes seconds to import and to read, then queried."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from reverie.errors import ConfigError, DataError
from reverie.files import atomic_path, cache_folder, locked, sha256
from reverie.imagery.wordnet.files import DIGESTS, complete_copy, wordnet_folder
from reverie.imagery.wordnet.terms import term_rows
from reverie.scratch import temporary_folder

VERSION = 3
"""Of the table's columns; a table of another version is made anew."""
PHYSICAL, ABSTRACT = "physical_entity.n.01", "abstraction.n.06"
_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE senses(id TEXT PRIMARY KEY, pos TEXT, part TEXT, gloss TEXT, examples TEXT, lemmas TEXT,
                    depth INT, physical INT, abstract INT, instance INT) WITHOUT ROWID;
CREATE TABLE words(word TEXT, pos TEXT, place INT, id TEXT, PRIMARY KEY(word, pos, place)) WITHOUT ROWID;
CREATE TABLE links(source TEXT, relation TEXT, target TEXT, source_word TEXT, target_word TEXT);
CREATE TABLE irregular(form TEXT, pos TEXT, word TEXT);
CREATE TABLE terms(term TEXT, id TEXT, count INT, length INT);
CREATE TABLE attested(word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE glosses(n INT, mean_length REAL);
"""
_INDICES = """
CREATE INDEX by_source ON links(source, relation);
CREATE INDEX by_target ON links(target, relation);
CREATE INDEX by_sense ON words(id);
CREATE INDEX by_form ON irregular(form);
CREATE INDEX by_term ON terms(term);
INSERT INTO glosses SELECT count(*), avg(length) FROM (SELECT max(length) AS length FROM terms GROUP BY id);
"""
_BETWEEN_SENSES = {
    "kind": "hypernyms", "instance": "instance_hypernyms", "member": "member_holonyms", "substance": "substance_holonyms",
    "part": "part_holonyms", "attribute": "attributes", "also": "also_sees", "similar": "similar_tos", "topic": "topic_domains",
    "causes": "causes", "entails": "entailments",
}  # fmt: skip
_BETWEEN_WORDS = {"derived": "derivationally_related_forms", "opposite": "antonyms", "pertains": "pertainyms"}


def wordnet_table(chosen: str | os.PathLike[str] | None = None) -> Path:
    """Return the table of WordNet's files, of a folder or as `wordnet_folder` finds them, making it the first time."""
    pinned = _kept(DIGESTS.values())
    if not chosen and not os.environ.get("REVERIE_WORDNET") and pinned.is_file():
        return pinned
    folder = wordnet_folder(chosen)
    final = _kept(sha256(folder / name) for name in DIGESTS)
    if not final.is_file():
        with locked(final):
            if not final.is_file():
                _make(folder, final)
    return final


def _kept(digests: Iterable[str]) -> Path:
    """Return the place of a table by the digests of the files that it is made of."""
    return cache_folder() / "lexicons" / f"{hashlib.sha256(''.join(digests).encode()).hexdigest()[:16]}-v{VERSION}.sqlite"


def _make(folder: Path, final: Path) -> None:
    with temporary_folder() as scratch:
        complete_copy(folder, scratch)
        reader = _reader(scratch)
        with atomic_path(final) as temporary, closing(sqlite3.connect(os.fspath(temporary))) as table:
            table.executescript(_SCHEMA)
            try:
                _fill(table, reader)
                table.executemany("INSERT INTO attested VALUES (?)", _attested(scratch / "index.noun"))
            except (ValueError, LookupError, AttributeError, AssertionError) as error:
                raise DataError(f"{folder} does not hold WordNet 3.0 as it should be ({error}); fetch it again") from error
            table.executescript(_INDICES)
            table.commit()


def _reader(folder: Path) -> Any:
    """Return nltk's reader of the English WordNet alone."""
    try:
        from nltk.corpus.reader.wordnet import WordNetCorpusReader, WordNetError
    except ImportError:
        raise ConfigError("WordNet is read with nltk, which is not installed; pip install 'reverie[image]'") from None

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


def _fill(table: sqlite3.Connection, reader: Any) -> None:
    links: list[tuple[str, str, str, str, str]] = []
    rows = []
    for synset in [one for pos in "nvar" for one in reader.all_synsets(pos)]:  # all are read in order before any is looked up
        links.extend(_links(synset))
        words = [lemma.replace("_", " ") for lemma in synset.lemma_names()]
        about = (synset.definition(), json.dumps(synset.examples()), json.dumps(words))
        rows.append((synset.name(), synset.pos(), synset.lexname(), *about))
    above: dict[str, list[str]] = {}
    for source, relation, target, _, _ in links:
        if relation in ("kind", "instance"):
            above.setdefault(target, []).append(source)
    depth = _depths("entity.n.01", above)
    physical, abstract = set(_depths(PHYSICAL, above)), set(_depths(ABSTRACT, above))
    instances = {source for source, relation, *_ in links if relation == "instance"}
    table.executemany(
        "INSERT INTO senses VALUES (?,?,?,?,?,?,?,?,?,?)",
        [(*row, depth.get(row[0], 0), row[0] in physical, row[0] in abstract, row[0] in instances) for row in rows],
    )
    table.executemany("INSERT INTO links VALUES (?,?,?,?,?)", sorted(set(links)))
    table.executemany("INSERT INTO words VALUES (?,?,?,?)", _words(reader))
    irregular = {(form, pos, word) for pos, of in reader._exception_map.items() for form, words in of.items() for word in words}
    table.executemany("INSERT INTO irregular VALUES (?,?,?)", sorted(irregular))
    things = physical - instances
    glosses = ((row[0], row[3], json.loads(row[4]), json.loads(row[5])) for row in rows if row[0] in things)
    table.executemany("INSERT INTO terms VALUES (?,?,?,?)", term_rows(glosses))


def _links(synset: Any) -> Iterator[tuple[str, str, str, str, str]]:
    name = synset.name()
    for relation, method in _BETWEEN_SENSES.items():
        for other in getattr(synset, method)():
            yield name, relation, other.name(), "", ""
    for lemma in synset.lemmas():
        for relation, method in _BETWEEN_WORDS.items():
            for other in getattr(lemma, method)():
                yield name, relation, other.synset().name(), lemma.name().replace("_", " "), other.name().replace("_", " ")


def _words(reader: Any) -> Iterator[tuple[str, str, int, str]]:
    """Return each word's senses in WordNet's order, the most frequent first."""
    for word, by_part in reader._lemma_pos_offset_map.items():
        for pos, offsets in by_part.items():
            for place, offset in enumerate(offsets if pos != "s" else ()):
                yield word.replace("_", " "), pos, place, reader.synset_from_pos_and_offset(pos, offset).name()


def _attested(index: Path) -> Iterator[tuple[str]]:
    """Return nouns that occur in WordNet's corpus of texts, whose number of senses met there nltk does not keep."""
    for line in index.read_text(encoding="latin-1").splitlines():
        fields = line.split()
        if not line.startswith(" ") and int(fields[-int(fields[2]) - 1]):
            yield (fields[0].replace("_", " "),)


def _depths(root: str, above: dict[str, list[str]]) -> dict[str, int]:
    """Return how many steps below a sense each sense lies; `above` has what lies one step below a sense."""
    depth, queue = {root: 0}, deque([root])
    while queue:
        at = queue.popleft()
        for below in above.get(at, ()):
            if below not in depth:
                depth[below] = depth[at] + 1
                queue.append(below)
    return depth
