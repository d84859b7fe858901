"""A tiny set of generated clips, a tiny network and a short training."""

from pathlib import Path
from typing import Protocol

import pytest
import torch

from reverie.seeds import seed_torch
from reverie.video.mixing.create import create_mixer
from reverie.video.moving_shapes.config import MovingShapesConfig
from reverie.video.networks.create import create_network
from reverie.video.recognition.batches import ClipBatches
from reverie.video.recognition.config import RecognitionConfig
from reverie.video.recognition.learner import Learner
from reverie.video.recognition.parts import shapes_task
from reverie.video.recognition.task import RecognitionTask
from reverie.video.recognition.training import Training

TINY = {"widths": [8, 8], "blocks": [1, 1], "strides": [1, 2]}
CONFIG = RecognitionConfig(
    steps=6, batch_size=4, frames=4, size=32, evaluations=3, recalibration=1, learning_rate=0.05, checkpoint_seconds=0.0
)


@pytest.fixture(scope="session")
def task() -> RecognitionTask:
    """Sixteen clips of two motions to learn from and choose on, and eight to test on."""
    config = MovingShapesConfig(clips=16, valid=0, test=0, frames=6, size=36, seed=1, motions=("left", "right"))
    return shapes_task("tiny", config, config.model_copy(update={"clips": 1, "test": 8, "seed": 0}), 0.25, 0)


class MakeTraining(Protocol):
    """Makes a training that has not begun."""

    def __call__(self, folder: Path, mixer: str = "none", config: RecognitionConfig = CONFIG, **options: object) -> Training:
        """Return it; the options are those of the mixer."""


@pytest.fixture(scope="session")
def training(task: RecognitionTask) -> MakeTraining:
    """A function that makes trainings of the tiny task."""

    def make(folder: Path, mixer: str = "none", config: RecognitionConfig = CONFIG, **options: object) -> Training:
        seed_torch(0, "weights")
        student = create_network("tsm", task.classes, config.frames, config.size, **TINY)
        made = create_mixer(mixer, channels=student.channels, **options)
        learner = Learner(student, made, config, len(task.train))
        return Training(learner, ClipBatches(task, config, 0, torch.device("cpu")), config.steps, 0, folder)

    return make
