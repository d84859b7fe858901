"""RecBole in the race: its own trainer, one epoch at a time, measured between two steps by a wrapped loss."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed
from stopwatch import Finished, Job, Lists, Stopwatch, best_unseen, windows

os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"  # RecBole unpickles; it reads nothing here but what it wrote itself
job = Job.read()
sys.argv = sys.argv[:1]  # RecBole reads the command line too
torch.set_num_threads(1)
logging.disable(logging.WARNING)
events = job.events("train")
folder = job.folder / "atomic" / "race"
folder.mkdir(parents=True, exist_ok=True)
tables = [pq.read_table(job.data / f"{name}.parquet") for name in ("train", "valid", "test")]
with (folder / "race.inter").open("w", encoding="ascii") as handle:  # RecBole cuts off the last two events itself
    handle.write("user_id:token\titem_id:token\ttimestamp:float\n")
    for table in tables:
        columns = (table[name].to_numpy() for name in ("user_id", "item_id", "timestamp"))
        np.savetxt(handle, np.stack(list(columns), 1), fmt="%d", delimiter="\t")
options: dict[str, Any] = {
    "data_path": str(job.folder / "atomic"),
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "USER_ID_FIELD": "user_id",
    "ITEM_ID_FIELD": "item_id",
    "TIME_FIELD": "timestamp",
    "use_gpu": False,
    "show_progress": False,
    "train_neg_sample_args": None,
    "MAX_ITEM_LIST_LENGTH": job.model["history"],
    "n_layers": job.model["blocks"],
    "n_heads": job.model["heads"],
    "hidden_size": job.model["dim"],
    "inner_size": 4 * job.model["dim"],
    "eval_args": {"split": {"LS": "valid_and_test"}, "group_by": "user", "order": "TO", "mode": "full"},
    "metrics": ["NDCG"],
    "valid_metric": "NDCG@10",
    "seed": job.seed,
    "save_dataset": False,
    "save_dataloaders": False,
    **job.settings,
}
watch = Stopwatch(job)


def recommend() -> Lists:
    """Score everybody with the model's own full-sort pass."""
    users, inputs = windows(events, codes, job.model["history"], 0)
    lengths = np.minimum(np.unique(events["user_id"], return_counts=True)[1], job.model["history"])
    inputs = np.stack([np.roll(row, length) for row, length in zip(inputs, lengths, strict=True)])  # RecBole pads on the right

    def score(begin: int, end: int) -> torch.Tensor:
        batch = {model.ITEM_SEQ: torch.from_numpy(inputs[begin:end]), model.ITEM_SEQ_LEN: torch.from_numpy(lengths[begin:end])}
        scores = model.full_sort_predict(batch)
        scores[:, 0] = -torch.inf
        return scores

    model.eval()
    columns, scores = best_unseen(score, (np.searchsorted(users, events["user_id"]), codes), len(users), job.top)
    model.train()
    return users, external[columns], scores


def loss(batch: Any) -> torch.Tensor:
    """Measure where it is due, then do what the trainer asked for."""
    global step
    if step and watch.due():
        watch.measure(epoch + step / len(train), recommend)
    step += 1
    return model.calculate_loss(batch)


config = Config(model="SASRec", dataset="race", config_dict=options)
init_seed(job.seed, True)
watch.start()
dataset = create_dataset(config)
tokens = dataset.field2id_token["item_id"]
external = np.array([-1, *(int(token) for token in tokens[1:])])
code_of = np.zeros(external.max() + 1, dtype=np.int64)
code_of[external[1:]] = np.arange(1, len(external))
codes = code_of[events["item_id"]]
train, _, _ = data_preparation(config, dataset)
model = get_model("SASRec")(config, train.dataset)
trainer = get_trainer(config["MODEL_TYPE"], "SASRec")(config, model)
with contextlib.suppress(Finished):
    for epoch in range(100_000):
        step = 0
        trainer._train_epoch(train, epoch, loss_func=loss)
        watch.measure(epoch + 1, recommend)
