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
    gaussian_mi,
    gaussian_rho,
    generalised_mi,
    mi_dv,
    mi_info_nce,
    mi_js,
    mi_nwj,
    mi_phi,
    mi_smile,
    sampled_mi,
)

KL, CHI2 = KullbackLeibler(), ChiSquare()
P = torch.tensor([[0.4, 0.1], [0.1, 0.4]], dtype=torch.float64)
Q = torch.full((2, 2), 0.25, dtype=torch.float64)


def test_tables_have_the_known_values() -> None:
    r = P / Q
    assert float(generalised_mi(P, Q, KL)) == pytest.approx(0.192745, abs=6e-7)
    assert float(generalised_mi(P, Q, KL, r.log())) == pytest.approx(0.192745, abs=6e-7)
    assert float(generalised_mi(P, Q, CHI2)) == pytest.approx(0.36)
    assert float(generalised_mi(P, Q, CHI2, 2 * (r - 1))) == pytest.approx(0.36)
    assert float(generalised_mi(P, Q, CHI2, r - 1)) == pytest.approx(0.27)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), spread=st.sampled_from([0.3, 1.0, 6.0]), phi=st.sampled_from([KL, CHI2]))
def test_every_critic_gives_a_lower_bound_and_the_best_one_reaches_it(seed: int, spread: float, phi: Divergence) -> None:
    torch.manual_seed(seed)
    p, q = torch.rand(2, 3, 4, dtype=torch.float64) + 0.01
    p, q = p / p.sum(), q / q.sum()
    f = torch.randn(3, 4, dtype=torch.float64) * spread
    truth, bound = generalised_mi(p, q, phi), generalised_mi(p, q, phi, f)
    assert float(bound) <= float(truth) + 1e-12
    best = (p / q).log() if phi is KL else 2 * (p / q - 1)
    assert float(generalised_mi(p, q, phi, best)) == pytest.approx(float(truth), rel=1e-10)

    def cost(level: float) -> float:
        return level + float((q * phi.conjugate(f - level)).sum())

    least = optimize.minimize_scalar(
        cost, bounds=(float(f.min()) - 3, float(f.max()) + 3), method="bounded", options={"xatol": 1e-10}
    )
    assert float(bound) == pytest.approx(float((p * f).sum()) - least.fun, abs=1e-8)
    if phi is KL:
        donsker_varadhan = (p * f).sum() - (q * f.exp()).sum().log()
        assert float(bound) == pytest.approx(float(donsker_varadhan), abs=1e-10)
    else:
        mean = (q * f).sum()
        short = (p * f).sum() - mean - (q * (f - mean) ** 2).sum() / 4
        assert float(bound) >= float(short) - 1e-12
        if float(f.min()) >= float(mean) - 2:
            assert float(bound) == pytest.approx(float(short), abs=1e-10)


def test_cells_without_weight_are_left_out() -> None:
    padded = [torch.nn.functional.pad(table, (0, 1)) for table in (P, Q)]
    assert float(generalised_mi(*padded, CHI2)) == pytest.approx(0.36)
    critic = torch.nn.functional.pad((P / Q).log(), (0, 1), value=9.0)
    assert float(generalised_mi(*padded, KL, critic)) == pytest.approx(0.192745, abs=6e-7)


@pytest.mark.parametrize("phi", [KL, CHI2])
@pytest.mark.parametrize("spread", [0.5, 4.0])
def test_samples_are_tables_with_equal_weights(phi: Divergence, spread: float) -> None:
    torch.manual_seed(0)
    joint, product = torch.randn(2, 5, dtype=torch.float64) * spread, torch.randn(2, 8, dtype=torch.float64) * spread
    got = sampled_mi(joint, product, phi)
    for i in range(2):
        p = torch.tensor([0.0] * 8 + [0.2] * 5, dtype=torch.float64)
        q = torch.tensor([1 / 8] * 8 + [1e-13] * 5, dtype=torch.float64)
        wanted = generalised_mi(p, q, phi, torch.cat([product[i], joint[i]]))
        assert float(got[i]) == pytest.approx(float(wanted), abs=1e-9)
    inputs = (joint.requires_grad_(), product.requires_grad_())
    assert torch.autograd.gradcheck(lambda a, b: sampled_mi(a, b, phi), inputs)


