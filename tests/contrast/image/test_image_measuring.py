"""Neighbours, probe and interval against references."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from reverie.contrast.image.config import ImageTask
from reverie.contrast.image.images import Images, ImageSplit
from reverie.contrast.image.task import best_probe, encode, fit_probe, measure, share, vote

CPU = torch.device("cpu")


def _clouds(n: int, seed: int, noise: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (n,), generator=generator)
    centres = torch.tensor([[2.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 2.0, 0]])
    return centres[labels] + noise * torch.randn(n, 4, generator=generator), labels


@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(0.02, 5))
@settings(deadline=None)
def test_votes_are_those_of_a_loop(seed: int, neighbours: int, temperature: float) -> None:
    features, labels = _clouds(25, seed)
    asked = _clouds(6, seed + 1)[0]
    found = vote(features.double(), labels, asked.double(), neighbours, temperature, 3)
    for row, query in enumerate(asked.double().tolist()):
        cosines = []
        for example, label in zip(features.double().tolist(), labels.tolist(), strict=True):
            product = sum(a * b for a, b in zip(query, example, strict=True))
            cosines.append((product / math.hypot(*query) / math.hypot(*example), label))
        votes = [0.0, 0.0, 0.0]
        for cosine, label in sorted(cosines, reverse=True)[:neighbours]:
            votes[label] += math.exp(cosine / temperature)
        assert votes[int(found[row])] >= max(votes) * (1 - 1e-9)


def test_neighbours_refuse_what_does_not_fit() -> None:
    features, labels = _clouds(5, 0)
    with pytest.raises(ValueError, match=r"asked must have shape \[M, D\]"):
        vote(features, labels, features[:, :2], 3, 0.1, 3)
    with pytest.raises(ValueError, match=r"labels must have shape \[5\]"):
        vote(features, labels[:4], features, 3, 0.1, 3)
    with pytest.raises(ValueError, match="must be positive, got 3 and 0"):
        vote(features, labels, features, 3, 0.0, 3)


@given(st.integers(1, 3000), st.data())
@settings(deadline=None)
def test_wilson_bounds_are_where_the_score_test_turns(n: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, n))
    found = share(correct, n)
    assert found.low is not None
    assert found.high is not None
    assert (found.value, found.n, found.interval) == (correct / n, n, "wilson")
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    for bound, extreme in ((found.low, correct == 0), (found.high, correct == n)):
        if not extreme:
            distance = abs(found.value - bound)
            assert distance == pytest.approx(1.959964 * math.sqrt(bound * (1 - bound) / n), rel=1e-5)


def test_wilson_refuses_impossible_counts() -> None:
    for correct, n in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match=f"got {correct} and {n}"):
            share(correct, n)


@pytest.mark.parametrize("ridge", [1.0, 1e-2, 1e-4])
def test_the_probe_is_logistic_regression(ridge: float) -> None:
    features, labels = _clouds(200, 1)
    features = features * torch.tensor([1.0, 5.0, 0.1, 1.0]) + 3
    probe = fit_probe(features, labels, 3, ridge)
    standard = ((features - features.mean(0)) / features.std(0, correction=0)).numpy()
    reference = LogisticRegression(C=1 / (200 * ridge), tol=1e-10, max_iter=5000).fit(standard, labels.numpy())
    wanted = torch.from_numpy(reference.predict_log_proba(standard)).float()
    torch.testing.assert_close(probe.logits(features).log_softmax(1), wanted, atol=2e-3, rtol=1e-3)


def test_the_start_does_not_matter_and_a_constant_feature_does_no_harm() -> None:
    features, labels = _clouds(150, 2)
    features = torch.cat([features, torch.full((150, 1), 7.0)], 1)
    cold, warm = fit_probe(features, labels, 3, 0.01), fit_probe(features, labels, 3, 0.01, fit_probe(features, labels, 3, 1.0))
    torch.testing.assert_close(cold.logits(features), warm.logits(features), atol=2e-3, rtol=1e-3)
    assert bool(cold.logits(features).isfinite().all())


def test_the_ridge_is_chosen_on_examples_held_out() -> None:
    noise = torch.randn(120, 60, generator=torch.Generator().manual_seed(0))
    useless = torch.randint(3, (120,), generator=torch.Generator().manual_seed(1))
    assert best_probe(noise, useless, 3, (1e-5, 1e-2, 10.0), 0)[1] == 10.0  # nothing to learn: the strongest
    features, labels = _clouds(600, 3, noise=0.3)
    probe, ridge = best_probe(features, labels, 3, (1e-3, 100.0), 0)
    assert ridge == 1e-3
    assert float((probe.logits(features).argmax(1) == labels).float().mean()) > 0.95
    again = best_probe(features, labels, 3, (1e-3, 100.0), 0)[0]
    assert torch.equal(probe.weight, again.weight)


def test_the_probe_refuses_what_does_not_fit() -> None:
    features, labels = _clouds(5, 0)
    with pytest.raises(ValueError, match="labels must have shape"):
        fit_probe(features, labels[:4], 3, 0.1)
    with pytest.raises(ValueError, match="ridge must be positive, got 0"):
        fit_probe(features, labels, 3, 0)
    with pytest.raises(ValueError, match="at least 2 rows"):
        best_probe(features[:1], labels[:1], 3, (0.1,), 0)


def _part(n: int, seed: int, unknown: int = 0) -> Images:
    """Images whose colour tells the class."""
    labels = torch.randint(3, (n,), generator=torch.Generator().manual_seed(seed))
    pixels = torch.zeros(n, 3, 2, 2, dtype=torch.uint8)
    pixels[torch.arange(n), labels] = 200
    return Images(pixels, torch.where(torch.arange(n) < n - unknown, labels, -1))


def test_measure_counts_what_is_right_and_leaves_images_without_label_out() -> None:
    task = ImageTask(kind="image", data="synthetic", neighbours=3)
    split = ImageSplit(_part(60, 0, unknown=20), _part(10, 1), _part(30, 2))
    split.valid.labels[:4] = (split.valid.labels[:4] + 1) % 3
    split.test.labels[:6] = (split.test.labels[:6] + 1) % 3
    lines: list[str] = []
    selection, metrics = measure(task, split, lambda images: images.flatten(1), 0, CPU, lines.append)
    assert selection == pytest.approx(0.6)
    assert list(metrics) == ["linear_accuracy", "knn_accuracy"]
    assert [(found.value, found.n) for found in metrics.values()] == [(pytest.approx(0.8), 30)] * 2
    assert len(lines) == 1


def test_encode_gives_each_image_its_own_features() -> None:
    part = _part(1030, 0)  # more than two batches
    torch.testing.assert_close(encode(lambda images: images.flatten(1), part.pixels, CPU), part.pixels.flatten(1) / 255)
