"""Losses of value learning against check values and loops in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from reverie.nn.heads import DotHead
from reverie.objectives.full import full_softmax
from reverie.objectives.negatives import Popularity, Uniform
from reverie.rl.losses import (
    bootstrapped,
    clipped_advantage,
    double_q_target,
    expectile_loss,
    reward_contrast,
    reward_regression,
    sampled_conservative,
    sampled_log_sum_exp,
    temporal_difference,
    transition_contrast,
)
from reverie.rl.network import greedy_items


def numbers(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_double_q_takes_the_value_of_the_others_choice() -> None:
    main, target = numbers(1, 3, 2)[None], numbers(4, 0.5, 1)[None]
    for done, expected in ((False, 0.45), (True, 0.2)):
        y = double_q_target(numbers(0.2), torch.tensor([done]), 0.5, main, target)
        assert float(y) == pytest.approx(expected, abs=1e-12)
    assert float(temporal_difference(numbers(0.65), numbers(0.45))) == pytest.approx(0.02, abs=1e-12)


def test_a_terminal_transition_never_reads_the_next_value() -> None:
    y = bootstrapped(numbers(0.2, 0.2), torch.tensor([True, False]), 0.5, numbers(math.nan, 2))
    assert y.tolist() == pytest.approx([0.2, 1.2])
    values = numbers(1.0).requires_grad_()
    assert not bootstrapped(numbers(0.2), torch.tensor([False]), 0.5, values).requires_grad


def test_conservative_check_value_in_full() -> None:
    head = DotHead(numbers(1, 2, 3)[:, None], chunk=2)
    assert float(full_softmax(numbers(1)[:, None], torch.tensor([1]), head)) == pytest.approx(2.407606, abs=1e-6)


def test_uniform_draws_are_corrected_by_log_n_over_draws() -> None:
    values = torch.zeros(1, 10, dtype=torch.float64)
    log_expected = numbers(math.log(10 / 100))
    assert float(sampled_log_sum_exp(values, log_expected)) == pytest.approx(math.log(10) + math.log(10), abs=1e-9)
    drawn = Uniform(100, 10, shared=True).draw(torch.tensor([1]))
    assert float(-drawn.log_expected()) == pytest.approx(2.302585, abs=1e-6)


@pytest.mark.parametrize("source", ["uniform", "popularity"])
def test_sampled_conservative_estimates_the_full_one(source: str) -> None:
    """The sum inside the logarithm is unbiased: its mean over many draws is that over all items."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=12)
    action = 3
    counts = np.append(0, generator.integers(1, 9, 12))
    torch.manual_seed(0)
    sampler = Uniform(12, 5) if source == "uniform" else Popularity(counts, 5)
    actions = torch.full((40_000,), action)
    drawn = sampler.draw(actions)
    table = torch.from_numpy(values)
    scores = table[drawn.items - 1].masked_fill(drawn.mask(actions), float("-inf"))
    taken = table[actions - 1]
    found = sampled_conservative(taken, scores, drawn.log_expected().double())
    assert float(found.min()) >= 0
    sums = (found + taken).exp()
    expected = sum(math.exp(value) for value in values)
    assert float(sums.mean()) == pytest.approx(expected, abs=4 * float(sums.std()) / 200)
    one = scores[0].tolist()
    weights = [-float(x) for x in drawn.log_expected().double().expand(drawn.items.shape)[0]]
    inside = math.exp(taken[0]) + sum(math.exp(q + w) for q, w in zip(one, weights, strict=True))
    assert float(found[0]) == pytest.approx(math.log(inside) - float(taken[0]), abs=1e-6)
    unmasked = sampled_log_sum_exp(table[drawn.items - 1], drawn.log_expected().double()).exp()
    assert float(unmasked.mean()) == pytest.approx(expected, abs=4 * float(unmasked.std()) / 200)


def test_large_values_stay_finite() -> None:
    big = torch.tensor([80.0, -80.0])
    drawn = torch.tensor([[90.0, 1.0], [-90.0, float("-inf")]])
    assert sampled_conservative(big, drawn, torch.tensor([-20.0])).isfinite().all()
    assert sampled_log_sum_exp(drawn * 10, torch.tensor([-20.0])).isfinite().all()


def test_expectile_check_values() -> None:
    assert expectile_loss(numbers(1, -1, 2), 0.7).tolist() == pytest.approx([0.7, 0.3, 2.8])


def test_advantage_check_values() -> None:
    others = torch.full((3, 10), 0.1, dtype=torch.float64)
    assert clipped_advantage(numbers(1.2, 0.0, 1e9), others).tolist() == pytest.approx([1.0, 0.0, 10.0])
    assert not clipped_advantage(numbers(1.2).requires_grad_(), others[:1]).requires_grad


def test_reward_losses_against_loops() -> None:
    generator = np.random.default_rng(1)
    own, drawn, rewards = generator.normal(size=4), generator.normal(size=(4, 3)), np.array([1.0, 0.2, 0.0, -1.0])
    drawn[1, 2] = -np.inf
    for tau in (1.0, 0.3):
        expected = [
            max(r, 0) * -math.log(math.exp(p / tau) / (math.exp(p / tau) + sum(math.exp(n / tau) for n in row)))
            for p, row, r in zip(own, drawn, rewards, strict=True)
        ]
        found = reward_contrast(torch.from_numpy(own), torch.from_numpy(drawn), torch.from_numpy(rewards), tau)
        assert found.tolist() == pytest.approx(expected, abs=1e-9)
    expected = [
        0.5 * (p - r) ** 2 + np.mean([math.log1p(math.exp(n - p)) for n in row if n > -np.inf])
        for p, row, r in zip(own, drawn, rewards, strict=True)
    ]
    found = reward_regression(torch.from_numpy(own), torch.from_numpy(drawn), torch.from_numpy(rewards))
    assert found.tolist() == pytest.approx(expected, abs=1e-9)


def test_transition_contrast_against_a_loop() -> None:
    generator = np.random.default_rng(2)
    own, by_action, by_state = generator.normal(size=3), generator.normal(size=(3, 2)), generator.normal(size=(3, 3))
    by_state[np.arange(3), np.arange(3)] = -np.inf
    expected = []
    for p, first, second in zip(own, by_action, by_state, strict=True):
        others = sum(math.exp(n / 0.5) for n in (*first, *second))
        expected.append(-math.log(math.exp(p / 0.5) / (math.exp(p / 0.5) + others)))
    found = transition_contrast(*(torch.from_numpy(x) for x in (own, by_action, by_state)), 0.5)
    assert found.tolist() == pytest.approx(expected, abs=1e-9)


def test_greedy_items_over_chunks_and_among_allowed_ones() -> None:
    torch.manual_seed(0)
    states, table, bias, logits = torch.randn(9, 4), torch.randn(23, 4), torch.randn(23), torch.randn(23, 4)
    head, other = DotHead(table, bias, chunk=5), DotHead(logits, chunk=5)
    values, likely = states @ table.T + bias, states @ logits.T
    assert greedy_items(head, states).tolist() == (values.argmax(1) + 1).tolist()
    margin = -math.log(0.3)
    for row in range(9):
        allowed = [a for a in range(23) if likely[row, a] >= likely[row].max() - margin]
        assert len(allowed) < 23
        best = max(allowed, key=lambda a: float(values[row, a]))
        assert int(greedy_items(head, states, (other, margin))[row]) == best + 1
