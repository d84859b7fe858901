"""A student, the running mean of its weights, and a way to mix: what one update of a classifier of clips needs."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from reverie.nn.averaging import RunningMean, as_teacher
from reverie.video.mixing.config import SelectorTraining
from reverie.video.mixing.labels import soft_cross_entropy
from reverie.video.recognition.config import RecognitionConfig
from reverie.video.recognition.features import FeatureMemory
from reverie.video.roles import Mixed, Mixer, VideoNetwork


class Learner(nn.Module):
    """A network that learns on mixed clips, and its running mean.

    The mean takes over parameters only. Where the method asks for features, the mean is its teacher: it sees clips in training, its
    dropout off and its batch normalisation on, so that its statistics are its own; elsewhere it never sees a clip, and the
    statistics are those of the student.

    Parameters
    ----------
    student : VideoNetwork
    mixer : Mixer
        Where it has a ``selector`` that ``learns``, that is trained as well, by its ``teacher_loss``.
    config : RecognitionConfig
    clips : int
        Number of clips to learn from, where features may be kept.
    """

    def __init__(self, student: VideoNetwork, mixer: Mixer, config: RecognitionConfig, clips: int = 0) -> None:
        super().__init__()
        network = cast("nn.Module", student)
        buffers = "own" if mixer.needs_features else "copied"
        self.student = network
        self.mean = RunningMean(network, config.ema, warm_up=config.ema_warm_up, buffers=buffers)  # type: ignore[arg-type]
        self.mixer: Any = mixer
        self.selector: nn.Module | None = getattr(mixer, "selector", None)
        self.memory = FeatureMemory(clips if self._reuse > 1 else 0, self._reuse)

    @property
    def teacher(self) -> VideoNetwork:
        """The running mean as a network of clips."""
        return cast("VideoNetwork", self.mean.network)

    @property
    def _reuse(self) -> int:
        return int(getattr(getattr(self.mixer, "config", None), "reuse", 1))

    def loss(
        self, clips: Tensor, labels: Tensor, generator: torch.Generator, step: int = 0, epoch: int = 0, rows: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Mixed]:
        """Return the terms whose sum is minimised, and what was mixed.

        Parameters
        ----------
        clips : Tensor [B, T, 3, H, W]
        labels : Tensor [B, K]
            Smoothed.
        generator : torch.Generator
            On the CPU.
        step, epoch : int
            From 0.
        rows : Tensor [B], int64, optional
            Numbers of the clips, by which features are kept where the method reuses them.
        """
        if not self.mixer.needs_features:
            mixed = self.mixer.mix(clips, labels, None, generator)
            return {"student": self._classified(mixed)}, mixed
        as_teacher(self.mean.network)
        features = self.features(clips, epoch, rows)
        if not hasattr(self.mixer, "teacher_loss"):
            mixed = self.mixer.mix(clips, labels, features, generator)
            return {"student": self._classified(mixed)}, mixed
        draws = self.mixer.draw(labels, features, generator)
        mixed = self.mixer.student(clips, labels, features, draws)
        terms = {"student": self._classified(mixed)}
        if self.mixer.is_due(step):
            terms |= self.mixer.teacher_loss(self.mean.network, clips, labels, features, draws)
        return terms, mixed

    @torch.no_grad()
    def features(self, clips: Tensor, epoch: int = 0, rows: Tensor | None = None) -> Tensor:
        """Return the teacher's features of clips, kept ones where they still serve → [B, T', C, H', W']."""
        if rows is None:
            return self.teacher.feature_map(clips)
        return self.memory.recall(rows, epoch, lambda stale: self.teacher.feature_map(clips[stale]))

    def _classified(self, mixed: Mixed) -> Tensor:
        return soft_cross_entropy(self.student(mixed.clips), mixed.labels)

    def selector_parameters(self) -> list[nn.Parameter]:
        """Return the weights of a selector that learns; none where the method has none."""
        return list(self.mixer.selector_parameters()) if self.selector is not None else []

    @property
    def selector_training(self) -> SelectorTraining:
        """How the selector learns."""
        return SelectorTraining() if self.selector is None else self.mixer.config.training

    def after_step(self) -> None:
        """Move the running mean."""
        self.mean.update(self.student)
