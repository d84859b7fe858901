"""Every loss of scores against a naive loop in float64, in value and gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from torch import Tensor

from reverie.objectives import (
    Adversarial,
    Density,
    adnce,
    adv_info_nce,
    bsl,
    dcl,
    dclw,
    debiased,
    gaussian,
    hcl,
    rince,
    sampled_softmax,
    shuffled,
)

Row = Callable[[Tensor, list[Tensor], float], Tensor]
"""A naive loss of one row: (positive, negatives, τ)."""
INF = math.inf


def total(values: list[Tensor]) -> Tensor:
    out = values[0]
    for value in values[1:]:
        out = out + value
    return out


def normal(f: Tensor, mu: float, sigma: float) -> Tensor:
    return torch.exp(-((f.detach() - mu) ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))


def naive_adnce(variant: str, mu: float, sigma: float) -> Row:
    def row(p: Tensor, negatives: list[Tensor], tau: float) -> Tensor:
        weighed = [p, *negatives] if variant == "sentence" else negatives
        density = [normal(f, mu, sigma) for f in weighed]
        mean = total(density) / len(density)
        weights = [d / mean for d in density]
        if variant == "reweight_only":
            return -p / tau + total([w * f / tau for w, f in zip(weights, negatives, strict=True)]) / len(negatives)
        mass = total([w * torch.exp(f / tau) for w, f in zip(weights, weighed, strict=True)])
        if variant == "image":
            return -torch.log(torch.exp(p / tau) / (torch.exp(p / tau) + mass))
        return -torch.log(torch.exp(p / tau) / (mass if variant == "sentence" else mass / len(negatives)))

    return row


def naive_hcl(beta: float, tau_plus: float, lowest: float) -> Row:
    def row(p: Tensor, negatives: list[Tensor], tau: float) -> Tensor:
        n, positive = len(negatives), torch.exp(p / tau)
        importance = [torch.exp(beta * f / tau) for f in negatives]
        mass = total([i * torch.exp(f / tau) for i, f in zip(importance, negatives, strict=True)]) / (total(importance) / n)
        kept = (mass - n * tau_plus * positive) / (1 - tau_plus)
        floor = n * torch.exp(lowest / (tau + 0 * total([p, *negatives])))
        return -torch.log(positive / (positive + (kept if kept > floor else floor)))

    return row


def naive_dcl(p: Tensor, negatives: list[Tensor], tau: float) -> Tensor:
    return -p / tau + torch.log(total([torch.exp(f / tau) for f in negatives]))


def naive_info_nce(p: Tensor, negatives: list[Tensor], tau: float) -> Tensor:
    return -torch.log(torch.exp(p / tau) / total([torch.exp(f / tau) for f in [p, *negatives]]))


def naive_bsl(ratio: float) -> Row:
    def row(p: Tensor, negatives: list[Tensor], tau: float) -> Tensor:
        return -torch.log(torch.exp(p / tau) / total([torch.exp(f / tau) for f in negatives]) ** ratio)

    return row


def naive_rince(q: float, lam: float) -> Row:
    def row(p: Tensor, negatives: list[Tensor], tau: float) -> Tensor:
        every = total([torch.exp(f / tau) for f in [p, *negatives]])
        return -(torch.exp(p / tau) ** q) / q + (lam * every) ** q / q

    return row


CASES: dict[str, tuple[Callable[..., Tensor], Row]] = {
    "info_nce": (partial(sampled_softmax, log_weight=None), naive_info_nce),
    "info_nce weighted by a gaussian": (partial(sampled_softmax, log_weight=gaussian(0.2, 0.7)), naive_adnce("image", 0.2, 0.7)),
    "dcl": (dcl, naive_dcl),
    "hcl": (partial(hcl, beta=1.0, tau_plus=0.1), naive_hcl(1.0, 0.1, -1.0)),
    "hcl high floor": (partial(hcl, beta=0.5, tau_plus=0.4, lowest=-0.2), naive_hcl(0.5, 0.4, -0.2)),
    "hcl, nothing taken away": (partial(hcl, beta=2.0, tau_plus=0.0), naive_hcl(2.0, 0.0, -1.0)),
    "debiased": (partial(debiased, tau_plus=0.05), naive_hcl(0.0, 0.05, -1.0)),
    "bsl": (partial(bsl, form="reweight", ratio=1.3), naive_bsl(1.3)),
    "rince": (partial(rince, q=0.3, lam=0.1), naive_rince(0.3, 0.1)),
    "rince q=1": (partial(rince, q=1.0, lam=1.0), naive_rince(1.0, 1.0)),
}
for _variant in ("image", "sentence", "graph", "reweight_only"):
    CASES[f"adnce {_variant}"] = partial(adnce, variant=_variant, mu=0.7, sigma=0.5), naive_adnce(_variant, 0.7, 0.5)


def cosines(seed: int, m: int, k: int, extreme: bool) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    positive, negative = torch.rand(m, dtype=torch.float64) * 2 - 1, torch.rand(m, k, dtype=torch.float64) * 2 - 1
    if extreme:
        positive, negative = positive.sign(), torch.where(torch.rand(m, k) < 0.5, negative.sign(), negative)
    if k > 1:
        negative[0, 0] = -INF
    return positive.requires_grad_(), negative.requires_grad_()


def rows(reference: Row, positive: Tensor, negative: Tensor, temperature: float | Tensor) -> Tensor:
    out = []
    for i in range(len(positive)):
        kept = [negative[i, j] for j in range(negative.shape[1]) if negative[i, j] > -INF]
        tau = temperature if isinstance(temperature, float) else temperature.reshape(-1)[i % temperature.numel()]
        out.append(reference(positive[i], kept, tau))
    return torch.stack(out)


def close(ours: Tensor, naive: Tensor, inputs: list[Tensor], rtol: float = 1e-7) -> None:
    torch.testing.assert_close(ours, naive, rtol=rtol, atol=1e-9)
    incoming = torch.rand_like(ours) + 0.5
    wanted = torch.autograd.grad(naive, inputs, incoming, retain_graph=True)
    for got, one in zip(torch.autograd.grad(ours, inputs, incoming), wanted, strict=True):
        torch.testing.assert_close(got, one, rtol=rtol * 10, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 99),
    m=st.integers(1, 4),
    k=st.integers(1, 5),
    temperature=st.sampled_from([0.01, 0.07, 0.4, 1.0, 5.0]),
    extreme=st.booleans(),
)
def test_a_loss_equals_its_loop(name: str, seed: int, m: int, k: int, temperature: float, extreme: bool) -> None:
    loss, reference = CASES[name]
    positive, negative = cosines(seed, m, k, extreme)
    if name.startswith(("hcl", "debiased")):  # where the clamp just binds, the loss has no one slope
        negative = (negative.detach() * 0.999).requires_grad_()
    ours = loss(positive, negative, temperature=temperature)
    if temperature < 0.2 and name.startswith("rince"):
        return  # the loop subtracts numbers of e^(q f/τ) from one another
    if temperature < 0.05 and name.startswith(("info", "adnce image", "hcl", "debiased")):
        # the loop itself loses the digits of losses below 1e-16 of their sum
        torch.testing.assert_close(ours, rows(reference, positive, negative, temperature), rtol=1e-7, atol=1e-9)
        assert all(g.isfinite().all() for g in torch.autograd.grad(ours.sum(), [positive, negative]))
        return
    close(ours, rows(reference, positive, negative, temperature), [positive, negative])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (3, 1)])
def test_a_temperature_may_be_learned_for_all_or_each(name: str, shape: tuple[int, ...]) -> None:
    loss, reference = CASES[name]
    positive, negative = cosines(1, 3, 4, False)
    temperature = (torch.rand(shape, dtype=torch.float64) + 0.3).requires_grad_()
    close(
        loss(positive, negative, temperature=temperature),
        rows(reference, positive, negative, temperature),
        [positive, negative, temperature],
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), m=st.integers(1, 5), k=st.integers(1, 4), sigma=st.sampled_from([0.1, 0.5, 3.0]))
def test_dclw_equals_its_loop(seed: int, m: int, k: int, sigma: float) -> None:
    positive, negative = cosines(seed, m, k, False)
    mean = total([torch.exp(p.detach() / sigma) for p in positive]) / m
    naive = []
    for i in range(m):
        weight = 2 - torch.exp(positive[i].detach() / sigma) / mean
        mass = total([torch.exp(f / 0.2) for f in negative[i]])
        naive.append(-weight * positive[i] / 0.2 + torch.log(mass))
    close(dclw(positive, negative, 0.2, sigma=sigma), torch.stack(naive), [positive, negative])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), m=st.integers(1, 5), k=st.integers(1, 4), temperature=st.sampled_from([0.1, 1.0]))
def test_adv_info_nce_equals_its_loop_and_tells_its_radius(seed: int, m: int, k: int, temperature: float) -> None:
    positive, negative = cosines(seed, m, k, False)
    logits = (torch.randn(m, k, dtype=torch.float64) * 2).requires_grad_()
    naive, eta = [], []
    for i in range(m):
        kept = [j for j in range(k) if negative[i, j] > -INF]
        scale = total([torch.exp(logits[i, j]) for j in kept])
        p = {j: torch.exp(logits[i, j]) / scale for j in kept}
        own = torch.exp(positive[i] / temperature)
        mass = total([len(kept) * p[j] * torch.exp(negative[i, j] / temperature) for j in kept])
        naive.append(-torch.log(own / (own + mass)))
        eta.append(total([p[j] * torch.log(p[j] * len(kept)) for j in kept]))
    adversary = Adversarial(logits)
    close(adv_info_nce(positive, negative, temperature, adversary=adversary), torch.stack(naive), [positive, negative, logits])
    torch.testing.assert_close(adversary.eta(negative == -INF), torch.stack(eta))
    assert Adversarial(torch.zeros(2, 3)).eta().tolist() == pytest.approx([0, 0], abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(users=st.lists(st.integers(0, 2), min_size=1, max_size=6), ratio=st.sampled_from([0.5, 1.0, 2.0]))
def test_bsl_averages_positives_of_a_user(users: list[int], ratio: float) -> None:
    positive, negative = cosines(len(users), len(users), 3, False)
    naive = []
    for i, user in enumerate(users):
        same = [torch.exp(positive[j] / 0.2) for j, other in enumerate(users) if other == user]
        kept = [torch.exp(f / 0.2) for f in negative[i] if f > -INF]
        naive.append(-torch.log(total(same) / len(same) / (total(kept) / len(kept)) ** ratio))
    ours = bsl(positive, negative, 0.2, form="multi", ratio=ratio, users=torch.tensor(users))
    close(ours, torch.stack(naive), [positive, negative])


LOSSES: dict[str, Callable[..., Tensor]] = {
    **{name: loss for name, (loss, _) in CASES.items()},
    "dclw": dclw,
    "adv": partial(adv_info_nce, adversary=Adversarial(torch.randn(3, 2))),
    "multi": partial(bsl, form="multi", users=torch.tensor([1, 1, 2])),
    "shuffled": shuffled(partial(adnce, variant="sentence", mu=0.7, sigma=0.5)),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_extreme_scores_in_low_precision_stay_finite(name: str, dtype: torch.dtype) -> None:
    for size, temperature in ((1.0, 0.01), (0.0, 0.01), (1e4, 1.0), (1e4, 0.01)):
        if name.startswith("rince") and size / temperature > (250 if name == "rince" else 80):
            continue  # a loss of e^(q f/τ) is beyond float32 there
        positive = torch.tensor([size, -size, size], dtype=dtype, requires_grad=True)
        negative = torch.tensor([[-size, size], [size, -size], [size, -INF]], dtype=dtype, requires_grad=True)
        loss = LOSSES[name](positive, negative, temperature=temperature)
        assert loss.dtype == torch.float32
        assert loss.isfinite().all()
        for gradient in torch.autograd.grad(loss.sum(), [positive, negative]):
            assert gradient.dtype == dtype
            if dtype != torch.float16:  # 65504 is the highest float16
                assert gradient.isfinite().all()
            assert not gradient.isnan().any()


@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
def test_extreme_scores_have_the_value_of_scipy(size: float) -> None:
    generator = np.random.default_rng(0)
    positive, negative = generator.normal(size=4) * size, generator.normal(size=(4, 5)) * size
    mu, sigma, tau = 0.3 * size, 0.5 * size, 0.01
    logs = -((negative - mu) ** 2) / (2 * sigma**2)
    weights = logs - logsumexp(logs, 1, keepdims=True) + math.log(5)
    mass = logsumexp(negative / tau + weights, 1)
    p, n = torch.from_numpy(positive), torch.from_numpy(negative)
    image = adnce(p, n, tau, variant="image", mu=mu, sigma=sigma)
    np.testing.assert_allclose(image, np.logaddexp(0, mass - positive / tau), rtol=1e-9)
    np.testing.assert_allclose(
        adnce(p, n, tau, variant="graph", mu=mu, sigma=sigma), mass - math.log(5) - positive / tau, rtol=1e-9
    )
    np.testing.assert_allclose(image.float(), adnce(p.float(), n.float(), tau, variant="image", mu=mu, sigma=sigma), rtol=2e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_an_anchor_whose_negatives_are_all_masked_has_loss_0(name: str) -> None:
    positive = torch.tensor([0.3, 0.1, -0.2], requires_grad=True)
    negative = torch.tensor([[0.5, -0.3], [-INF, -INF], [0.2, -INF]], requires_grad=True)
    loss = LOSSES[name](positive, negative, temperature=0.2)
    assert loss[1] == 0
    of_positive, of_negative = torch.autograd.grad(loss[1], [positive, negative], retain_graph=True)
    if name != "multi":
        assert of_positive.tolist() == [0, 0, 0]
    assert of_negative.tolist() == [[0, 0]] * 3
    for gradient in torch.autograd.grad(loss.sum(), [positive, negative]):
        assert gradient.isfinite().all()


def test_weights_of_a_density_are_constants() -> None:
    """With them detached, the gradient is the share of each weighted term, over τ; it would be another if they were not."""
    positive, negative = cosines(3, 2, 4, False)
    loss = adnce(positive, negative, 0.4, variant="graph", mu=0.7, sigma=0.5)
    share = (negative / 0.4 - (negative - 0.7) ** 2 / 0.5).softmax(1).detach()
    torch.testing.assert_close(torch.autograd.grad(loss.sum(), negative)[0], share / 0.4)
    attached = sampled_softmax(positive, negative, lambda f: -((f - 0.7) ** 2) / 0.5, 0.4, decoupled=True)
    slope = 1 / 0.4 - (negative - 0.7) / 0.25
    wanted = torch.where(share > 0, share * slope, 0.0).detach()
    torch.testing.assert_close(torch.autograd.grad(attached.sum(), negative)[0], wanted)


def test_a_density_need_not_have_mean_one() -> None:
    positive, negative = torch.tensor([0.2]), torch.tensor([[0.1, 0.4]])
    doubled = sampled_softmax(positive, negative, Density(lambda f: torch.full_like(f, math.log(2)), mean_one=False))
    torch.testing.assert_close(doubled, sampled_softmax(positive, negative.repeat(1, 2)))
    kept = sampled_softmax(positive, negative, Density(lambda f: torch.full_like(f, math.log(2))))
    torch.testing.assert_close(kept, sampled_softmax(positive, negative))


def test_shuffled_weights_are_the_same_on_other_negatives() -> None:
    torch.manual_seed(0)
    negative = torch.rand(40, 6, dtype=torch.float64)
    negative[:, 5] = -INF
    positive = torch.full((40,), 0.5, dtype=torch.float64)
    seen: list[Tensor] = []

    def log_weight(scores: Tensor) -> Tensor:
        seen.append(scores)
        return scores * 3

    control = shuffled(partial(sampled_softmax, log_weight=log_weight), torch.Generator().manual_seed(1))
    ours = control(positive, negative, temperature=0.2)
    torch.testing.assert_close(seen[0], negative)
    assert not torch.allclose(ours, sampled_softmax(positive, negative, log_weight, 0.2))
    mean = adnce(positive, negative, 0.2, variant="reweight_only", mu=0.3, sigma=0.1)
    even = Density(torch.zeros_like)
    flat = shuffled(partial(sampled_softmax, log_weight=even))(positive, negative, temperature=0.2)
    torch.testing.assert_close(flat, sampled_softmax(positive, negative, None, 0.2))
    # over many draws a weight meets every negative alike, so that the weighted mean becomes the mean
    many = [
        shuffled(partial(adnce, variant="reweight_only", mu=0.3, sigma=0.1))(positive, negative, temperature=0.2)
        for _ in range(300)
    ]
    expected = (negative[:, :5].mean(1) - positive) / 0.2
    assert float((torch.stack(many).mean(0) - expected).abs().max()) < 0.12 < float((mean - expected).abs().max())


def test_rince_keeps_its_digits_where_one_power_dwarfs_the_other() -> None:
    positive = torch.tensor([0.94, -0.65], dtype=torch.float64, requires_grad=True)
    negative = torch.tensor([[0.42], [0.42]], dtype=torch.float64)
    alone = rince(positive, negative, 0.01, q=1.0, lam=1.0)  # the positive cancels
    torch.testing.assert_close(alone, (negative[:, 0] / 0.01).exp(), rtol=1e-12, atol=0)
    slope = torch.autograd.grad(rince(positive, negative, 0.01, q=0.3, lam=0.1)[1], positive)[0][1]
    pull = 0.1**0.3 * math.exp(0.3 * 42) * math.exp(-65 - 42)
    assert float(slope) == pytest.approx((pull - math.exp(0.3 * -65)) / 0.01, rel=1e-9)


def test_rince_becomes_info_nce() -> None:
    positive, negative = cosines(5, 3, 4, False)
    near = rince(positive, negative, 0.3, q=1e-9, lam=0.2)
    torch.testing.assert_close(near, sampled_softmax(positive, negative, None, 0.3) + math.log(0.2), rtol=0, atol=1e-6)


TWO, MATRIX = torch.zeros(2), torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (r"positive must have shape \[M\], got \[2, 3\]", lambda: adnce(MATRIX, MATRIX, variant="image", mu=0.5, sigma=1.0)),
        (r"negative must have shape \[2, K\] with K ≥ 1, got \[2, 0\]", lambda: dcl(TWO, torch.zeros(2, 0))),
        (r"negative must have shape \[2, K\] .* got \[3, 3\]", lambda: hcl(TWO, torch.zeros(3, 3))),
        (r"positive must be finite, .* shape \[2\]", lambda: dcl(torch.tensor([0.0, math.nan]), MATRIX)),
        (r"positive must be finite", lambda: rince(torch.tensor([0.0, INF]), MATRIX)),
        (r"negative must be finite or -inf, .* \[2\]", lambda: dcl(TWO, torch.full((2, 3), math.nan))),
        (r"negative must be finite or -inf", lambda: sampled_softmax(TWO, torch.full((2, 3), INF))),
        (r"negative must be finite or -inf", lambda: adnce(TWO, MATRIX / 0, variant="reweight_only", mu=0.5, sigma=1.0)),
        (r"temperature must be positive, got 0", lambda: dclw(TWO, MATRIX, 0)),
        (r"temperature must be positive, got -1.0 in shape \[2\]", lambda: dcl(TWO, MATRIX, torch.tensor([1.0, -1.0]))),
        (r"temperature must be a number or have shape \[2\] or \[2, 1\], got \[3\]", lambda: dcl(TWO, MATRIX, torch.ones(3))),
        (r"temperature must be a number .* got \[1, 2\]", lambda: dcl(TWO, MATRIX, torch.ones(1, 2))),
        (
            r"variant must be one of image, sentence, graph, reweight_only, got 'x'",
            lambda: adnce(TWO, MATRIX, variant="x", mu=0, sigma=1),
        ),
        (r"sigma must be positive, got 0", lambda: adnce(TWO, MATRIX, variant="image", mu=0.5, sigma=0)),
        (r"mu must be finite, got nan", lambda: gaussian(math.nan, 1.0)),
        (r"sigma must be positive, got -1", lambda: dclw(TWO, MATRIX, sigma=-1)),
        (r"beta must not be negative, got -1", lambda: hcl(TWO, MATRIX, beta=-1)),
        (r"tau_plus must be at least 0 and below 1, got 1", lambda: debiased(TWO, MATRIX, tau_plus=1)),
        (r"form must be one of reweight, multi, got 'single'", lambda: bsl(TWO, MATRIX, form="single")),
        (r"ratio must be positive, got 0", lambda: bsl(TWO, MATRIX, form="reweight", ratio=0)),
        (r"users must have shape \[2\], .* got None", lambda: bsl(TWO, MATRIX, form="multi")),
        (r"users must have shape \[2\], .* got \[3\]", lambda: bsl(TWO, MATRIX, form="multi", users=torch.ones(3))),
        (r"q must be above 0 and at most 1, got 0", lambda: rince(TWO, MATRIX, q=0)),
        (r"lam must be above 0 and at most 1, got 2", lambda: rince(TWO, MATRIX, lam=2)),
        (r"logits must have shape \[M, K\] with K ≥ 1, got \[2\]", lambda: Adversarial(TWO)),
        (
            r"logits must have the shape \[2, 3\] of negative, got \[2, 2\]",
            lambda: adv_info_nce(TWO, MATRIX, adversary=Adversarial(torch.zeros(2, 2))),
        ),
        (r"log_weight must broadcast to \[2, 3\], got \[2, 2\]", lambda: sampled_softmax(TWO, MATRIX, torch.zeros(2, 2))),
        (r"weights are to be shuffled, but this loss takes none", lambda: shuffled(hcl)(TWO, MATRIX)),
    ],
)
def test_errors_name_the_argument_and_the_shape(message: str, call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
