"""Sentences as a task for contrastive losses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from reverie.contrast.task import Outcome
from reverie.contrast.text.encoders import Encoder, new_encoder, pair_cosines
from reverie.contrast.text.measure import measures, spearman
from reverie.contrast.text.raw import TfIdf
from reverie.contrast.text.read import read_sts
from reverie.contrast.text.synthetic import synthetic_data
from reverie.contrast.text.training import train_encoder
from reverie.errors import unknown
from reverie.training.device import choose_device

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from reverie.contrast.task import Measure, Task
    from reverie.contrast.text.config import TextTask
    from reverie.contrast.text.pairs import Pairs, TextData
    from reverie.objectives import ScoreLoss


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
        quantiles = np.quantile(negatives.numpy(), np.linspace(0, 1, 21))
        return Outcome(best, self._tested(_by(encoder)), epoch, tuple(float(cosine) for cosine in quantiles))

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
