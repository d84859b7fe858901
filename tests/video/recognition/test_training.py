"""Trainings: the same numbers twice and after a cut, evaluations of both kinds of weights, checkpoints by validation."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.errors import RunError
from reverie.video.recognition.measures import accuracy, measures
from reverie.video.recognition.task import RecognitionTask
from reverie.video.recognition.training import Training

Make = Callable[..., Training]


def _weights(made: Training) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in made.learner.state_dict().items()}


class _Cut(Exception):
    pass


@pytest.mark.parametrize(("mixer", "options"), [("sv-mix", {"reuse": 2}), ("cutmix", {})])
def test_a_cut_training_goes_on_to_the_same_numbers(
    training: Make, tmp_path: Path, mixer: str, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = training(tmp_path / "whole", mixer, **options)
    found = whole.run()
    cut = training(tmp_path / "cut", mixer, **options)
    step = Training._step

    def until_five(self: Training, at: int) -> float:
        if at == 5:
            raise _Cut
        return step(self, at)

    monkeypatch.setattr(Training, "_step", until_five)
    with pytest.raises(_Cut):
        cut.run()
    monkeypatch.undo()
    again = training(tmp_path / "cut", mixer, **options)
    assert again.run().rows == found.rows
    ours, wanted = _weights(again), _weights(whole)
    assert all(torch.equal(ours[name], value) for name, value in wanted.items())


def test_both_kinds_of_weights_are_measured_at_three_checkpoints(task: RecognitionTask, training: Make, tmp_path: Path) -> None:
    made = training(tmp_path)
    found = made.run()
    assert [row["step"] for row in found.rows] == [2, 4, 6]
    chosen, by_nll, labels = found.chosen(task, "accuracy"), found.chosen(task), task.clips.labels[task.test]
    assert set(chosen) == {(weights, name) for weights in ("student", "ema") for name in ("last", "valid", "best-test")}
    for at, weights in enumerate(("student", "ema")):
        files = {row["step"]: np.load(tmp_path / f"evaluation-{row['step']:06d}.npy")[at] for row in found.rows}
        test = {step: accuracy(one[len(task.valid) :], labels) for step, one in files.items()}
        valid = {step: accuracy(one[: len(task.valid)], task.clips.labels[task.valid]) for step, one in files.items()}
        assert chosen[weights, "last"].accuracy == test[6]
        assert chosen[weights, "valid"].accuracy == test[max(valid, key=lambda step: (valid[step], -step))]
        right = {step: one[np.arange(len(task.valid)), task.clips.labels[task.valid]] for step, one in files.items()}
        assert by_nll[weights, "valid"].step == max(right, key=lambda step: np.log(right[step].astype(float)).mean())
        assert chosen[weights, "best-test"].accuracy == max(test.values())
    assert found.curves(task)["test_ema"][-1] == chosen["ema", "last"].accuracy


def test_an_evaluation_leaves_the_training_as_it_was(training: Make, tmp_path: Path) -> None:
    made = training(tmp_path)
    before = _weights(made)
    made.evaluations.add(made.learner, made.source, 0, 1, 0.0)
    assert all(torch.equal(value, before[name]) for name, value in _weights(made).items())


def test_a_loss_that_is_not_finite_is_one_sentence(training: Make, tmp_path: Path) -> None:
    usual = training(tmp_path).config
    made = training(tmp_path, config=usual.model_copy(update={"learning_rate": 1e30, "clip": 0.0}))
    with pytest.raises(RunError, match=r"the loss became .* in update \d; use a smaller training.learning_rate"):
        made.run()


def test_evaluations_that_cannot_be_read_are_one_sentence(training: Make, tmp_path: Path) -> None:
    (tmp_path / "evaluations.json").write_text(json.dumps([{"loss": 1}]))
    with pytest.raises(RunError, match="cannot be read; delete"):
        training(tmp_path).run()


def test_measures_are_those_of_a_plain_loop() -> None:
    chances = np.random.default_rng(0).dirichlet(np.ones(3), 60)
    labels = np.random.default_rng(1).integers(3, size=60)
    found = measures(chances, labels, ("a", "b", "c"), 7)
    hits = [max(range(3), key=lambda k, row=row: row[k]) == label for row, label in zip(chances, labels, strict=True)]
    assert found.accuracy == pytest.approx(sum(hits) / 60)
    assert found.nll == pytest.approx(-sum(np.log(row[label]) for row, label in zip(chances, labels, strict=True)) / 60)
    order = sorted(range(60), key=lambda i: chances[i].max())
    bins = [order[at : at + 20] for at in (0, 20, 40)]
    gaps = [abs(sum(hits[i] - chances[i].max() for i in one)) for one in bins]
    assert found.ece == pytest.approx(sum(gaps) / 60)
    assert found.by_class["b"] == pytest.approx(np.mean([hit for hit, label in zip(hits, labels, strict=True) if label == 1]))
    assert found.correct == tuple(map(int, hits))
