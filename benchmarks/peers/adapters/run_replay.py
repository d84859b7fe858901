"""RePlay in the race: `SasRec` in its Lightning module, fed from parquet, measured by a callback."""

from __future__ import annotations

import contextlib
import warnings

import lightning
import numpy as np
import pandas as pd
import torch
from replay.data import FeatureHint, FeatureType
from replay.data.nn import ParquetModule, TensorFeatureInfo, TensorSchema
from replay.data.nn.utils import groupby_sequences
from replay.nn.lightning import LightningModule
from replay.nn.lightning.optimizer import OptimizerFactory
from replay.nn.loss import CESampled
from replay.nn.sequential import SasRec
from replay.nn.transform import UniformNegativeSamplingTransform
from replay.nn.transform.template import make_default_sasrec_transforms
from replay.preprocessing import LabelEncoder, LabelEncodingRule
from stopwatch import Finished, Job, Lists, Stopwatch, best_unseen, windows

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
job = Job.read()
events = job.events("train")
frame = pd.DataFrame(events)
history, settings = job.model["history"], dict(job.settings)
watch = Stopwatch(job)


def recommend() -> Lists:
    """Score everybody with the model's own inference pass."""
    users, inputs = windows(events, codes, history, n_items)

    def score(begin: int, end: int) -> torch.Tensor:
        items = torch.from_numpy(inputs[begin:end])
        return model.forward_inference({"item_id": items}, items != n_items)["logits"]

    model.eval()
    rows = np.searchsorted(users, events["user_id"])
    columns, scores = best_unseen(score, (rows, codes), len(users), job.top)
    model.train()
    return users, external[columns], scores


class Measure(lightning.Callback):
    """Measures after each epoch, and inside long ones."""

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: object, outputs: object, batch: object, batch_idx: int
    ) -> None:
        """Measure where it is due."""
        if watch.due() and batch_idx + 1 < steps_per_epoch:
            watch.measure(trainer.current_epoch + (batch_idx + 1) / steps_per_epoch, recommend)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: object) -> None:
        """Measure."""
        watch.measure(trainer.current_epoch + 1, recommend)


lightning.seed_everything(job.seed)
watch.start()
encoder = LabelEncoder([LabelEncodingRule("user_id"), LabelEncodingRule("item_id")])
encoded = encoder.fit_transform(frame)
codes = encoded["item_id"].to_numpy()
mapping = encoder.mapping["item_id"]
n_items = len(mapping)
external = np.empty(n_items, dtype=np.int64)
external[list(mapping.values())] = list(mapping.keys())
path = str(job.folder / "sequences.parquet")
rows = groupby_sequences(events=encoded, groupby_col="user_id", sort_col="timestamp")
rows.to_parquet(path)
steps_per_epoch = -(-len(rows) // settings["batch_size"])
schema = TensorSchema(
    [
        TensorFeatureInfo(
            name="item_id",
            is_seq=True,
            padding_value=n_items,
            cardinality=n_items,
            embedding_dim=job.model["dim"],
            feature_type=FeatureType.CATEGORICAL,
            feature_hint=FeatureHint.ITEM_ID,
        )
    ]
)
transforms = make_default_sasrec_transforms(schema)
model = SasRec.from_params(
    schema=schema,
    embedding_dim=job.model["dim"],
    max_sequence_length=history,
    num_heads=job.model["heads"],
    num_blocks=job.model["blocks"],
    dropout=settings["dropout"],
)
if settings.get("negatives"):
    transforms["train"].append(UniformNegativeSamplingTransform(n_items, settings["negatives"]))
    model.loss = CESampled(ignore_index=n_items)
    model.loss.logits_callback = model.get_logits
data = ParquetModule(
    train_path=path,
    batch_size=settings["batch_size"],
    metadata={"train": {"item_id": {"shape": history + 1, "padding": n_items}}},
    transforms={"train": transforms["train"]},
)
trainer = lightning.Trainer(
    max_epochs=100_000,
    limit_val_batches=0,
    num_sanity_val_steps=0,
    callbacks=[Measure()],
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    accelerator="cpu",
)
with contextlib.suppress(Finished):
    trainer.fit(LightningModule(model, OptimizerFactory(learning_rate=settings["learning_rate"])), datamodule=data)
