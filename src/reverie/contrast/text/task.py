"""Sentence similarity as a task: Spearman's correlation with people's judgements."""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.contrast.task import Measure, Outcome, Task, quantiles
from reverie.contrast.text.config import TextTask
from reverie.contrast.text.encoders import Encoder, new_encoder, pair_cosines, train_encoder
from reverie.contrast.text.lexicon import TfIdf
from reverie.contrast.text.pairs import Pairs, TextData, read_sts, synthetic_data
from reverie.errors import unknown
from reverie.evaluation.intervals import LEVEL
from reverie.objectives import ScoreLoss
from reverie.seeds import numpy_generator
from reverie.training.optimiser import choose_device

RESAMPLES = 1000
"""Draws of pairs behind an interval."""
_BLOCK = 50


def spearman(cosines: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Return Spearman's rank correlation, ties at their mean rank; 0 where all cosines or all scores are the same.

    cosines, scores [P].
    """
    return float(_correlations(cosines, scores, np.ones((1, len(scores))))[0])


def measures(cosines: Mapping[str, NDArray[np.float64]], scores: Mapping[str, NDArray[np.float64]]) -> dict[str, Measure]:
    """Return Spearman's correlation of each test and their mean, with intervals at 95 %; cosines [P], scores [P]."""
    found, values, draws = {}, [], []
    for name, cosine in cosines.items():
        values.append(spearman(cosine, scores[name]))
        draws.append(_resampled(name, cosine, scores[name]))
        found[name] = _measure(values[-1], len(cosine), draws[-1])
    n = sum(len(cosine) for cosine in cosines.values())
    return found | {"sts_mean": _measure(float(np.mean(values)), n, np.mean(draws, axis=0))}


def _measure(value: float, n: int, draws: NDArray[np.float64]) -> Measure:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Measure(value, n, float(low), float(high), f"bootstrap({RESAMPLES})")


def _resampled(name: str, cosines: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    n, generator = len(scores), numpy_generator(0, "bootstrap", name)
    draws = []
    for begin in range(0, RESAMPLES, _BLOCK):
        rows = min(_BLOCK, RESAMPLES - begin)
        drawn = generator.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        draws.append(_correlations(cosines, scores, np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)))
    return np.concatenate(draws)


def _correlations(x: NDArray[np.float64], y: NDArray[np.float64], counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Return Spearman's correlations, shape [R], where pair p occurs ``counts[r, p]`` times."""
    ranks = [_ranks(values, counts) for values in (x, y)]
    a, b = (one - (counts * one).mean(1, keepdims=True) for one in ranks)  # counts of a row have mean 1
    together, of_a, of_b = ((counts * one * other).sum(1) for one, other in ((a, b), (a, a), (b, b)))
    scale = np.sqrt(of_a * of_b)
    return np.asarray(np.divide(together, scale, out=np.zeros(len(counts)), where=scale > 0))


def _ranks(values: NDArray[np.float64], counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Return mean ranks [R, P] of repeated values: how many are smaller, and half of those that are equal."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    inside = np.add.reduceat(counts[:, order], starts, axis=1)
    return np.asarray((inside.cumsum(1) - inside / 2)[:, group])


class TextContrast:
    """A `Task`: an encoder of sentences, measured by Spearman's correlation of its cosines with people's judgements."""

    protocol = "spearman"

    def __init__(self, config: TextTask, data: TextData, device: torch.device) -> None:
        self.config, self.device, self.dataset = config, device, config.data
        self.baselines = ("untrained", "raw", *(["pretrained"] if config.encoder == "minilm" else []))
        self._data = data

    @cached_property
    def sha256(self) -> str:
        """Hash of the sentences, pairs and scores."""
        return self._data.sha256()

    def train(self, loss: ScoreLoss, seed: int, say: Callable[[str], None]) -> Outcome:
        """Train an encoder, and measure its best weights by the development pairs on the test pairs."""
        encoder, data, valid = self._encoder(seed, pretrained=True), self._data, self._data.valid
        say(f"{len(data.sentences)} sentences; {data.removed} more are in pairs that are evaluated, and are not learned from")
        first, second = encoder.tokens(valid.first), encoder.tokens(valid.second)

        def value() -> float:
            return spearman(pair_cosines(encoder, first, second), valid.scores)

        sentences = encoder.tokens(data.sentences)
        best, epoch, negatives = train_encoder(encoder, sentences, loss, value, self.config, seed, say)
        return Outcome(best, self._tested(_by(encoder)), epoch, quantiles(negatives))

    def baseline(self, name: str, seed: int, say: Callable[[str], None]) -> Outcome:
        """Measure what no loss of ours has taught."""
        if name not in self.baselines:
            raise unknown("baseline", name, self.baselines)
        cosines = TfIdf(self._data.sentences).cosines if name == "raw" else _by(self._encoder(seed, name == "pretrained"))
        valid = self._data.valid
        return Outcome(spearman(cosines(valid), valid.scores), self._tested(cosines))

    def _encoder(self, seed: int, pretrained: bool) -> Encoder:
        return new_encoder(self.config, self._data.sentences, seed, pretrained).to(self.device)

    def _tested(self, cosines: Callable[[Pairs], NDArray[np.float64]]) -> dict[str, Measure]:
        tests = self._data.tests
        return measures({name: cosines(pairs) for name, pairs in tests.items()}, {n: pairs.scores for n, pairs in tests.items()})


def _by(encoder: Encoder) -> Callable[[Pairs], NDArray[np.float64]]:
    return lambda pairs: pair_cosines(encoder, encoder.tokens(pairs.first), encoder.tokens(pairs.second))


def open_task(config: TextTask, device: str | None = None) -> Task:
    """Return the task that options ask for."""
    data = synthetic_data() if config.data == "synthetic" else read_sts(config.folder)
    return TextContrast(config, data, choose_device(device))
