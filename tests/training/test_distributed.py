"""Two real processes, started as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from reverie.testing import tiny_dataset
from reverie.training.run import open_run

RECIPE = """
name: tiny
dataset: {{name: {events}}}
model: {{name: {model}, dim: 16, {options}}}
training: {{epochs: {epochs}, batch_size: 8, checkpoint_seconds: 0, validate_every: 2}}
"""
SASREC = "history: 8, dropout: 0.2, objective: {kind: sampled_softmax, negatives: {source: in_batch}}"
ROWWISE = "history: 8, table: rowwise, objective: {kind: sampled_softmax, negatives: {n: 4}}"


def train(folder: Path, out: str, processes: int = 2, epochs: int = 4, model: str = "sasrec", options: str = SASREC) -> Path:
    events = folder / "events.csv"
    if not events.exists():
        tiny_dataset().events.write_csv(events)
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(events=events, epochs=epochs, model=model, options=options), encoding="utf-8")
    start = [sys.executable, "-m"]
    if processes > 1:
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}", "-m"]
    command = [*start, "reverie", "train", str(recipe), "--out", str(folder / out), "--quiet"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return folder / out


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("options", [SASREC, ROWWISE], ids=["in-batch", "rowwise"])
def test_two_processes_count_each_query_once_and_resume(tmp_path: Path, options: str) -> None:
    whole = train(tmp_path, "whole", options=options)
    run = open_run(whole)
    assert run.test.ranks["query"].to_list() == list(range(48))
    assert run.test.metrics(["recall@10"])["n"].to_list() == [48]
    assert len(losses(whole)) == 4

    cut = train(tmp_path, "cut", epochs=2, options=options)
    (cut / "result.json").unlink()
    stored = (cut / "recipe.yaml").read_text(encoding="utf-8")
    (cut / "recipe.yaml").write_text(stored.replace("epochs: 2", "epochs: 4"), encoding="utf-8")
    resumed = train(tmp_path, "cut", epochs=4, options=options)
    assert losses(resumed) == losses(whole)
    assert open_run(resumed).test.ranks.equals(run.test.ranks)


def test_two_processes_learn_as_one_with_the_same_global_batch(tmp_path: Path) -> None:
    """Without randomness in the model and with equal shares, the mean gradient is that of the whole batch."""
    options = "history: 1, dropout: 0.0, objective: {kind: full_softmax}"
    two = train(tmp_path, "two", options=options)
    recipe = (tmp_path / "recipe.yaml").read_text(encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(recipe.replace("batch_size: 8", "batch_size: 16"), encoding="utf-8")
    one = tmp_path / "one"
    command = [sys.executable, "-m", "reverie", "train", str(tmp_path / "recipe.yaml"), "--out", str(one), "--quiet"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(losses(two), losses(one), rtol=0.02)
    first, second = open_run(two).test, open_run(one).test
    assert first.ranks.select(pl.exclude("greater", "equal")).equals(second.ranks.select(pl.exclude("greater", "equal")))
    assert abs(first.value("ndcg@10") - second.value("ndcg@10")) < 0.05


def test_another_number_of_processes_is_refused(tmp_path: Path) -> None:
    cut = train(tmp_path, "cut", processes=1, epochs=2)
    (cut / "result.json").unlink()
    state = cut / "state" / "state.json"
    state.write_text(state.read_text(encoding="utf-8").replace('"processes": 1', '"processes": 2'), encoding="utf-8")
    command = [sys.executable, "-m", "reverie", "train", str(tmp_path / "recipe.yaml"), "--out", str(cut)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 2
    assert "was begun by 2 processes and this is 1" in done.stderr
