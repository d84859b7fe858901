"""One cell of the table: a network is trained with a method on a task, and measured."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from reverie.errors import ConfigError
from reverie.seeds import seed_torch
from reverie.study.environment import peak_mb, reset_peak
from reverie.training.optimiser import choose_device
from reverie.video.cells import Recognised, RecognitionCell
from reverie.video.mixing.create import create_mixer
from reverie.video.networks.create import create_network
from reverie.video.recipe import VideoRecipe
from reverie.video.recognition.batches import ClipBatches
from reverie.video.recognition.learner import Learner
from reverie.video.recognition.mask_measures import measure_masks
from reverie.video.recognition.pictures import save_filmstrip
from reverie.video.recognition.saved import save_recogniser
from reverie.video.recognition.task import RecognitionTask
from reverie.video.recognition.training import Training


def recognise(
    recipe: VideoRecipe,
    cell: RecognitionCell,
    task: RecognitionTask,
    folder: Path,
    device: str | None,
    commit: str,
    shown: bool,
    tell: Callable[[str], None],
) -> Recognised:
    """Train and measure a cell.

    Parameters
    ----------
    recipe : VideoRecipe
    cell : RecognitionCell
    task : RecognitionTask
    folder : Path
        Holds the state; the same call goes on with a training that was cut. Weights are kept here where the recipe says so.
    device : str or None
    commit : str
        Of the code.
    shown : bool
        Whether pictures of the clips may be made.
    tell : callable
        Takes lines of progress.
    """
    reset_peak()
    config = recipe.training_of(cell.clips, cell.network, cell.method)
    where = choose_device(device)
    row, kind = recipe.methods[cell.method], recipe.networks[cell.network]
    if task.clips.size[0] < config.size or task.clips.size[1] < config.size:
        height, width = task.clips.size
        raise ConfigError(f"{cell.clips}: frames of {width} x {height} pixels are smaller than training.size={config.size}")
    seed_torch(cell.seed, "weights")
    student = create_network(kind.kind, task.classes, config.frames, config.size, **kind.set)
    mixer = create_mixer(row.kind, channels=student.channels, seed=cell.seed, **row.set)
    learner = Learner(student, mixer, config, len(task.train)).to(where)
    source = ClipBatches(task, config, cell.seed, where)
    training = Training(learner, source, config.steps, cell.seed, folder, tell)
    found = training.run()
    result = Recognised(
        measures=found.chosen(task, config.choose), curves=found.curves(task),
        masks=measure_masks(learner, source, recipe.masks, cell.seed), seconds=training.seconds,
        seconds_a_step=training.seconds / config.steps, peak_mb=peak_mb(),
        weights=sum(one.numel() for one in student.parameters()), learned_from=len(task.train) + len(task.valid),
        sha256=task.clips.digest, protocol=task.protocol, commit=commit,
    )  # fmt: skip
    if recipe.keep == "first" and cell.seed == 0:
        save_recogniser(learner, source, row.kind, row.set, cell.seed, folder)
        if shown:
            save_filmstrip(learner, source, cell.seed, folder)
    shutil.rmtree(folder / "state", ignore_errors=True)
    for path in folder.glob("evaluation*"):
        path.unlink()
    return result
