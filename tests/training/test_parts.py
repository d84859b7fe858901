from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from reverie.options import checked
from reverie.training import TrainingConfig
from reverie.training.log import MetricsLog
from reverie.training.optimiser import learning_rate
from reverie.training.stopping import Best


def _config(**values: object) -> TrainingConfig:
    return checked(TrainingConfig, values, "training")


def test_the_learning_rate_warms_up_and_falls_along_a_cosine() -> None:
    config = _config(learning_rate=0.8, warmup_steps=4, schedule="cosine")
    assert [learning_rate(config, step, 12) for step in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    expected = [0.4 * (1 + math.cos(math.pi * n / 8)) for n in range(9)]
    assert [learning_rate(config, 4 + n, 12) for n in range(9)] == pytest.approx(expected)
    assert learning_rate(config, 40, 12) == pytest.approx(0)


def test_the_learning_rate_is_constant_unless_asked_otherwise() -> None:
    assert {learning_rate(_config(learning_rate=0.5), step, 10) for step in (0, 5, 9, 99)} == {0.5}
    assert learning_rate(_config(learning_rate=0.5, warmup_steps=2), 0, 10) == 0.25


def test_the_best_weights_are_copies_and_patience_runs_out() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    best = Best(patience=2)
    for epoch, (value, weight) in enumerate([(0.1, 1.0), (0.3, 2.0), (0.3, 3.0), (0.2, 4.0)], start=1):
        torch.nn.init.constant_(model.weight, weight)
        assert not best.exhausted
        assert best.update(value, epoch, model) == (epoch <= 2)
    assert best.exhausted
    assert (best.epoch, best.value) == (2, 0.3)
    assert best.weights["weight"].item() == 2.0
    assert best.numbers() == {"patience": 2, "value": 0.3, "epoch": 2, "waited": 2}
    assert Best(3).numbers()["value"] is None


def test_the_log_is_cut_back_to_the_checkpoint_and_survives_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"epoch": 1, "loss": 2.0}\n{"epoch": 2, "loss": 1.5}\n{"epoch": 3, "lo')
    log = MetricsLog(tmp_path, epochs_done=1)
    assert [row["epoch"] for row in log.rows] == [1]
    log.add({"epoch": 2, "loss": 1.0})
    log.close()
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}]
    assert list((tmp_path / "tensorboard").iterdir())


def test_without_a_folder_rows_stay_in_memory() -> None:
    log = MetricsLog(None)
    log.add({"epoch": 1, "loss": 2.0})
    log.close()
    assert log.rows == [{"epoch": 1, "loss": 2.0}]
