from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from torch import Tensor

from reverie.objectives.dro import (
    ChiSquare,
    Divergence,
    KullbackLeibler,
    effective_inv_tau,
    entropic_mean,
    kl_dro,
    mean_variance,
    phi_dro,
    radius,
    tau_approx,
    tau_exact,
)

F = torch.tensor([-0.5, -0.2, 0.0, 0.1, 0.3, 0.6], dtype=torch.float64)
CHECK = {"rel": 0, "abs": 6e-7}
PHIS: list[Divergence] = [KullbackLeibler(), ChiSquare()]

rows = st.lists(st.integers(-40, 40).map(lambda i: i / 20), min_size=2, max_size=9)
etas = st.sampled_from([1e-3, 0.05, 0.3, 0.9, 2.5])


def vector(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def divergence(q: np.ndarray, phi: Divergence) -> float:
    return float(phi.phi(torch.as_tensor(q * len(q))).mean())


@pytest.mark.parametrize(("eta", "value"), [(0.01, 0.099461), (0.1, 0.205367), (0.5, 0.386567), (1.0, 0.504792)])
def test_kl_dro_has_the_known_values_and_the_primal_agrees(eta: float, value: float) -> None:
    found = kl_dro(F, eta)
    assert float(found.value) == pytest.approx(value, **CHECK)
    assert float((found.weights * F).sum()) == pytest.approx(float(found.value), rel=1e-12)
    torch.testing.assert_close(found.weights, (F / found.tau).softmax(0))
    assert divergence(found.weights.numpy(), KullbackLeibler()) == pytest.approx(eta, rel=1e-10)
    assert float(found.tau) == pytest.approx(float(tau_exact(F, eta)))
    info_nce = -0.8 / found.tau + (F / found.tau).exp().mean().log()
    assert float(-0.8 + found.value) == pytest.approx(float(found.tau * info_nce + found.tau * eta), rel=1e-12)


EXACT = {0.001: (7.824515, 7.826238), 0.01: (2.469419, 2.474874), 0.1: (0.765153, 0.782624), 0.5: (0.308367, 0.35)}


@pytest.mark.parametrize(("eta", "exact", "approx"), [(eta, *pair) for eta, pair in EXACT.items()] + [(1.0, 0.18208, 0.247487)])
def test_temperatures_have_the_known_values(eta: float, exact: float, approx: float) -> None:
    assert float(tau_exact(F, eta)) == pytest.approx(exact, **CHECK)
    assert float(tau_approx(F, eta)) == pytest.approx(approx, **CHECK)


@pytest.mark.parametrize(("tau", "eta"), [(1.0, 0.059639), (0.5, 0.221007), (0.2, 0.90164), (0.1, 1.544558), (0.05, 1.773869)])
def test_radius_has_the_known_values(tau: float, eta: float) -> None:
    assert float(radius(F, tau)) == pytest.approx(eta, **CHECK)


@pytest.mark.parametrize(("tau", "full", "short"), [(1.0, 0.110708, 0.11125), (5.0, 0.062246, 0.06225), (20.0, 0.053062, 0.053062)])
def test_mean_variance_has_the_known_values(tau: float, full: float, short: float) -> None:
    assert float(entropic_mean(F, tau)) == pytest.approx(full, **CHECK)
    assert float(mean_variance(F, tau)) == pytest.approx(short, **CHECK)


def test_mean_variance_is_right_to_the_second_order() -> None:
    f = F.exp()  # skewed: the next term is the third cumulant / (6 τ²)
    rest = [float(entropic_mean(f, tau) - mean_variance(f, tau)) * tau**2 for tau in (50.0, 100.0, 200.0)]
    assert rest == pytest.approx([float((f - f.mean()).pow(3).mean()) / 6] * 3, rel=0.05)


@pytest.mark.parametrize(("eta", "value"), [(0.05, 0.128262), (0.1, 0.16068), (0.2, 0.206525)])
def test_chi_square_dro_has_the_known_values(eta: float, value: float) -> None:
    assert float(phi_dro(F, eta, ChiSquare()).value) == pytest.approx(value, **CHECK)


def test_chi_square_dro_leaves_its_short_formula_where_the_lowest_weight_is_zero() -> None:
    limit = float(F.var(correction=0) / (F.mean() - F.min()) ** 2)
    assert limit == pytest.approx(0.404959, **CHECK)
    for eta in (0.99 * limit, 1.01 * limit, 2.0):
        found = phi_dro(F, eta, ChiSquare())
        short = float(F.mean() + math.sqrt(eta) * F.std(correction=0))
        assert (float(found.weights.min()) > 0) == (eta < limit)
        assert float(found.value) == pytest.approx(short, rel=1e-12) if eta < limit else float(found.value) < short - 1e-9


@settings(max_examples=40, deadline=None)
@given(values=rows, eta=etas, phi=st.sampled_from(PHIS))
def test_phi_dro_equals_what_a_solver_finds(values: list[float], eta: float, phi: Divergence) -> None:
    f = np.array(values)
    n = len(f)
    found = phi_dro(vector(values), eta, phi)
    weights = found.weights.numpy()
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    assert divergence(weights, phi) <= eta + 1e-9
    assert float(weights @ f) == pytest.approx(float(found.value), abs=1e-9)
    limits = [
        {"type": "eq", "fun": lambda q: q.sum() - 1},
        {"type": "ineq", "fun": lambda q: eta - divergence(np.maximum(q, 1e-15), phi)},
    ]
    solved = optimize.minimize(lambda q: -(q @ f), np.full(n, 1 / n), bounds=[(0, 1)] * n, constraints=limits, method="SLSQP")
    if solved.success:
        assert float(found.value) >= -solved.fun - 1e-5
    if float(found.tau) > 0:  # the dual is at its minimum: no neighbour in (log a, b) is lower
        for step in (0.9, 1.1):
            a = float(found.tau) * step
            best = optimize.minimize_scalar(
                lambda b, a=a: b + a * eta + a * float(phi.conjugate(torch.as_tensor((f - b) / a)).mean()),
                bounds=(f.min() - 60 * a, f.max()),
                method="bounded",
            )
            assert best.fun >= float(found.value) - 1e-9


@settings(max_examples=60, deadline=None)
@given(values=rows, eta=etas, shift=st.sampled_from([-7.0, 3.0]), scale=st.sampled_from([1e-3, 5.0]))
def test_the_exact_temperature_reaches_the_radius(values: list[float], eta: float, shift: float, scale: float) -> None:
    f = vector(values)
    tau = tau_exact(f, eta)
    cap = math.log(len(values) / int((f == f.max()).sum()))
    if eta >= cap:
        assert float(tau) == 0
        assert float(kl_dro(f, eta).value) == float(f.max())
        return
    assert float(radius(f, tau)) == pytest.approx(eta, rel=1e-8)
    assert float(tau_exact(scale * f + shift, eta)) == pytest.approx(scale * float(tau), rel=1e-6)
    smaller = tau_exact(f, eta * 0.9)
    assert float(smaller) > float(tau)
    assert float(kl_dro(f, eta * 0.9).value) < float(kl_dro(f, eta).value)
    assert float(tau_exact(f.float(), eta)) == pytest.approx(float(tau), rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(values=rows, tau=st.floats(0.02, 20.0), shift=st.sampled_from([-50.0, 1e4]))
def test_radius_falls_in_tau_and_ignores_a_shift(values: list[float], tau: float, shift: float) -> None:
    f = vector(values)
    eta, cap = float(radius(f, tau)), math.log(len(values) / int((f == f.max()).sum()))
    q = np.exp((np.array(values) - max(values)) / tau)
    q /= q.sum()
    entropy = -sum(w * math.log(w) for w in q if w > 0)
    assert eta == pytest.approx(math.log(len(values)) - entropy, abs=1e-12)
    assert -1e-15 <= eta <= cap + 1e-12
    assert float(radius(f + shift, tau)) == pytest.approx(eta, abs=1e-8)
    assert float(radius(f, 1.1 * tau)) <= eta + 1e-15


def test_limits() -> None:
    assert float(radius(F, 1e-4)) == pytest.approx(math.log(6))
    assert float(entropic_mean(F, 1e-6)) == pytest.approx(0.6, abs=1e-5)
    for phi in PHIS:
        assert float(phi_dro(F, 1e-10, phi).value) == pytest.approx(0.05, abs=1e-4)
        assert float(phi_dro(F, 100.0, phi).value) == 0.6
    tied = torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)
    assert float(tau_exact(tied, 0.999 * math.log(1.5))) > 0
    assert float(tau_exact(tied, math.log(1.5) * 1.001)) == 0
    assert kl_dro(tied, 1.0).weights.tolist() == [0.5, 0.5, 0.0]
    assert phi_dro(tied, 0.5, ChiSquare()).weights.tolist() == [0.5, 0.5, 0.0]
    assert float(tau_exact(torch.tensor([1.0, 1.0 + 1e-7, 0.5, 0.2]), 1.2)) > 0
    assert float(tau_exact(torch.zeros(4), 0.1)) == 0


@pytest.mark.parametrize("phi", PHIS)
def test_rows_and_masks_are_independent_problems(phi: Divergence) -> None:
    torch.manual_seed(0)
    f, mask = torch.randn(3, 4, 7, dtype=torch.float64), torch.rand(3, 4, 7) > 0.4
    mask[..., 2] = True
    eta = torch.rand(3, 4, dtype=torch.float64) + 0.01
    masked = phi_dro(f, eta, phi, mask)
    same = phi_dro(f.masked_fill(~mask, -torch.inf), eta, phi)
    torch.testing.assert_close((masked.value, masked.tau, masked.weights), (same.value, same.tau, same.weights))
    for i in range(3):
        for j in range(4):
            alone = phi_dro(f[i, j][mask[i, j]], float(eta[i, j]), phi)
            torch.testing.assert_close(masked.value[i, j], alone.value)
            torch.testing.assert_close(masked.weights[i, j][mask[i, j]], alone.weights)
    assert not masked.weights[~mask].any()


@pytest.mark.parametrize("masked", [False, True])
def test_gradients(masked: bool) -> None:
    torch.manual_seed(1)
    f = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    eta = torch.tensor([0.2, 0.7], dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([True, True, not masked, True, True])
    for phi in PHIS:
        assert torch.autograd.gradcheck(lambda x, e, phi=phi: phi_dro(x, e, phi, mask).value, (f, eta))
    for function in (radius, entropic_mean, mean_variance, tau_approx, tau_exact):
        assert torch.autograd.gradcheck(lambda x, t, function=function: function(x, t, mask), (f, eta))
    found = kl_dro(f, eta, mask)
    of_f, of_eta = torch.autograd.grad(found.value.sum(), (f, eta))
    torch.testing.assert_close(of_f, found.weights)
    torch.testing.assert_close(of_eta, found.tau)
    hidden = f.detach().masked_fill(~mask, -torch.inf).requires_grad_()
    assert torch.autograd.grad(tau_exact(hidden, 50.0).sum() + radius(hidden, eta).sum(), hidden)[0].isfinite().all()


TABLE = [
    (0.4, 0.7, 0.5, 5.30, 1.30, 1.325),
    (0.3, 0.5, 1, 3.83, 2.83, 3.83),
    (0.2, 0.8, 1, 5.80, 4.80, 5.80),
    (0.07, 0.4, 1, 14.69, 13.69, 14.69),
    (0.06, 2.0, 1, 18.67, 17.67, 18.67),
    (0.05, 0.7, 1, 20.70, 19.70, 20.70),
    (0.05, 1.5, 1, 21.50, 20.50, 21.50),
    (0.2, 0.2, 1, 5.20, 4.20, 5.20),
    (0.15, 0.7, 1, 7.37, 6.37, 7.37),
    (0.1, 0.3, 1, 10.30, 9.30, 10.30),
    (0.15, 0.3, 1, 6.97, 5.97, 6.97),
    (0.15, 0.8, 1, 7.47, 6.47, 7.47),
    (0.55, 0.7, 1, 2.52, 1.52, 2.52),
]


@pytest.mark.parametrize(("tau", "mu", "sigma", "at_0", "at_1", "peak"), TABLE)
def test_effective_temperature_has_the_known_values(
    tau: float, mu: float, sigma: float, at_0: float, at_1: float, peak: float
) -> None:
    f = torch.tensor([0.0, 1.0, mu + sigma**2 / tau], dtype=torch.float64, requires_grad=True)
    slope = effective_inv_tau(f, tau, mu, sigma)
    assert slope.tolist() == pytest.approx([at_0, at_1, 0.0], abs=0.00501)
    assert float(f[2].detach()) == pytest.approx(peak, abs=0.00501)
    log = torch.distributions.Normal(mu, sigma).log_prob(f) + f / tau
    torch.testing.assert_close(torch.autograd.grad(log.sum(), f)[0], slope)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: radius(torch.zeros(2, 0), 1.0), r"f must be floating.*\[2, 0\]"),
        (lambda: radius(torch.zeros(2, 3, dtype=torch.int64), 1.0), "f must be floating"),
        (lambda: radius(torch.tensor([[0.0, math.nan]]), 1.0), r"f \[1, 2\] holds NaN"),
        (lambda: radius(torch.tensor([0.0, math.inf]), 1.0), r"f \[2\] holds NaN or \+inf"),
        (lambda: kl_dro(torch.full((2, 3), -math.inf), 1.0), r"f \[2, 3\] has a row without"),
        (lambda: kl_dro(F, 1.0, torch.ones(5, dtype=torch.bool)), r"mask must broadcast to f \[6\], got \[5\]"),
        (lambda: kl_dro(F, 1.0, torch.ones(6)), "mask must be bool"),
        (lambda: radius(F, 0.0), "tau must be positive"),
        (lambda: tau_exact(F, -1.0), "eta must be positive"),
        (lambda: tau_exact(torch.zeros(2, 3), torch.ones(3)), r"eta must broadcast to \[2\].*got \[3\]"),
        (lambda: phi_dro(F, math.nan, ChiSquare()), "eta must be positive"),
        (lambda: effective_inv_tau(F, 0.1, 0.5, 0.0), "sigma must be positive"),
    ],
)
def test_bad_input(call: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        call()  # type: ignore[operator]
