"""Metrics of answers, and controls that need no language model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from reverie.evaluation.effects import finite
from reverie.evaluation.intervals import cluster_bootstrap, cluster_sums
from reverie.evaluation.paired_queries import paired_values
from reverie.evaluation.values import Values
from reverie.llm.adapters import fit_classifier
from reverie.llm.titles import Titles
from reverie.llm.windows import Histories
from reverie.seeds import seed_torch

_WORD = re.compile(r"\w+")
_LIST = re.compile(r"^\s*(\d+[.)]|[-*•])\s+")
COVER = 0.5
"""A title inside a line must cover more than this share of its words: 'Big' is not named by 'Big Trouble in Little China'."""


@dataclass(frozen=True)
class Mention:
    """One title that was written."""

    text: str
    code: int


class Matcher:
    """Finds titles in lines: exact first, then the longest title on word borders."""

    def __init__(self, titles: Titles) -> None:
        self._key, self._codes = titles.key, titles.first
        self._by_words: dict[tuple[str, ...], int] = {}
        for key, code in titles.first.items():
            words = tuple(_WORD.findall(key))
            if words:
                self._by_words.setdefault(words, code)
        self._longest = max(map(len, self._by_words), default=0)

    def mentions(self, answer: str) -> list[Mention]:
        """Return the distinct titles that an answer names, in their order."""
        mentions: dict[object, Mention] = {}
        for line in answer.splitlines():
            for text in self._pieces(_LIST.sub("", line)):
                key, code = self._key(text), self._code(text)
                if code or _WORD.search(key):
                    mentions.setdefault(code or key, Mention(text.strip(), code))
        return list(mentions.values())

    def _pieces(self, line: str) -> Sequence[str]:
        pieces = line.split(", ")
        split = self._key(line) not in self._codes and any(self._key(piece) in self._codes for piece in pieces)
        return pieces if split else [line]

    def _code(self, text: str) -> int:
        exact = self._codes.get(self._key(text))
        if exact:
            return exact
        words = tuple(_WORD.findall(self._key(text)))
        for size in range(min(len(words), self._longest), 0, -1):
            if size <= COVER * len(words):
                return 0
            for at in range(len(words) - size + 1):
                code = self._by_words.get(words[at : at + size])
                if code:
                    return code
        return 0


def original_count(answer: str, true_titles: Sequence[str]) -> int:
    """Return how many true titles stand anywhere in an answer, each once: the released measure, with titles escaped."""
    return sum(title in answer for title in set(true_titles))


RESAMPLES = 1000
BANDS = ("head", "middle", "tail")
"""Items that make up the first, second and last third of the training events, by falling popularity."""


@dataclass(frozen=True)
class Answered:
    """What one row of the table named, for each history."""

    mentions: list[list[Mention]]
    texts: list[str]
    original: list[int] | None = None
    ended: list[bool] | None = None


@dataclass(frozen=True)
class Truth:
    """What should have been named; users [R], band [N + 1]."""

    rows: list[list[int]]
    users: NDArray[np.int64]
    band: NDArray[np.int64]
    held_out: NDArray[np.int64]


def popularity_bands(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the band of each item; counts [N + 1] → [N + 1]."""
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    band = np.empty(len(counts), dtype=np.int64)
    band[order] = np.minimum(3 * before // max(1, int(counts.sum())), 2)
    band[counts == 0] = 2
    return band


def recovery_values(answered: Answered, truth: Truth) -> dict[str, Values]:
    """Return the metrics of recovery as ratios of sums over rows."""
    held = set(truth.held_out.tolist())
    rows = []
    for number, (mentions, true) in enumerate(zip(answered.mentions, truth.rows, strict=True)):
        wanted = list(dict.fromkeys(true))
        named = [mention.code for mention in mentions if mention.code]
        hits = [code for code in named if code in set(wanted)]
        n_said, n_true, n_hit = len(mentions), len(wanted), len(hits)
        recall, precision = n_hit / n_true, n_hit / n_said if n_said else 0.0
        one = {
            "recall": (recall, 1.0),
            "precision": (precision, 1.0),
            "f1": (2 * recall * precision / (recall + precision) if n_hit else 0.0, 1.0),
            "hallucination": ((n_said - len(named)) / n_said, 1.0) if n_said else (0.0, 0.0),
            "wrong_but_real": ((len(named) - n_hit) / n_said, 1.0) if n_said else (0.0, 0.0),
            "exact_set": (float(n_hit == n_true == n_said), 1.0),
            "exact_order": (float(named == wanted and n_said == n_true), 1.0),
            "order": _order(hits, wanted),
            "recall_first": (float(wanted[0] in hits), 1.0),
            "recall_last": (float(true[-1] in hits), 1.0),
            "recall_held_out": (float(sum(c in held for c in hits)), float(sum(c in held for c in wanted))),
        }
        for band, name in enumerate(BANDS):
            inside = [code for code in wanted if truth.band[code] == band]
            one[f"recall_{name}"] = (float(sum(code in hits for code in inside)), float(len(inside)))
        if answered.original is not None:
            one["ave_recover"] = (float(answered.original[number]), 1.0)
        rows.append(one)
    return _values(rows, answered, truth.users)


def recall_by_position(answered: Answered, truth: Truth) -> list[float]:
    """Return how often the item at each position, counted from the newest, was named."""
    found = []
    for mentions, true in zip(answered.mentions, truth.rows, strict=True):
        named = {mention.code for mention in mentions}
        found.append([code in named for code in reversed(true)])
    return [float(np.mean([row[back] for row in found if back < len(row)])) for back in range(max(map(len, found)))]


def residual_values(answered: Answered, truth: Truth) -> dict[str, Values]:
    """Return the metrics of the one item that was added."""
    held = set(truth.held_out.tolist())
    rows = []
    for mentions, true in zip(answered.mentions, truth.rows, strict=True):
        hit = float(bool(mentions) and mentions[0].code == true[0])
        one = {
            "accuracy": (hit, 1.0),
            "hallucination": (float(mentions[0].code == 0), 1.0) if mentions else (0.0, 0.0),
            "accuracy_held_out": (hit, 1.0) if true[0] in held else (0.0, 0.0),
        }
        rows.append(one)
    return _values(rows, answered, truth.users)


def with_intervals(values: Mapping[str, Values], seed: int = 0) -> dict[str, dict[str, float | int | None]]:
    """Return each metric with its 95 % interval over users."""
    kept = {name: v for name, v in values.items() if v.denominator.sum() > 0}
    if not kept:
        return {}
    sums = cluster_sums([list(kept.values())])
    low, high = cluster_bootstrap(sums, RESAMPLES, seed)
    return {
        name: {"value": float(value), "low": finite(low[at]), "high": finite(high[at]), "n": int(kept[name].denominator.sum())}
        for at, (name, value) in enumerate(zip(kept, sums.value, strict=True))
    }


def difference(first: Values, other: Values, seed: int = 0) -> dict[str, float]:
    """Return the paired difference of a metric between two rows of the table, with its 95 % interval over users."""
    effect = paired_values(first, other, RESAMPLES, seed)
    return {"value": effect.value} | dict(zip(("low", "high"), effect.ends, strict=True))


def _values(rows: Sequence[dict[str, tuple[float, float]]], answered: Answered, users: NDArray[np.int64]) -> dict[str, Values]:
    """Return metrics by name from numerator and denominator of each row; users [R]."""
    if answered.ended is not None:
        rows = [row | {"unfinished": (float(not ended), 1.0)} for row, ended in zip(rows, answered.ended, strict=True)]
    pairs = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}
    return {name: Values(both[:, 0], both[:, 1], users, len(rows)) for name, both in pairs.items()}


