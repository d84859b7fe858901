"""The study on images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reverie.contrast.image.images import ImageData, ImageSplit, read_images, split_images
from reverie.contrast.image.measure import Features, measure
from reverie.contrast.image.train import negative_cosines, new_network, train_network
from reverie.contrast.task import Outcome
from reverie.errors import unknown
from reverie.training.optimiser import choose_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from reverie.contrast.image.config import ImageTask
    from reverie.contrast.task import Task
    from reverie.objectives.contrastive.score_loss import ScoreLoss


class ImageContrast:
    """A `Task`: an encoder of images, measured after the last epoch by a linear probe and by nearest neighbours."""

    protocol = "linear_probe"
    baselines = ("untrained", "raw")

    def __init__(self, config: ImageTask, data: ImageData, device: torch.device) -> None:
        self.config, self.device, self.dataset = config, device, config.data
        self.sha256 = data.sha256()
        self._data = data

    def train(self, loss: ScoreLoss, seed: int, say: Callable[[str], None]) -> Outcome:
        """Train a network from the beginning, and measure that of the last epoch."""
        split = self._split(seed)
        network = train_network(self.config, split.train.pixels, loss, seed, self.device, say)
        selection, metrics = measure(self.config, split, network.features, seed, self.device, say)
        cosines = negative_cosines(self.config, network, split.train.pixels, seed, self.device)
        return Outcome(selection, metrics, self.config.epochs, cosines)

    def baseline(self, name: str, seed: int, say: Callable[[str], None]) -> Outcome:
        """Measure the network before training (``"untrained"``) or the pixels themselves (``"raw"``)."""
        if name not in self.baselines:
            raise unknown("baseline", name, self.baselines)
        features: Features = _pixels if name == "raw" else new_network(self.config, seed, self.device).eval().features
        selection, metrics = measure(self.config, self._split(seed), features, seed, self.device, say)
        return Outcome(selection, metrics)

    def _split(self, seed: int) -> ImageSplit:
        return split_images(self._data, self.config.valid, self.config.images, seed)


def open_task(config: ImageTask, device: str | None = None) -> Task:
    """Read the images, and return the study."""
    return ImageContrast(config, read_images(config), choose_device(device))


def _pixels(images: Tensor) -> Tensor:
    return images.flatten(1) - 0.5
