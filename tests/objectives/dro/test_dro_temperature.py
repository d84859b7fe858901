from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import lambertw
from torch import Tensor

from reverie.objectives import sampled_softmax
from reverie.objectives.dro import (
    AdapTau,
    AnchorTau,
    TemperatureRule,
    entropic_mean,
    kl_dro,
    lambert_w,
    learn_temperature,
    radius,
    tau_exact,
)

SINGLE = {"rtol": 1e-5, "atol": 1e-6}
"""What is averaged is kept in float32."""


def batch(m: int = 6, k: int = 9, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(seed)
    negative = torch.randn(m, k, dtype=torch.float64) * (torch.rand(m, 1, dtype=torch.float64) + 0.3)
    negative[0, 2] = negative[-1, 0] = -torch.inf
    return torch.randn(m, dtype=torch.float64), negative, torch.arange(m) % 3


def test_a_temperature_per_sample_is_the_exact_one() -> None:
    positive, negative, _ = batch()
    learned = learn_temperature(0.4, "sample")
    tau = learned(positive, negative.requires_grad_())
    assert tau.shape == (6, 1)
    assert not tau.requires_grad
    torch.testing.assert_close(tau[:, 0], tau_exact(negative, 0.4))
    assert not learned.state_dict()


def test_a_global_temperature_gives_the_mean_radius() -> None:
    positive, negative, _ = batch()
    learned = learn_temperature(0.4, decay=0.5)
    tau = learned(positive, negative)
    assert float(radius(negative, float(tau[0])).mean()) == pytest.approx(0.4, rel=1e-5)
    assert (tau == tau[0]).all()
    other = learn_temperature(0.4)(positive, 3 * negative)
    torch.testing.assert_close(other, 3 * tau, **SINGLE)
    mixed = learned(positive, 3 * negative)
    torch.testing.assert_close(mixed, tau * 3 ** (0.5 / 0.75), **SINGLE)  # weights ½ and ¼ of what was seen, in logarithms
    learned.eval()
    torch.testing.assert_close(learned(positive, 100 * negative), mixed)


def test_a_temperature_per_user_gives_the_mean_radius_of_the_users_rows() -> None:
    positive, negative, users = batch()
    learned = learn_temperature(0.4, "user", n_users=5, decay=0.5)
    tau = learned(positive, negative, users)
    for user in range(3):
        mine = users == user
        assert (tau[mine] == tau[mine][0]).all()
        assert float(radius(negative[mine], float(tau[mine][0])).mean()) == pytest.approx(0.4, rel=1e-5)
    first = users == 0
    learned(positive[first], 3 * negative[first], users[first])
    learned.eval()
    again = learned(positive, negative, users)
    torch.testing.assert_close(again[first], tau[first] * 3 ** (0.5 / 0.75), **SINGLE)
    torch.testing.assert_close(again[~first], tau[~first], **SINGLE)
    unseen = learned(positive[:1], negative[:1], torch.tensor([4]))
    torch.testing.assert_close(unseen[:, 0], tau_exact(negative[:1], 0.4))
    torch.testing.assert_close(learned(positive[:1], 2 * negative[:1], torch.tensor([4])), 2 * unseen, **SINGLE)


@pytest.mark.parametrize("form", ["global", "sample", "user"])
def test_rows_without_negatives_and_scores_that_cannot_reach_the_radius(form: str) -> None:
    positive, negative, users = batch()
    options = {"n_users": 3} if form == "user" else {}
    full = learn_temperature(0.4, form, minimum=0.05, **options)
    wanted = full(positive, negative, users)
    negative = torch.cat([negative, torch.full((1, 9), -torch.inf, dtype=torch.float64)])
    positive, users = torch.cat([positive, positive[:1]]), torch.cat([users, users[:1]])
    padded = learn_temperature(0.4, form, minimum=0.05, **options)
    tau = padded(positive, negative, users)
    torch.testing.assert_close(tau[:-1], wanted, **SINGLE)
    assert float(tau[-1]) == 0.05
    torch.testing.assert_close(dict(padded.state_dict()), dict(full.state_dict()))
    for flat in (torch.zeros(7, 9), torch.full((7, 9), -torch.inf), torch.zeros(7, 1)):
        assert (learn_temperature(0.4, form, minimum=0.05, **options)(positive, flat, users) == 0.05).all()
    assert (learn_temperature(1e-9, form, maximum=2.0, **options)(positive, negative, users)[:-1] == 2.0).all()


def test_the_gradient_of_the_robust_loss_needs_no_gradient_of_tau() -> None:
    positive, negative, _ = batch()
    for leaf in (positive, negative):
        leaf.requires_grad_()
    eta, tau = 0.4, learn_temperature(0.4, "sample")(positive, negative)[:, 0]
    held = -positive + entropic_mean(negative, tau) + tau * eta
    moving = tau_exact(negative, eta)
    through = -positive + entropic_mean(negative, moving) + moving * eta
    robust = -positive + kl_dro(negative, eta).value
    torch.testing.assert_close(held, robust)
    wanted = torch.autograd.grad(through.sum(), (positive, negative))
    for loss in (held, robust):
        torch.testing.assert_close(torch.autograd.grad(loss.sum(), (positive, negative)), wanted)
    off = -positive + entropic_mean(negative, 2 * tau) + 2 * tau * eta
    assert (off > held).all()


def test_the_gradient_is_right_for_a_group_too() -> None:
    positive, negative, _ = batch()
    eta = 0.4

    def dual(f: Tensor) -> float:
        tau = float(learn_temperature(eta)(positive, f)[0])
        return float(entropic_mean(f, tau).mean()) + tau * eta

    tau = float(learn_temperature(eta)(positive, negative)[0])
    leaf = negative.clone().requires_grad_()
    held = torch.autograd.grad(entropic_mean(leaf, tau).mean(), leaf)[0]
    for place in [(0, 0), (1, 3), (5, 8)]:
        step = torch.zeros_like(negative)
        step[place] = 1e-3
        assert (dual(negative + step) - dual(negative - step)) / 2e-3 == pytest.approx(float(held[place]), abs=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: learn_temperature(0.4),
        lambda: learn_temperature(0.4, "user", n_users=3),
        lambda: AdapTau(3, 50, 40),
        lambda: AnchorTau(3, 0.4),
    ],
)
def test_what_was_learned_is_saved(make: object) -> None:
    first, second = make(), make()  # type: ignore[operator]
    assert isinstance(first, TemperatureRule)
    for seed in range(3):
        positive, negative, users = batch(seed=seed)
        before = first(positive + 2, negative, users)
        assert before.shape == (6, 1)
        assert (before > 0).all()
    second.load_state_dict(first.state_dict())
    for module in (first, second):
        module.eval()
    torch.testing.assert_close(first(positive, negative, users), second(positive, negative, users))
    kept = {name: value.clone() for name, value in second.state_dict().items()}
    second(positive + 1, negative * 4, users)
    torch.testing.assert_close(second.state_dict(), kept)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_scores_teach_a_softmax_loss(dtype: torch.dtype) -> None:
    positive, negative, users = batch()
    for temperature in (learn_temperature(0.4, "sample"), AdapTau(3, 50, 40), AnchorTau(3, 0.4)):
        leaf = negative.to(dtype).requires_grad_()
        tau = temperature(positive.to(dtype), leaf, users)
        assert tau.dtype == torch.float32
        loss = sampled_softmax(positive.to(dtype), leaf, temperature=tau)
        assert loss.isfinite().all()
        assert torch.autograd.grad(loss.sum(), leaf)[0].isfinite().all()


