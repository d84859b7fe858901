"""Cornac in the race: `SASRec.fit`, whose batches pass through an iterator of ours that measures between two of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from cornac.data import SequentialDataset
from cornac.models import SASRec
from cornac.models.sasrec import recom_sasrec
from stopwatch import Finished, Job, Lists, Stopwatch, best_unseen, windows

torch.set_num_threads(1)
torch.use_deterministic_algorithms(False)
job = Job.read()
events = job.events("train")
rows = list(
    zip(
        events["user_id"].tolist(),
        events["user_id"].tolist(),
        events["item_id"].tolist(),
        events["timestamp"].tolist(),
        strict=True,
    )
)
watch = Stopwatch(job)
batches, epoch = recom_sasrec.session_seq_iter, 0


def recommend() -> Lists:
    """Score everybody in batches; the library itself scores one user at a time."""
    net = model.model
    users, inputs = windows(events, codes, job.model["history"], model.pad_idx)
    columns_of = torch.arange(model.total_items)

    def score(begin: int, end: int) -> torch.Tensor:
        return net._encode(torch.from_numpy(inputs[begin:end])) @ net.item_emb(columns_of).T

    net.eval()
    seen = np.searchsorted(users, events["user_id"]), codes
    columns, scores = best_unseen(score, seen, len(users), job.top)
    net.train()
    return users, external[columns], scores


def measured(*arguments: Any, **options: Any) -> Iterator[Any]:
    """Pass on the batches of one epoch."""
    global epoch
    steps = -(-(len(rows) - len(np.unique(events["user_id"]))) // model.batch_size)
    for step, batch in enumerate(batches(*arguments, **options)):
        if step and watch.due():
            watch.measure(epoch + step / steps, recommend)
        yield batch
    epoch += 1
    watch.measure(epoch, recommend)


recom_sasrec.session_seq_iter = measured
watch.start()
train = SequentialDataset.from_usit(rows, seed=job.seed)
codes = np.array([train.iid_map[item] for item in events["item_id"].tolist()])
external = np.empty(len(train.iid_map), dtype=np.int64)
external[list(train.iid_map.values())] = list(train.iid_map)
model = SASRec(
    embedding_dim=job.model["dim"],
    max_len=job.model["history"],
    num_blocks=job.model["blocks"],
    num_heads=job.model["heads"],
    n_epochs=100_000,
    device="cpu",
    seed=job.seed,
    **job.settings,
)
with contextlib.suppress(Finished):
    model.fit(train)