def _order(hits: list[int], wanted: list[int]) -> tuple[float, float]:
    """Kendall's rank correlation of the recovered items; needs two of them."""
    if len(hits) < 2:
        return 0.0, 0.0
    place = np.array([wanted.index(code) for code in hits])
    pairs = np.sign(place[None, :] - place[:, None])[np.triu_indices(len(place), 1)]
    return float(pairs.mean()), 1.0


PROBE_STEPS, PROBE_ROWS = 400, 2048


def nearest(vectors: Tensor, table: Tensor, cosine: bool) -> Tensor:
    """Return the item whose vector is nearest; vectors [..., D], table [N, D] → [...]."""
    if cosine:
        vectors, table = F.normalize(vectors, dim=-1), F.normalize(table, dim=-1)
    return (vectors @ table.T).argmax(-1) + 1


def fit_probe(histories: Histories, n_items: int, seed: int) -> torch.nn.Linear:
    """Fit a linear classifier from a state to the item after which it stands."""
    real = torch.from_numpy(histories.items > 0)
    states, codes = standardised(histories.states[real], histories), torch.from_numpy(histories.items)[real]
    with torch.random.fork_rng(devices=[]):
        seed_torch(seed, "probe")
        probe = torch.nn.Linear(states.shape[1], n_items)
        fit_classifier(probe, probe.parameters(), states, codes, PROBE_STEPS, PROBE_ROWS)
    return probe


def standardised(states: Tensor, like: Histories) -> Tensor:
    """Return states with the mean and spread that training states have; states [..., D] → [..., D]."""
    real = like.states[torch.from_numpy(like.items > 0)]
    return (states - real.mean(0)) / real.std()


def as_mentions(codes: NDArray[np.int64], lengths: NDArray[np.int64], titles: Titles) -> list[list[Mention]]:
    """Return codes as if somebody had written their titles; codes [R, L], lengths [R]."""
    canonical = titles.canonical
    rows = [dict.fromkeys(canonical[row[:length]].tolist()) for row, length in zip(codes, lengths, strict=True)]
    return [[Mention(titles.text(code), code) for code in row] for row in rows]


def most_popular(counts: NDArray[np.int64], sizes: list[int], titles: Titles) -> list[list[Mention]]:
    """Return, for each history, as many of the most popular titles as it has; counts [N + 1]."""
    canonical = titles.canonical
    summed = np.bincount(canonical, counts, minlength=len(counts))
    order = np.argsort(-summed, kind="stable")
    return [[Mention(titles.text(int(code)), int(code)) for code in order[:size]] for size in sizes]
