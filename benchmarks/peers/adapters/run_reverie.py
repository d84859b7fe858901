"""Reverie in the race: its trainer, measured after each epoch."""

from __future__ import annotations

import contextlib

import polars as pl
import torch
from stopwatch import Finished, Job, Lists, Stopwatch

import reverie as rv
from reverie.evaluation.recommend import recommend_all
from reverie.study.progress import progress
from reverie.training import TrainingConfig
from reverie.training.loop import Trainer, training_source


def main() -> None:
    """Run one job."""
    torch.set_num_threads(1)
    job = Job.read()
    frame = pl.DataFrame(job.events("train"))
    watch = Stopwatch(job)
    chosen = dict(job.settings)
    config = TrainingConfig(
        epochs=100_000,
        patience=100_000,
        batch_size=chosen.pop("batch_size"),
        learning_rate=chosen.pop("learning_rate"),
        seed=job.seed,
    )
    done = 0

    def recommend() -> Lists:
        lists = recommend_all(model, train, job.top)
        shape = (-1, job.top)
        users, items, scores = (lists[name].to_numpy().reshape(shape) for name in ("user", "item", "score"))
        return users[:, 0], items, scores

    def measure() -> float:
        nonlocal done
        done += 1
        watch.measure(done, recommend)
        return float(done)

    watch.start()
    train = rv.read_events(frame, user="user_id", item="item_id", timestamp="timestamp").sequences
    model = rv.create_model("sasrec", train.vocabulary, seed=job.seed, **job.model, **chosen)
    trainer = Trainer(model, training_source(model, train), config, measure, None, torch.device("cpu"))
    with contextlib.suppress(Finished), progress(1, "race", False) as shown:
        trainer.run(shown)


if __name__ == "__main__":
    main()
