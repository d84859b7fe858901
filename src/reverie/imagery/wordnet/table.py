"""WordNet as a table in the cache: read once, which takes nltk a minute, then queried."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from reverie.errors import DataError
from reverie.files import atomic_path, cache_folder, locked, sha256
from reverie.imagery.wordnet.files import DIGESTS, complete_copy, wordnet_folder
from reverie.imagery.wordnet.rows import LinkRow, SenseRow, WordRow
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


def wordnet_table(chosen: str | os.PathLike[str] | None = None) -> Path:
    """Return the table of WordNet's files, of a folder or as `wordnet_folder` finds them, making it the first time."""
    pinned = kept_table(DIGESTS.values())
    if not chosen and not os.environ.get("REVERIE_WORDNET") and pinned.is_file():
        return pinned
    folder = wordnet_folder(chosen)
    final = kept_table(sha256(folder / name) for name in DIGESTS)
    if not final.is_file():
        with locked(final):
            if not final.is_file():
                _make(folder, final)
    return final


def kept_table(digests: Iterable[str]) -> Path:
    """Return the place of a table by the digests of the files that it is made of."""
    return cache_folder() / "lexicons" / f"{hashlib.sha256(''.join(digests).encode()).hexdigest()[:16]}-v{VERSION}.sqlite"


def _make(folder: Path, final: Path) -> None:
    from reverie.imagery.wordnet.reading import read_wordnet

    print("preparing WordNet, once; this takes up to a minute", file=sys.stderr, flush=True)
    with temporary_folder() as scratch:
        complete_copy(folder, scratch)
        try:
            read = read_wordnet(scratch)
        except (ValueError, LookupError, AttributeError, AssertionError) as error:
            raise DataError(f"{folder} does not hold WordNet 3.0 as it should be ({error}); name another folder") from error
    with atomic_path(final) as temporary:
        fill_table(temporary, *read)


def fill_table(
    path: Path,
    senses: Sequence[SenseRow],
    links: Iterable[LinkRow],
    words: Iterable[WordRow],
    irregular: Iterable[tuple[str, str, str]],
    attested: Iterable[str],
) -> None:
    """Write the table of what was read.

    Parameters
    ----------
    path : Path
    senses, links, words : sequence of SenseRow, LinkRow, WordRow
    irregular : sequence of (str, str, str)
        Form, part of speech and what it is a form of.
    attested : sequence of str
        Nouns that occur in WordNet's corpus of texts.
    """
    links = sorted(set(links))
    below: dict[str, list[str]] = {}
    for link in links:
        if link.relation in ("kind", "instance"):
            below.setdefault(link.target, []).append(link.source)
    depth, physical, abstract = (_depths(root, below) for root in ("entity.n.01", PHYSICAL, ABSTRACT))
    instances = {link.source for link in links if link.relation == "instance"}
    things = [row for row in senses if row.id in physical and row.id not in instances]
    glosses = ((row.id, row.gloss, json.loads(row.examples), json.loads(row.lemmas)) for row in things)
    with closing(sqlite3.connect(os.fspath(path))) as table:
        table.executescript(_SCHEMA)
        table.executemany(
            "INSERT INTO senses VALUES (?,?,?,?,?,?,?,?,?,?)",
            [(*row, depth.get(row.id, 0), row.id in physical, row.id in abstract, row.id in instances) for row in senses],
        )
        table.executemany("INSERT INTO links VALUES (?,?,?,?,?)", links)
        table.executemany("INSERT INTO words VALUES (?,?,?,?)", words)
        table.executemany("INSERT INTO irregular VALUES (?,?,?)", sorted(set(irregular)))
        table.executemany("INSERT INTO attested VALUES (?)", [(word,) for word in attested])
        table.executemany("INSERT INTO terms VALUES (?,?,?,?)", term_rows(glosses))
        table.executescript(_INDICES)
        table.commit()


def _depths(root: str, below: dict[str, list[str]]) -> dict[str, int]:
    """Return how many steps below a sense each sense lies; `below` has what lies one step below each."""
    depth, queue = {root: 0}, deque([root])
    while queue:
        at = queue.popleft()
        for one in below.get(at, ()):
            if one not in depth:
                depth[one] = depth[at] + 1
                queue.append(one)
    return depth
