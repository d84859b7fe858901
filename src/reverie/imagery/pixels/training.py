"""Training of the pixel model: resumable, by the trainer that all models share."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import nn

from reverie.imagery.pixels.atlas import Atlas
from reverie.imagery.pixels.config import ExampleConfig, LearningConfig, PixelsConfig
from reverie.imagery.pixels.examples import Examples, said_words
from reverie.imagery.pixels.model import PixelModel
from reverie.seeds import seed_torch
from reverie.study.environment import peak_mb
from reverie.study.progress import progress
from reverie.training.checkpoint import MetricsLog
from reverie.training.loop import BatchSource, Trainer


def fit(
    model: nn.Module,
    source: BatchSource,
    config: LearningConfig,
    seed: int,
    folder: Path,
    device: torch.device,
    show: bool,
    what: str,
) -> MetricsLog:
    """Train a module on a source; one that was cut in a folder goes on there."""
    trainer = Trainer(model, source, config.model_copy(update={"seed": seed}), None, folder, device)
    with progress(config.epochs, what, show) as bar:
        return trainer.run(bar)


def train_pixels(
    atlas: Atlas,
    model: PixelsConfig,
    examples: ExampleConfig,
    training: LearningConfig,
    seed: int,
    folder: Path,
    device: torch.device,
    show: bool = True,
) -> tuple[PixelModel, dict[str, float]]:
    """Train a model on icons.

    Parameters
    ----------
    atlas : Atlas
        What is learned, nothing held out among it.
    model, examples, training : PixelsConfig, ExampleConfig, LearningConfig
    seed : int
    folder : Path
        Holds the log and the state; the same call goes on with what was cut.
    device : torch.device
    show : bool
        Whether to show progress.

    Returns
    -------
    PixelModel
        In evaluation mode.
    dict
        ``loss`` of the last epoch, ``seconds``, ``weights``, ``peak_mb``.
    """
    begin = time.monotonic()
    seed_torch(seed, "pixels")
    learner = PixelModel(model, said_words(atlas)).to(device)
    source = Examples(atlas, examples, model.caption, learner.known)
    log = fit(learner, source, training, seed, folder, device, show, "pixels")
    seconds = log.rows[-1].get("seconds", time.monotonic() - begin)
    weights = sum(parameter.numel() for parameter in learner.learned.parameters())
    said = {"loss": float(log.rows[-1]["loss"]), "seconds": float(seconds), "weights": float(weights), "peak_mb": peak_mb()}
    return learner.eval(), said
