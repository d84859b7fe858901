"""STS-B, SICK and the yearly STS tasks in their publishers' files."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from reverie.contrast.text.pairs import Pairs, TextData, unlabelled
from reverie.data.readers.formats import unpacked
from reverie.data.sources.fetch import find_file
from reverie.errors import DataError

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
    rows = _rows(path, 3, delimiter=",", quoting=csv.QUOTE_MINIMAL)
    return _pairs(path, rows)


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
