"""Training, measuring and baselines on generated graphs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC
from torch import Tensor

from reverie.contrast.graph.config import GraphTask
from reverie.contrast.graph.graphs import synthetic_trees
from reverie.contrast.graph.task import GRID, GraphLearning, check_folds, new_encoder, open_task, svc_accuracy, train_encoder
from reverie.contrast.recipe import CONTRAST
from reverie.contrast.study import ContrastStudy
from reverie.errors import ConfigError, DataError
from reverie.objectives import ScoreLoss, create_loss
from reverie.objectives.config import ADNCE, InfoNCE
from reverie.objectives.softmax import sampled_softmax
from reverie.seeds import numpy_generator

SMALL = GraphTask(kind="graph", data="synthetic", dim=16, layers=2, epochs=10, batch_size=32, folds=3, inner_folds=3)
INFO_NCE = InfoNCE(kind="info_nce", temperature=0.2)


def _quiet(line: str) -> None:
    assert "\n" not in line


def test_options_are_readable_without_torch() -> None:
    code = "import sys, reverie.contrast.graph.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(ValidationError):
        GraphTask(kind="graph", data="../secret")


def test_a_study_of_generated_graphs() -> None:
    task = open_task(SMALL)
    assert (task.dataset, task.protocol) == ("synthetic", "svc_3_folds")
    assert task.sha256 == synthetic_trees().sha256()
    lines: list[str] = []
    outcome = task.train(create_loss(INFO_NCE), 0, lines.append)
    losses = [float(line.rpartition(" ")[2]) for line in lines]
    assert lines[0].startswith("epoch 1/10: loss ")
    assert losses[-1] < losses[0] - 0.2
    accuracy = outcome.metrics["accuracy"]
    assert list(outcome.metrics) == ["accuracy"]
    assert accuracy.value > 0.75
    assert (accuracy.n, accuracy.interval, outcome.epoch) == (120, "folds(3)", 10)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.spread is not None
    reach = 4.302653 * accuracy.spread / 3**0.5  # t of 2 degrees of freedom
    assert accuracy.value - accuracy.low == pytest.approx(reach)
    assert accuracy.high == pytest.approx(min(accuracy.value + reach, 1))
    assert 0.5 < outcome.selection <= 1
    assert len(outcome.cosines) == 21
    assert list(outcome.cosines) == sorted(outcome.cosines)
    assert outcome.cosines[0] >= -1
    assert outcome.cosines[-1] <= 1
    assert outcome.cosines[10] < 0.9

    assert task.train(create_loss(INFO_NCE), 0, _quiet) == outcome


def test_baselines_are_measured_in_the_same_way() -> None:
    task = open_task(SMALL)
    assert task.baselines == ("untrained", "raw")
    untrained, raw = (task.baseline(name, 0, _quiet) for name in task.baselines)
    assert untrained.metrics["accuracy"].value > raw.metrics["accuracy"].value + 0.1  # sums know nothing of the structure
    assert abs(raw.metrics["accuracy"].value - 0.5) < 0.15
    for outcome in (untrained, raw):
        assert (outcome.epoch, outcome.cosines) == (None, ())
        assert (outcome.metrics["accuracy"].n, outcome.metrics["accuracy"].interval) == (120, "folds(3)")
    assert task.baseline("untrained", 0, _quiet) == untrained
    assert task.baseline("untrained", 1, _quiet) != untrained
    with pytest.raises(ConfigError, match=r"unknown baseline 'rwa' .did you mean 'raw'"):
        task.baseline("rwa", 0, _quiet)


def _recorded(seen: list[Tensor], sign: float, draws: bool) -> ScoreLoss:
    def function(positive: Tensor, negative: Any, temperature: float) -> Tensor:
        seen.append(positive.detach())
        if draws:
            torch.rand(3)
        return sign * sampled_softmax(positive, negative, temperature=temperature)

    return ScoreLoss(function, 0.2)


def test_two_losses_at_one_seed_see_the_same_graphs_and_views() -> None:
    graphs = synthetic_trees(20).graphs
    still = SMALL.model_copy(update={"learning_rate": 1e-30, "epochs": 3, "batch_size": 8, "augmentation": "random4"})
    runs: list[list[Tensor]] = []
    for seed, sign, draws in ((0, 1.0, False), (0, -1.0, True), (1, 1.0, False)):
        seen: list[Tensor] = []
        train_encoder(new_encoder(3, still, seed), graphs, _recorded(seen, sign, draws), still, seed, _quiet)
        runs.append(seen)
    assert [len(step) for step in runs[0]] == [8, 8, 4] * 3
    for ours, other in zip(runs[0], runs[1], strict=True):
        torch.testing.assert_close(ours, other)
    assert not torch.allclose(runs[0][0], runs[2][0])
    assert not torch.allclose(runs[0][0], runs[0][3])  # another epoch: another order, other views


def test_a_last_batch_of_one_graph_is_left_out() -> None:
    seen: list[Tensor] = []
    config = SMALL.model_copy(update={"epochs": 1, "batch_size": 4})
    train_encoder(new_encoder(3, config, 0), synthetic_trees(9).graphs, _recorded(seen, 1.0, False), config, 0, _quiet)
    assert [len(step) for step in seen] == [4, 4]


def test_other_losses_train_too() -> None:
    graphs, config = synthetic_trees(24).graphs, SMALL.model_copy(update={"epochs": 8, "batch_size": 12})
    for loss in (
        ADNCE(kind="adnce", variant="graph", mu=0.7, sigma=1, temperature=0.15),
        ADNCE(kind="adnce", variant="graph", mu=0.7, sigma=1, temperature=0.15, shuffled=True),
    ):
        found = [train_encoder(new_encoder(3, config, 0), graphs, create_loss(loss), config, 0, _quiet)[0] for _ in range(2)]
        assert found[0] == found[1]
        assert found[0][-1] < found[0][0]


@pytest.mark.parametrize("scaled", [True, False])
def test_accuracies_are_those_of_nested_loops(scaled: bool) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(48) % 2
    vectors = rng.normal(size=(48, 3)) * [1, 10, 0.1] + labels[:, None] * [0.8, 0, 0.1]

    def accuracy(learn: Any, test: Any, c: float) -> float:
        x = vectors
        if scaled:
            x = (x - x[learn].mean(0)) / x[learn].std(0)
        machine = SVC(C=c, gamma=1 / (3 * x[learn].var())).fit(x[learn], labels[learn])
        return float((machine.predict(x[test]) == labels[test]).mean())

    outer, inner = (int(state) for state in numpy_generator(5, "graph folds").integers(2**31, size=2))
    found, chosen = [], []
    for others, tested in StratifiedKFold(4, shuffle=True, random_state=outer).split(vectors, labels):
        parts = list(StratifiedKFold(3, shuffle=True, random_state=inner).split(vectors[others], labels[others]))
        means = [np.mean([accuracy(others[a], others[b], c) for a, b in parts]) for c in GRID]
        chosen.append(max(means))
        found.append(accuracy(others, tested, GRID[int(np.argmax(means))]))
    selection, measure = svc_accuracy(vectors, labels, 4, 3, scaled, 5)
    assert selection == pytest.approx(np.mean(chosen))
    assert measure.value == pytest.approx(np.mean(found))
    assert measure.spread == pytest.approx(np.std(found, ddof=1))
    assert (measure.n, measure.interval) == (48, "folds(4)")


def test_classes_too_small_for_the_folds_are_told() -> None:
    check_folds(np.arange(20) % 2, 10, 5)
    with pytest.raises(DataError, match="the smallest class has 9 graphs, too few for folds=10"):
        check_folds(np.arange(18) % 2, 10, 5)
    with pytest.raises(DataError, match="the smallest class has 5 graphs, too few for folds=5 with inner_folds=5"):
        check_folds(np.arange(10) % 2, 5, 5)
    with pytest.raises(DataError, match="one class only"):
        check_folds(np.zeros(30, dtype=np.int64), 3, 3)


def test_other_scaling_is_another_protocol() -> None:
    assert GraphLearning(SMALL.model_copy(update={"scaled": False}), synthetic_trees()).protocol == "svc_3_folds_unscaled"


def test_a_loss_that_overflows_is_a_trial_that_lost(tmp_path: Path) -> None:
    row = {"loss": {"kind": "rince", "q": 1.0}, "grid": {"temperature": [0.005]}}
    task = SMALL.model_dump(mode="json") | {"epochs": 3}
    recipe = CONTRAST.parse({"name": "lost", "task": task, "rows": {"rince": row}, "against": "rince"}, "lost")
    study = ContrastStudy(recipe, tmp_path)
    lost = study.run(next(study.cells({})), _quiet)
    assert lost.outcome is None
    assert "higher temperature" in lost.note