@settings(max_examples=60, deadline=None)
@given(z=st.floats(-1 / math.e + 1e-9, 1e12))
def test_lambert_w_equals_scipy(z: float) -> None:
    got = lambert_w(torch.tensor([z, z], dtype=torch.float64))
    np.testing.assert_allclose(got.numpy(), lambertw(z).real, rtol=1e-7, atol=1e-12)
    assert float(got[0] * got[0].exp()) == pytest.approx(z, rel=1e-9, abs=1e-12)
    assert float(lambert_w(torch.tensor(z, dtype=torch.float32))) == pytest.approx(float(got[0]), rel=1e-3, abs=1e-3)


def test_lambert_w_at_its_ends() -> None:
    ends = lambert_w(torch.tensor([-1 / math.e, -5.0, 0.0, math.e], dtype=torch.float64))
    assert ends.tolist() == pytest.approx([-1, -1, 0, 1], abs=1e-7)
    with pytest.raises(ValueError, match="z must be floating"):
        lambert_w(torch.tensor([1]))


def test_adap_tau_follows_its_formula() -> None:
    positive, negative, users = batch()
    positive = positive.abs() + 1
    module = AdapTau(4, 30, 20, beta=0.5, decay=0.8)
    real = negative[negative.isfinite()].mean()
    tau_0 = (positive.mean() - real) / (math.log(4 * 30 / 20) + math.log(0.5))
    first = module(positive, negative, users)
    torch.testing.assert_close(first, tau_0.expand(6, 1), **SINGLE)
    loss = [
        math.log1p(sum(math.exp((n - p) / float(tau_0)) for n in row))
        for p, row in zip(positive.tolist(), negative.tolist(), strict=True)
    ]
    mine = [(loss[u] + loss[u + 3]) / 2 for u in range(3)]
    module.eval()
    second = module(positive, negative, torch.tensor([0, 1, 2, 3, 0, 1]))[:, 0].tolist()
    for u in range(3):
        above = max((mine[u] - sum(mine) / 3) / 0.5, -1 / math.e + 1e-15)
        assert second[u] == pytest.approx(float(tau_0) * math.exp(lambertw(above).real), rel=1e-5)
    assert second[3] == pytest.approx(float(tau_0))
    assert max(second) > float(tau_0) > min(second) >= float(tau_0) / math.e * (1 - 1e-6)
    assert (AdapTau(4, 30, 20, maximum=3.0)(-positive, negative, users) == 3.0).all()


