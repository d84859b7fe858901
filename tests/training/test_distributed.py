"""Two real processes, started by torchrun once: they train several runs one after the other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from reverie.cli.main import app
from reverie.errors import ReverieError
from reverie.testing import tiny_dataset
from reverie.training.run import load_run

RECIPE = """
name: tiny
dataset: {{name: {events}}}
model: {{name: {model}, dim: 16, {options}}}
training: {{epochs: {epochs}, batch_size: {batch_size}, checkpoint_seconds: 0, validate_every: 2, {training}}}
"""
OPTIONS = {
    "in-batch": "history: 8, dropout: 0.2, objective: {kind: sampled_softmax, negatives: {source: in_batch}}",
    "rowwise": "history: 8, table: rowwise, objective: {kind: sampled_softmax, negatives: {n: 4}}",
    "plain": "history: 1, dropout: 0.0, objective: {kind: full_softmax}",
}
PROCESS = """
import json, sys
from pathlib import Path
import torch
from reverie import processes
from reverie.cli.main import app

processes.start(torch.device("cpu"))
parameters = [torch.nn.Parameter(torch.ones(2), requires_grad=name != "frozen") for name in ("both", "first", "none", "frozen")]
parameters[0].grad = torch.full((2,), 1.0 + processes.rank())
parameters[1].grad = torch.ones(2) if processes.rank() == 0 else None
processes.average_gradients(parameters)
found = [None if p.grad is None else p.grad.tolist() for p in parameters]
with open(f"{sys.argv[0]}-{processes.rank()}.json", "w") as file:
    json.dump(found, file)
for recipe, out in zip(sys.argv[1::2], sys.argv[2::2]):
    run = Path(out)
    if (run / "result.json").exists():  # of two epochs; it becomes one that was cut after two of four
        processes.wait()
        if processes.rank() == 0:
            assert (run / "metrics.jsonl").read_text().count("\\n") == 2
            (run / "result.json").unlink()
            stored = (run / "recipe.yaml").read_text()
            (run / "recipe.yaml").write_text(stored.replace("epochs: 2", "epochs: 4"))
        processes.wait()
    app(["train", recipe, "--out", out, "--quiet"], standalone_mode=False)
"""


def write_recipe(folder: Path, name: str, options: str, epochs: int = 4, batch_size: int = 8, accumulate: int = 1) -> Path:
    events, path = folder / "events.csv", folder / f"{name}.yaml"
    if not events.exists():
        tiny_dataset().events.write_csv(events)
    training = f"gradient_accumulation: {accumulate}"
    text = RECIPE.format(
        events=events, epochs=epochs, model="sasrec", options=OPTIONS[options], batch_size=batch_size, training=training
    )
    path.write_text(text, encoding="utf-8")
    return path


def train_in_two_processes(folder: Path, runs: list[tuple[str, Path]]) -> None:
    """Train each recipe into the folder of its name, one after the other in the same two processes."""
    script = folder / "process.py"
    script.write_text(PROCESS, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(script)]
    for name, recipe in runs:
        command += [str(recipe), str(folder / name)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert done.returncode == 0, done.stderr


def read_losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole runs, and runs that were cut after two of four epochs and resumed."""
    folder = tmp_path_factory.mktemp("distributed")
    whole = {name: write_recipe(folder, name, name) for name in ("in-batch", "rowwise")}
    whole["pieces"] = write_recipe(folder, "pieces", "plain", batch_size=4, accumulate=2)
    cut = {name: write_recipe(folder, f"cut-{name}", name, epochs=2) for name in ("in-batch", "rowwise")}
    cut["pieces"] = write_recipe(folder, "cut-pieces", "plain", epochs=2, batch_size=4, accumulate=2)
    runs = [(f"whole-{name}", recipe) for name, recipe in whole.items()]
    runs += [(f"cut-{name}", recipe) for recipes in (cut, whole) for name, recipe in recipes.items()]
    train_in_two_processes(folder, [*runs, ("two", write_recipe(folder, "two", "plain"))])
    return folder


def test_what_no_process_trains_gets_no_gradient(folder: Path) -> None:
    for rank in (0, 1):
        found = json.loads((folder / f"process.py-{rank}.json").read_text(encoding="utf-8"))
        assert found == [[1.5, 1.5], [0.5, 0.5], None, None]


def test_accumulated_batches_of_two_processes_are_one_large_batch(folder: Path) -> None:
    np.testing.assert_allclose(read_losses(folder / "whole-pieces"), read_losses(folder / "two"), rtol=0.02)


@pytest.mark.parametrize("options", ["in-batch", "rowwise", "pieces"])
def test_two_processes_count_each_query_once_and_resume(folder: Path, options: str) -> None:
    whole, cut = folder / f"whole-{options}", folder / f"cut-{options}"
    run = load_run(whole)
    assert run.test.ranks["query"].to_list() == list(range(48))
    assert run.test.metrics(["recall@10"])["n"].to_list() == [48]
    assert len(read_losses(whole)) == 4
    assert read_losses(cut) == read_losses(whole)
    assert load_run(cut).test.ranks.equals(run.test.ranks)


def test_two_processes_learn_as_one_with_the_same_global_batch(folder: Path) -> None:
    """Without randomness in the model and with equal shares, the mean gradient is that of the whole batch."""
    one = folder / "one"
    recipe = write_recipe(folder, "one", "plain", batch_size=16)
    done = CliRunner().invoke(app, ["train", str(recipe), "--out", str(one), "--quiet"])
    assert done.exit_code == 0, done.output
    np.testing.assert_allclose(read_losses(folder / "two"), read_losses(one), rtol=0.02)
    first, second = load_run(folder / "two").test, load_run(one).test
    assert first.ranks.select(pl.exclude("greater", "equal")).equals(second.ranks.select(pl.exclude("greater", "equal")))
    assert abs(first.value("ndcg@10") - second.value("ndcg@10")) < 0.05


def test_another_number_of_processes_is_refused(folder: Path, tmp_path: Path) -> None:
    unfinished = shutil.copytree(folder / "two", tmp_path / "run", ignore=shutil.ignore_patterns("result.json"))
    done = CliRunner().invoke(app, ["train", str(folder / "two.yaml"), "--out", str(unfinished)])
    assert isinstance(done.exception, ReverieError)
    assert "was begun by 2 processes and this is 1" in str(done.exception)
