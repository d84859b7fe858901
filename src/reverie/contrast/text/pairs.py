"""Pairs of sentences with people's judgements (STS-B, SICK, yearly STS tasks, synthetic), and unlabelled sentences."""

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reverie.data.sources.fetch import find_file
from reverie.errors import DataError
from reverie.packed import unpacked
from reverie.seeds import numpy_generator

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Pairs:
    """Pairs of sentences, and how alike people found them; scores [P]."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.first) == len(self.second) == len(self.scores):
            lengths = f"{len(self.first)}, {len(self.second)} and {len(self.scores)}"
            raise ValueError(f"first, second and scores must have one length, got {lengths}")


@dataclass(frozen=True)
class TextData:
    """What is learned from, what settings are chosen by, and what is tested."""

    sentences: tuple[str, ...]
    valid: Pairs
    tests: Mapping[str, Pairs]
    removed: int

    def sha256(self) -> str:
        """Return the hash of all sentences and scores, as 64 hexadecimal digits."""
        digest = hashlib.sha256(json.dumps(self.sentences).encode())
        for name, pairs in {"valid": self.valid, **self.tests}.items():
            digest.update(json.dumps([name, pairs.first, pairs.second, pairs.scores.tolist()]).encode())
        return digest.hexdigest()


def words(sentence: str) -> list[str]:
    """Return the words of a sentence: runs of letters, digits and underscores, in lower case."""
    return _WORD.findall(sentence.lower())


def unlabelled(train: Iterable[Pairs], evaluated: Iterable[Pairs]) -> tuple[tuple[str, ...], int]:
    """Return the distinct sentences of training pairs that are in no evaluated pair; sentences of equal words are equal."""
    distinct: dict[tuple[str, ...], str] = {}
    for sentence in _sentences(train):
        distinct.setdefault(tuple(words(sentence)), sentence)
    distinct.pop((), None)
    forbidden = {tuple(words(sentence)) for sentence in _sentences(evaluated)}
    kept = tuple(sentence for key, sentence in distinct.items() if key not in forbidden)
    return kept, len(distinct) - len(kept)


def _sentences(parts: Iterable[Pairs]) -> Iterable[str]:
    for pairs in parts:
        for two in zip(pairs.first, pairs.second, strict=True):
            yield from two


YEARS = (2013, 2014, 2015, 2016)
"""Years of SemEval whose tests are measured. 2012 is left out, as a part of it (MSRvid) is no longer given away."""


def read_sts(folder: str | None) -> TextData:
    """Read the files of sentence similarity.

    Unlabelled sentences are those of the training parts of STS-B and SICK; STS-B was chosen from the pairs of the yearly tasks, so
    that most of its sentences are tested somewhere and fall away. Of a year all pairs are ranked together, as SimCSE does
    (arXiv 2104.08821, appendix B); pairs without a score are skipped.
    """
    root = folder or os.environ.get("REVERIE_DATA")
    if not root:
        raise DataError(
            "sentences are looked for below REVERIE_DATA, which is not set; set it, or option 'folder', to a folder that holds "
            "sts-b, sick and sts12-16"
        )
    train, valid, test = (_comma(_found(Path(root), f"sts-b/stsb-en-{part}.csv")) for part in ("train", "dev", "test"))
    sick_train, sick_test = (_sick(_found(Path(root), f"sick/SICK_{part}.txt")) for part in ("train", "test_annotated"))
    tests = {"sts_b": test, "sick_r": sick_test} | {f"sts{year % 100}": _year(Path(root), year) for year in YEARS}
    sentences, removed = unlabelled([train, sick_train], [valid, *tests.values()])
    return TextData(sentences, valid, tests, removed)


def _found(root: Path, name: str) -> Path:
    try:
        return find_file(root, name)
    except DataError as error:
        raise DataError(f"{error}, or set REVERIE_DATA, or option 'folder', to a folder that holds it") from error


def _comma(path: Path) -> Pairs:
    """Read first sentence, second, score; fields in double quotes may hold commas."""
    return _pairs(path, _rows(path, 3, delimiter=",", quoting=csv.QUOTE_MINIMAL))


def _sick(path: Path) -> Pairs:
    """Read a header, then lines of a number, first sentence, second, relatedness and entailment between tabs."""
    rows = _rows(path, 5, delimiter="\t", quoting=csv.QUOTE_NONE)
    return _pairs(path, (row[1:4] for row in rows[1:]))


def _year(root: Path, year: int) -> Pairs:
    """Read all tests of a year: lines of score, first sentence, second between tabs, the score perhaps empty."""
    folder = root / "sts12-16" / str(year)
    paths = {path.name.removesuffix(".xz"): path for path in sorted(folder.glob("*.test.tsv*"))}
    if not paths:
        raise DataError(f"{folder} has no *.test.tsv; set REVERIE_DATA, or option 'folder', to a folder that holds sts12-16")
    parts = []
    for path in paths.values():
        rows = _rows(path, 3, delimiter="\t", quoting=csv.QUOTE_NONE)
        parts.append(_pairs(path, ((first, second, score) for score, first, second in rows if score.strip())))
    first = tuple(sentence for part in parts for sentence in part.first)
    second = tuple(sentence for part in parts for sentence in part.second)
    return Pairs(first, second, np.concatenate([part.scores for part in parts]))


def _rows(path: Path, width: int, *, delimiter: str, quoting: int) -> list[list[str]]:
    with unpacked(path) as plain, plain.open(encoding="utf-8", newline="") as handle:
        try:
            rows = list(csv.reader(handle, delimiter=delimiter, quoting=quoting, strict=True))  # type: ignore[arg-type] # int is meant
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path} cannot be read ({error}); fetch it again") from error
    short = next((number for number, row in enumerate(rows, 1) if len(row) != width), None)
    if short is not None or not rows:
        raise DataError(f"{path}, record {short or 1}, has not {width} fields; fetch it again")
    return rows


def _pairs(path: Path, rows: Iterable[Iterable[str]]) -> Pairs:
    first, second, scores = zip(*rows, strict=True) if (rows := list(rows)) else ((), (), ())
    try:
        values = np.array([float(score) for score in scores])
    except ValueError as error:
        raise DataError(f"{path} has a score that is no number ({error}); fetch it again") from error
    if not np.isfinite(values).all():
        raise DataError(f"{path} has a score that is no number; fetch it again")
    return Pairs(first, second, values)


TOPICS, WORDS, FILLERS = 8, 12, 6
_SYLLABLES = tuple(a + b for a in "bdgklmnprstv" for b in "aeiou")


def synthetic_data(n_train: int = 400, n_valid: int = 150, n_test: int = 300) -> TextData:
    """Draw sentences of three words on each of two topics among as many filler words, which mean nothing."""
    generator = numpy_generator(0, "synthetic sentences")
    chosen = generator.choice(len(_SYLLABLES) ** 3, TOPICS * WORDS + FILLERS, replace=False)
    syllables = np.unravel_index(chosen, (len(_SYLLABLES),) * 3)
    vocabulary = np.array(["".join(_SYLLABLES[number] for number in word) for word in zip(*syllables, strict=True)])

    def draw(n: int) -> Pairs:
        topics = generator.permuted(np.tile(np.arange(TOPICS), (2, n, 1)), axis=2)[..., :2]
        same = generator.integers(3, size=n)
        topics[1, :, 0] = np.where(same > 0, topics[0, :, 0], topics[1, :, 0])
        topics[1, :, 1] = np.where(same > 1, topics[0, :, 1], topics[1, :, 1])
        about = topics.repeat(3, axis=2) * WORDS + generator.integers(WORDS, size=(2, n, 6))
        filling = TOPICS * WORDS + generator.integers(FILLERS, size=(2, n, 6))
        sides = vocabulary[generator.permuted(np.concatenate([about, filling], axis=2), axis=2)]
        first, second = (tuple(" ".join(row) for row in side) for side in sides)
        shared = [len(set(a) & set(b)) for a, b in zip(*topics.tolist(), strict=True)]
        return Pairs(first, second, np.array(shared, dtype=float))

    train, valid, *tests = (draw(n) for n in (n_train, n_valid, n_test, n_test))
    sentences, removed = unlabelled([train], [valid, *tests])
    return TextData(sentences, valid, dict(zip(("sts_b", "sick_r"), tests, strict=True)), removed)
