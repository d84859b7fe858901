from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from reverie.objectives import bce, bpr, gbce, gbce_beta, sampled_softmax

SIZES = {"m": st.integers(1, 5), "k": st.integers(1, 6), "spread": st.sampled_from([0.1, 3.0, 30.0])}


def drawn(m: int, k: int, spread: float) -> tuple[Tensor, Tensor]:
    torch.manual_seed(m * 100 + k)
    positive = (torch.randn(m, dtype=torch.float64) * spread).requires_grad_()
    negative = torch.randn(m, k, dtype=torch.float64) * spread
    negative[0, 0] = -math.inf
    return positive, negative.requires_grad_()


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def close_with_gradients(ours: Tensor, naive: Tensor, inputs: list[Tensor]) -> None:
    torch.testing.assert_close(ours, naive)
    incoming = torch.rand_like(ours)
    for got, wanted in zip(torch.autograd.grad(ours, inputs, incoming), torch.autograd.grad(naive, inputs, incoming), strict=True):
        assert got.isfinite().all()
        torch.testing.assert_close(got, wanted.nan_to_num(0.0))


@settings(max_examples=30, deadline=None)
@given(temperature=st.sampled_from([0.1, 1.0, 4.0]), weighted=st.booleans(), **SIZES)
def test_sampled_softmax_equals_a_loop(m: int, k: int, spread: float, temperature: float, weighted: bool) -> None:
    positive, negative = drawn(m, k, min(spread, 3.0))
    weights = torch.randn(m, k, dtype=torch.float64) if weighted else torch.zeros(m, k, dtype=torch.float64)
    rows = []
    for i in range(m):
        total = torch.exp(positive[i] / temperature)
        for j in range(k):
            total = total + torch.exp(weights[i, j] + negative[i, j] / temperature)
        rows.append(total.log() - positive[i] / temperature)
    ours = sampled_softmax(positive, negative, weights if weighted else None, temperature)
    close_with_gradients(ours, torch.stack(rows), [positive, negative])


@settings(max_examples=30, deadline=None)
@given(beta=st.sampled_from([0.0, 0.3, 1.0]), **SIZES)
def test_gbce_and_bce_equal_a_loop(m: int, k: int, spread: float, beta: float) -> None:
    positive, negative = drawn(m, k, min(spread, 3.0))
    rows = []
    for i in range(m):
        value = -beta * torch.log(torch.sigmoid(positive[i]))
        for j in range(k):
            value = value - torch.log(1 - torch.sigmoid(negative[i, j]))
        rows.append(value)
    close_with_gradients(gbce(positive, negative, beta), torch.stack(rows), [positive, negative])
    torch.testing.assert_close(bce(positive, negative), gbce(positive, negative, 1.0))


@settings(max_examples=30, deadline=None)
@given(**SIZES)
def test_bpr_equals_a_loop_over_what_is_not_masked(m: int, k: int, spread: float) -> None:
    positive, negative = drawn(m, k, spread)
    loss = bpr(positive, negative)
    gradient = torch.autograd.grad(loss.sum(), positive)[0]
    for i, (value, slope) in enumerate(zip(loss.tolist(), gradient.tolist(), strict=True)):
        margins = [float(positive.detach()[i]) - x for x in negative[i].tolist() if math.isfinite(x)]
        naive = [math.log1p(math.exp(-x)) if x > 0 else -x + math.log1p(math.exp(x)) for x in margins]
        assert value == pytest.approx(sum(naive) / max(len(naive), 1))
        assert slope == pytest.approx(-sum(sigmoid(-x) for x in margins) / max(len(margins), 1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("size", [1e4, 0.0])
def test_extreme_scores_stay_finite(dtype: torch.dtype, size: float) -> None:
    positive = torch.tensor([size, -size, size], dtype=dtype, requires_grad=True)
    negative = torch.tensor([[-size, size], [size, -size], [size, -math.inf]], dtype=dtype, requires_grad=True)
    losses = [sampled_softmax(positive, negative, None, t) for t in (1.0, 0.01)]
    for loss in [*losses, bce(positive, negative), gbce(positive, negative, 0.5), bpr(positive, negative)]:
        assert loss.dtype == torch.float32
        assert loss.isfinite().all()
        for gradient in torch.autograd.grad(loss.sum(), [positive, negative]):
            assert gradient.isfinite().all()


def test_small_losses_keep_their_digits() -> None:
    loss = sampled_softmax(torch.tensor([25.0]), torch.tensor([[0.0]]))
    assert float(loss) == pytest.approx(math.log1p(math.exp(-25.0)), rel=1e-5)


@pytest.mark.parametrize(("function", "value"), [(sampled_softmax, 0.0), (bpr, 0.0), (bce, math.log(2))])
def test_all_negatives_masked_is_defined(function: object, value: float) -> None:
    assert callable(function)
    positive, negative = torch.zeros(2, requires_grad=True), torch.full((2, 3), -math.inf, requires_grad=True)
    loss = function(positive, negative)
    assert loss.tolist() == pytest.approx([value] * 2)
    gradients = torch.autograd.grad(loss.sum(), [positive, negative])
    assert gradients[1].tolist() == [[0.0] * 3] * 2
    assert gradients[0].tolist() == [-0.5 * (value > 0)] * 2


def test_log_weight_may_be_a_function_of_the_raw_scores() -> None:
    positive, negative = torch.randn(3), torch.randn(3, 4)
    ours = sampled_softmax(positive, negative, lambda scores: -((scores - 0.3) ** 2), temperature=0.2)
    torch.testing.assert_close(ours, sampled_softmax(positive, negative, -((negative - 0.3) ** 2), temperature=0.2))
    moved = sampled_softmax(positive, negative, torch.tensor([math.log(2.0)]))
    torch.testing.assert_close(moved, sampled_softmax(positive, torch.cat([negative, negative], 1)))


def test_beta_has_the_identities_of_the_paper() -> None:
    rate = 256 / 12100
    assert gbce_beta(256, 12101, 0.0) == 1.0
    assert gbce_beta(256, 12101, 1.0) == pytest.approx(rate)
    assert gbce_beta(256, 12101, 0.75) == pytest.approx(rate * (0.75 * (1 - 1 / rate) + 1 / rate))
    assert gbce_beta(50, 11, 0.5) == 1.0


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("positive", lambda: bce(torch.zeros(2, 1), torch.zeros(2, 1))),
        ("negative", lambda: bpr(torch.zeros(2), torch.zeros(3, 1))),
        ("negative", lambda: sampled_softmax(torch.zeros(2), torch.zeros(2, 0))),
        ("temperature", lambda: sampled_softmax(torch.zeros(2), torch.zeros(2, 1), temperature=0.0)),
        ("temperature", lambda: sampled_softmax(torch.zeros(2), torch.zeros(2, 1), temperature=math.nan)),
        ("log_weight", lambda: sampled_softmax(torch.zeros(2), torch.zeros(2, 1), torch.zeros(2, 3))),
        ("beta", lambda: gbce(torch.zeros(2), torch.zeros(2, 1), -1.0)),
        ("n", lambda: gbce_beta(0, 10, 0.5)),
        ("n_items", lambda: gbce_beta(1, 1, 0.5)),
        ("t", lambda: gbce_beta(1, 10, 1.5)),
    ],
)
def test_errors_name_the_argument(name: str, call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=f"^{name} "):
        call()
