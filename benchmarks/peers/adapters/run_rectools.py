"""RecTools in the race: `SASRecModel`, measured by a Lightning callback, so that nothing is prepared twice."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from stopwatch import Finished, Job, Lists, Stopwatch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
job = Job.read()
events = job.events("train")
frame = pd.DataFrame(
    {
        Columns.User: events["user_id"],
        Columns.Item: events["item_id"],
        Columns.Datetime: pd.to_datetime(events["timestamp"], unit="s"),
        Columns.Weight: 1.0,
    }
)
users = np.unique(events["user_id"])
watch = Stopwatch(job)


def recommend() -> Lists:
    """Ask the library for everybody's list."""
    model.is_fitted = True
    lists = model.recommend(users=users, dataset=dataset, k=job.top, filter_viewed=True)
    shape = (-1, job.top)
    found = (lists[name].to_numpy().reshape(shape) for name in (Columns.User, Columns.Item, Columns.Score))
    who, items, scores = found
    model.lightning_model.train()
    return who[:, 0], items, scores


class Measure(Callback):
    """Measures after each epoch, and inside long ones."""

    def on_train_batch_end(self, trainer: Trainer, module: object, outputs: object, batch: object, batch_idx: int) -> None:
        """Measure where it is due."""
        if watch.due() and batch_idx + 1 < trainer.num_training_batches:
            watch.measure(trainer.current_epoch + (batch_idx + 1) / trainer.num_training_batches, recommend)

    def on_train_epoch_end(self, trainer: Trainer, module: object) -> None:
        """Measure."""
        watch.measure(trainer.current_epoch + 1, recommend)

    def on_exception(self, trainer: Trainer, module: object, exception: BaseException) -> None:
        """Let the end of the run pass."""


def trainer() -> Trainer:
    """Make the trainer that the library makes by default, with the callback."""
    return Trainer(
        max_epochs=100_000,
        callbacks=[Measure()],
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        enable_checkpointing=False,
        devices=1,
        accelerator="cpu",
    )


seed_everything(job.seed)
watch.start()
dataset = Dataset.construct(frame)
model = SASRecModel(
    n_factors=job.model["dim"],
    n_blocks=job.model["blocks"],
    n_heads=job.model["heads"],
    session_max_len=job.model["history"],
    get_trainer_func=trainer,
    recommend_torch_device="cpu",
    **job.settings,
)
with contextlib.suppress(Finished):
    model.fit(dataset)