def test_anchor_tau_takes_the_described_steps() -> None:
    module = AnchorTau(4, 0.3, initial=0.5, rate=0.02, momentum=0.6, gamma=0.7)
    tau, speed, u = [0.5] * 4, [0.0] * 4, [None] * 4
    for seed in range(3):
        positive, negative, users = batch(seed=seed)
        got = module(positive, negative, users)[:, 0]
        assert got.tolist() == pytest.approx([tau[i] for i in users.tolist()], rel=1e-5)
        for anchor in range(3):
            g, lean = [], []
            for row in range(6):
                if int(users[row]) == anchor:
                    h = [float(n - positive[row]) / tau[anchor] for n in negative[row] if n > -math.inf]
                    g.append(sum(math.exp(x) for x in h) / len(h))
                    lean.append(sum(math.exp(x) * x for x in h) / len(h))
            now = sum(g) / len(g)
            u[anchor] = now if u[anchor] is None else 0.3 * u[anchor] + 0.7 * now
            slope = math.log(u[anchor]) + 0.3 - sum(lean) / len(lean) / u[anchor]
            speed[anchor] = 0.6 * speed[anchor] + 0.4 * slope
            tau[anchor] -= 0.02 * speed[anchor]
    assert module.tau.tolist() == pytest.approx(tau, rel=1e-5)
    assert module.speed.tolist() == pytest.approx(speed, rel=1e-4)


def test_anchor_tau_settles_where_the_radius_is_reached() -> None:
    positive, negative, _ = batch()
    module = AnchorTau(6, 0.4, initial=0.3, rate=0.02, momentum=0.5, gamma=1.0)
    for _ in range(500):
        tau = module(positive, negative, torch.arange(6))
    torch.testing.assert_close(tau[:, 0], tau_exact(negative, 0.4), rtol=1e-3, atol=1e-4)
    wild = AnchorTau(6, 0.4, initial=0.01)
    for sign in (1, -1, 1):
        wild(sign * 1000 * positive, 1000 * negative, torch.arange(6))
    assert ((wild.tau >= 0.0099) & (wild.tau <= 10)).all()
    empty = AnchorTau(6, 0.4)
    empty(positive, torch.full((6, 9), -torch.inf), torch.arange(6))
    assert torch.equal(empty.tau, AnchorTau(6, 0.4).tau)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: learn_temperature(0.0), "radius must be positive"),
        (lambda: learn_temperature(0.1, "row"), "form must be"),
        (lambda: learn_temperature(0.1, "user"), "n_users is needed"),
        (lambda: learn_temperature(0.1, n_users=3), "n_users is needed for form 'user' and for no other"),
        (lambda: learn_temperature(0.1, decay=1.0), "decay must lie"),
        (lambda: learn_temperature(0.1, "user", n_users=0), "n must be at least 1"),
        (lambda: learn_temperature(0.1, minimum=2.0, maximum=1.0), "minimum and maximum"),
        (lambda: learn_temperature(0.1)(torch.zeros(3), torch.zeros(2, 3)), r"negative must have shape \[3, K\]"),
        (lambda: learn_temperature(0.1)(torch.zeros(1), torch.tensor([[math.nan, 0.0]])), r"negative \[1, 2\] holds NaN"),
        (
            lambda: learn_temperature(0.1, "user", n_users=2)(torch.zeros(3), torch.zeros(3, 3)),
            r"users must have shape \[3\].*got None",
        ),
        (
            lambda: AdapTau(3, 50, 40)(torch.zeros(2), torch.zeros(2, 3), torch.tensor([0, 3])),
            r"users must be codes 0\.\.2, got 0\.\.3",
        ),
        (lambda: AdapTau(3, 5, 8), "n_events must be positive and less than half of 3 x 5"),
        (lambda: AdapTau(3, 50, 4, beta=0.0), "beta must be positive"),
        (lambda: AnchorTau(0, 0.1), "n_anchors must be positive"),
        (lambda: AnchorTau(3, 0.1, momentum=1.0), "momentum must lie"),
        (lambda: AnchorTau(3, 0.1, gamma=0.0), "gamma must lie"),
        (lambda: AnchorTau(3, 0.1, initial=0.001), "initial must lie"),
    ],
)
def test_bad_input(call: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        call()  # type: ignore[operator]


def test_adap_tau_learns_nothing_from_rows_without_negatives() -> None:
    rule = AdapTau(4, 50, 40).train()
    generator = torch.Generator().manual_seed(0)
    positive, negative, users = 0.5 + torch.rand(3, generator=generator) / 9, torch.rand(3, 8, generator=generator), torch.arange(3)
    rule(positive, negative, users)
    before = {name: value.clone() for name, value in rule.state_dict().items()}
    nothing = torch.full((1, 8), -torch.inf)
    assert bool(rule(positive[:1], nothing, users[:1]).isfinite().all())
    assert all(torch.equal(value, before[name]) for name, value in rule.state_dict().items())
    mixed = rule(positive, torch.cat([negative[:2], nothing]), users)
    assert bool(mixed.isfinite().all())
    assert all(bool(value.isfinite().all()) for value in rule.state_dict().values())
    assert torch.equal(rule.losses.total[2], before["losses.total"][2])
