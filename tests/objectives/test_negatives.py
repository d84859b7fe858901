from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from reverie.objectives import NegativesConfig, create_sampler
from reverie.objectives.negatives import InBatch, Popularity, Uniform

COUNTS = np.array([99, 0, 1, 3, 0, 16])


def frequencies(items: torch.Tensor, n_items: int) -> np.ndarray:
    return np.bincount(items.numpy().ravel(), minlength=n_items + 1)[1:]


def test_uniform_draws_every_item_alike() -> None:
    torch.manual_seed(0)
    drawn = Uniform(7, 50).draw(torch.ones(400, dtype=torch.int64))
    assert drawn.items.shape == (400, 50)
    assert stats.chisquare(frequencies(drawn.items, 7)).pvalue > 1e-3
    assert drawn.log_expected().tolist() == pytest.approx([math.log(50 / 7)])


@pytest.mark.parametrize("power", [1.0, 0.5, 0.0])
def test_popularity_draws_by_counts_to_a_power(power: float) -> None:
    torch.manual_seed(0)
    drawn = Popularity(COUNTS, 50, power=power).draw(torch.ones(400, dtype=torch.int64))
    share = np.where(COUNTS[1:] > 0, COUNTS[1:] ** power, 0.0)
    share = share / share.sum()
    seen = frequencies(drawn.items, 5)
    assert (seen[share == 0] == 0).all()
    assert stats.chisquare(seen[share > 0], 20_000 * share[share > 0]).pvalue > 1e-3
    np.testing.assert_allclose(drawn.log_q.exp().numpy(), share[drawn.items.numpy() - 1], rtol=1e-5)


def test_shared_draws_are_one_set() -> None:
    targets = torch.tensor([3, 5, 3])
    for sampler in (Uniform(5, 4, shared=True), Popularity(COUNTS, 4, shared=True)):
        drawn = sampler.draw(targets)
        assert drawn.items.shape == (4,)
        assert drawn.mask(targets).tolist() == [[int(i) == t for i in drawn.items] for t in targets.tolist()]


def test_in_batch_masks_equal_targets_and_knows_q() -> None:
    targets = torch.tensor([3, 5, 3, 2])
    counted = InBatch(COUNTS).draw(targets)
    assert counted.items.tolist() == targets.tolist()
    assert counted.n == 3
    assert counted.mask(targets).sum(1).tolist() == [2, 1, 2, 1]
    share = np.maximum(COUNTS[1:], 1) / np.maximum(COUNTS[1:], 1).sum()
    np.testing.assert_allclose(counted.log_q.exp().numpy(), share[targets.numpy() - 1], rtol=1e-5)
    assert InBatch().draw(targets).log_q.exp().tolist() == pytest.approx([0.5, 0.25, 0.5, 0.25])
    assert InBatch().draw(targets[:1]).n == 1


def test_the_seed_decides() -> None:
    targets = torch.ones(3, dtype=torch.int64)
    for sampler in (Uniform(100, 8), Popularity(np.arange(101), 8)):
        torch.manual_seed(5)
        first = sampler.draw(targets).items
        torch.manual_seed(5)
        assert torch.equal(sampler.draw(targets).items, first)


def test_a_very_long_tail_is_reached() -> None:
    counts = np.ones(200_001, dtype=np.int64)
    counts[1] = 10**9
    torch.manual_seed(0)
    drawn = Popularity(counts, 200_000, shared=True).draw(torch.ones(1, dtype=torch.int64))
    assert int(drawn.items.max()) > 1
    assert drawn.log_q.isfinite().all()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("n", lambda: Uniform(5, 0)),
        ("n_items", lambda: Uniform(0, 5)),
        ("n", lambda: Popularity(COUNTS, -1)),
        ("power", lambda: Popularity(COUNTS, 1, power=-0.5)),
        ("counts", lambda: Popularity(np.zeros(4), 1)),
        ("counts", lambda: InBatch(-COUNTS)),
        ("counts", lambda: create_sampler(NegativesConfig(source="popularity"), 5)),
        ("counts", lambda: create_sampler(NegativesConfig(source="popularity"), 6, COUNTS)),
    ],
)
def test_errors_name_the_argument(name: str, call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