KNOWN = [(0.5, 3, 0.431523, 1.37037, 0.887849), (0.8, 2, 1.021651, 6.716049, 0.714286), (0.3, 5, 0.235777, 0.602482, 0.940827)]


@pytest.mark.parametrize(("rho", "d", "kl", "chi2", "overlap"), KNOWN)
def test_gaussians_have_the_known_values(rho: float, d: int, kl: float, chi2: float, overlap: float) -> None:
    truth = gaussian_mi(rho, d)
    assert (truth.kl, truth.chi2, truth.bhattacharyya) == pytest.approx((kl, chi2, overlap), abs=6e-7)
    assert truth.hellinger == pytest.approx(2 - 2 * truth.bhattacharyya)
    assert gaussian_rho(truth.kl, d) == pytest.approx(rho)
    assert gaussian_mi(-rho, d) == truth


@pytest.mark.parametrize(("mi", "rho"), [(2, 0.425757), (4, 0.574178), (6, 0.671706), (8, 0.742072), (10, 0.79506)])
def test_the_staircase_has_the_known_correlations(mi: float, rho: float) -> None:
    assert gaussian_rho(mi, 20) == pytest.approx(rho, abs=6e-7)


def test_gaussian_truths_equal_integrals() -> None:
    grid = np.linspace(-9, 9, 721)
    x, y = np.meshgrid(grid, grid)
    rho, cell = 0.4, (grid[1] - grid[0]) ** 2
    p = np.exp(-(x**2 - 2 * rho * x * y + y**2) / (2 * (1 - rho**2))) / (2 * math.pi * math.sqrt(1 - rho**2)) * cell
    q = np.exp(-(x**2 + y**2) / 2) / (2 * math.pi) * cell
    truth = gaussian_mi(rho, 1)
    for phi, value in ((KL, truth.kl), (CHI2, truth.chi2)):
        assert float(generalised_mi(torch.as_tensor(p), torch.as_tensor(q), phi)) == pytest.approx(value, rel=1e-6)
    assert np.sqrt(p * q).sum() == pytest.approx(truth.bhattacharyya, rel=1e-9)


def matrix(b: int, spread: float) -> Tensor:
    torch.manual_seed(b)
    return (torch.randn(b, b, dtype=torch.float64) * spread).requires_grad_()


def loops(scores: Tensor) -> dict[str, Tensor]:
    b = len(scores)
    joint = sum(scores[i, i] for i in range(b)) / b
    pairs = [scores[i, j] for i in range(b) for j in range(b) if i != j]
    n = len(pairs)
    rows = [scores[i, i] - torch.log(sum(torch.exp(scores[i, j]) for j in range(b)) / b) for i in range(b)]
    log_mean = torch.log(sum(torch.exp(s) for s in pairs) / n)
    clipped = torch.log(sum(torch.exp(s.clamp(-1.5, 1.5)) for s in pairs) / n)
    mean = sum(pairs) / n
    lesson = (
        -sum(torch.log(1 + torch.exp(-scores[i, i])) for i in range(b)) / b - sum(torch.log(1 + torch.exp(s)) for s in pairs) / n
    )
    return {
        "info_nce": sum(rows) / b,
        "nwj": joint - sum(torch.exp(s - 1) for s in pairs) / n,
        "dv": joint - log_mean,
        "js": 1 + joint - sum(torch.exp(s) for s in pairs) / n,
        "smile": joint - clipped,
        "chi2": joint - mean - sum((s - mean) ** 2 for s in pairs) / n / 4,
        "lesson": lesson,
    }


@pytest.mark.parametrize("b", [2, 5])
def test_estimators_equal_loops_in_value_and_gradient(b: int) -> None:
    scores = matrix(b, 0.4)
    naive = loops(scores)
    cases = [
        (mi_info_nce(scores), "info_nce", "info_nce"),
        (mi_nwj(scores), "nwj", "nwj"),
        (mi_dv(scores), "dv", "dv"),
        (mi_phi(scores, CHI2), "chi2", "chi2"),
        (mi_js(scores), "js", "lesson"),
        (mi_smile(scores, 1.5), "smile", "lesson"),
        (mi_smile(scores, math.inf), "dv", "lesson"),
    ]
    for ours, value, taught_by in cases:
        torch.testing.assert_close(ours, naive[value])
        torch.testing.assert_close(
            torch.autograd.grad(ours, scores)[0], torch.autograd.grad(naive[taught_by], scores, retain_graph=True)[0]
        )


@settings(max_examples=30, deadline=None)
@given(b=st.integers(2, 9), spread=st.sampled_from([0.1, 3.0, 1000.0]))
def test_info_nce_never_passes_log_b(b: int, spread: float) -> None:
    scores = matrix(b, spread).detach()
    assert float(mi_info_nce(scores)) <= math.log(b) + 1e-12
    assert float(mi_info_nce(torch.eye(b) * 1e6)) == pytest.approx(math.log(b))
    assert math.log(128) == pytest.approx(4.852030, abs=6e-7)


def test_estimators_find_the_truth_with_the_best_critic() -> None:
    torch.manual_seed(0)
    rho, d, b = 0.25, 4, 800
    x = torch.randn(b, d, dtype=torch.float64)
    y = rho * x + math.sqrt(1 - rho**2) * torch.randn(b, d, dtype=torch.float64)
    cross, squares = x @ y.T, x.square().sum(1)[:, None] + y.square().sum(1)[None, :]
    log_r = -d / 2 * math.log1p(-(rho**2)) + (rho * cross - rho**2 * squares / 2) / (1 - rho**2)
    truth = gaussian_mi(rho, d)
    for estimate in (mi_info_nce(log_r), mi_nwj(1 + log_r), mi_dv(log_r), mi_js(log_r), mi_smile(log_r)):
        assert float(estimate) == pytest.approx(truth.kl, abs=0.06)
    assert float(mi_phi(2 * (log_r.exp() - 1), CHI2)) == pytest.approx(truth.chi2, abs=0.12)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: generalised_mi(2 * P, Q, KL), r"p must be a table of shape \[2, 2\] that sums to one"),
        (lambda: generalised_mi(P[:1], Q, KL), r"p must be a table of shape \[2, 2\].*got \[1, 2\]"),
        (lambda: generalised_mi(P, torch.eye(2).double() / 2, KL), r"p \[2, 2\] must be 0 where q is"),
        (lambda: generalised_mi(P, Q, KL, torch.zeros(2)), r"f must have shape \[2, 2\], got \[2\]"),
        (lambda: sampled_mi(torch.zeros(2, 3), torch.zeros(3), KL), r"got \[2, 3\], \[3\]"),
        (lambda: gaussian_mi(1.0, 2), "rho must lie between"),
        (lambda: gaussian_mi(0.5, 0), "d must be at least 1"),
        (lambda: gaussian_rho(-0.1, 2), "mi must not be negative"),
        (lambda: mi_nwj(torch.zeros(2, 3)), r"scores must have shape \[B, B\].*got \[2, 3\]"),
        (lambda: mi_info_nce(torch.zeros(1, 1)), "B ≥ 2"),
        (lambda: mi_smile(torch.zeros(3, 3), 0.0), "clip must be positive"),
    ],
)
def test_bad_input(call: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        call()  # type: ignore[operator]
