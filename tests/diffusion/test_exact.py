import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Tensor

from reverie.diffusion import DDIM, DDPM, Exact, Guided, create_denoiser, create_sampler, create_schedule, sample
from reverie.diffusion.denoisers import AffineParts, LinearDenoiser
from reverie.diffusion.noising import extrapolate
from reverie.diffusion.samplers import ExactSampler, NormalNoise
from reverie.diffusion.samplers.chain import Coefficients
from reverie.diffusion.samplers.exact import affine_law

D = 4


def denoiser(steps: int, radius: float = 0.95, rank: int = D) -> LinearDenoiser:
    """A linear denoiser in float64 whose gain on the noisy vector has a given rank and spectral radius."""
    torch.manual_seed(5)
    made = create_denoiser("mlp1", D, steps).double()
    assert isinstance(made, LinearDenoiser)
    with torch.no_grad():
        gain = torch.randn(D, rank).double() @ torch.randn(rank, D).double()
        made.out.weight[:, :D] = gain * radius / torch.linalg.eigvals(gain).abs().max()
    return made.requires_grad_(False)


def exact(steps: int, schedule: str = "linear", config: Exact | None = None, **options: float) -> ExactSampler:
    made = create_sampler(config or Exact(), create_schedule(schedule, steps), denoiser(steps, **options))  # type: ignore[arg-type]
    assert isinstance(made, ExactSampler)
    return made


def noise(rows: int, seed: int = 0) -> NormalNoise:
    return NormalNoise((rows, D), torch.Generator().manual_seed(seed), torch.zeros(1, dtype=torch.float64))


def vectors() -> tuple[Tensor, Tensor]:
    torch.manual_seed(11)
    return torch.randn(D).double(), torch.randn(D).double()


@pytest.mark.parametrize("schedule", ["linear", "exp", "cosine", "sqrt"])
@pytest.mark.parametrize("strength", [0.0, 10.0])
def test_same_law_as_the_walk(schedule: str, strength: float) -> None:
    """Mean and covariance of many walks, within five (six) standard errors."""
    steps, rows = 60, 30_000
    model, (h, null) = denoiser(steps), vectors()
    made = create_schedule(schedule, steps)
    walked = sample(Guided(model, h.expand(rows, D), null, strength), create_sampler(DDPM(), made), noise(rows))
    sampler = exact(steps, schedule)
    mean, covariance = sampler.mean(extrapolate(h, null, strength)), sampler.law.covariance
    assert float(((walked.mean(0) - mean) / (covariance.diagonal() / rows).sqrt()).abs().max()) < 5
    error = (covariance.diagonal()[:, None] * covariance.diagonal() + covariance**2).div(rows).sqrt()
    assert float(((walked.T.cov() - covariance) / error).abs().max()) < 6
    drawn = sampler.draw(extrapolate(h, null, strength).expand(rows, D), noise(rows, 1)())
    assert float(((drawn.T.cov() - covariance) / error).abs().max()) < 6


@pytest.mark.parametrize("strength", [0.0, 2.5])
def test_without_noise_the_walk_is_the_mean(strength: float) -> None:
    """A walk that starts at zero and draws zeros gives the mean, to rounding."""
    steps, (h, null) = 200, vectors()
    x = torch.zeros(3, D, dtype=torch.float64)
    walker, guide = create_sampler(DDPM(), create_schedule("exp", steps)), Guided(denoiser(steps), h.expand(3, D), null, strength)
    for t in walker.timesteps:
        x = walker.step(guide(x, t), t, x, lambda: torch.zeros(3, D, dtype=torch.float64)).prev_sample
    mean = exact(steps, "exp").mean(extrapolate(h, null, strength).expand(3, D))
    torch.testing.assert_close(x, mean, rtol=1e-6, atol=1e-6)  # the sinusoid is stored in float32


@pytest.mark.parametrize("n", [None, 10])
def test_ddim_is_one_affine_map_of_the_start(n: int | None) -> None:
    steps, (h, null) = 100, vectors()
    made = create_schedule("cosine", steps)
    start = torch.cat([torch.zeros(1, D), torch.eye(D)]).double()
    x, walker = start, create_sampler(DDIM(steps=n), made)
    guide = Guided(denoiser(steps), h.expand(D + 1, D), null, 2.0)
    for t in walker.timesteps:
        x = walker.step(guide(x, t), t, x).prev_sample
    sampler = exact(steps, "cosine", Exact(chain="ddim", steps=n))
    torch.testing.assert_close(x[0], sampler.mean(extrapolate(h, null, 2.0)), rtol=1e-6, atol=1e-6)
    walked = (x[1:] - x[0]).T
    torch.testing.assert_close(walked @ walked.T, sampler.law.covariance, rtol=1e-9, atol=1e-12)


def test_its_step_follows_the_contract() -> None:
    """In the common loop it gives a draw of the same law, whatever it started from."""
    (h, null), sampler, rows = vectors(), exact(50), 7
    guide = Guided(denoiser(50), h.expand(rows, D), null, 4.0)
    source = noise(rows)
    walked = sample(guide, sampler, source)
    again = noise(rows)
    again()  # the start
    torch.testing.assert_close(walked, sampler.draw(extrapolate(guide.h, null, 4.0), again()), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="only step"):
        sampler.step(h, 3, h)


@pytest.mark.parametrize("rank", [D, 2])
def test_density(rank: int) -> None:
    sampler, (h, _) = exact(50, rank=rank), vectors()
    law = sampler.law
    assert law.rank == rank
    torch.testing.assert_close(law.factor @ law.factor.T, law.covariance, rtol=1e-6, atol=1e-12)
    points = sampler.draw(h.expand(20, D), noise(20)())
    expected = multivariate_normal(sampler.mean(h).numpy(), law.covariance.numpy(), allow_singular=True).logpdf(points.numpy())
    np.testing.assert_allclose(sampler.log_density(points, h).numpy(), expected, rtol=1e-6)
    if rank < D:
        normal = torch.linalg.svd(law.directions, full_matrices=True)[0][:, -1]
        assert float(sampler.log_density(points[0] + 0.01 * normal, h)) == -math.inf


def test_density_adds_up_to_one_on_its_plane() -> None:
    sampler, (h, _) = exact(50, rank=2), vectors()
    law, side = sampler.law, 201
    grid = torch.linspace(-7, 7, side, dtype=torch.float64)
    along = torch.cartesian_prod(grid, grid) * law.variances.sqrt()
    points = sampler.mean(h) + along @ law.directions.T
    cell = float((grid[1] - grid[0]) ** 2 * law.variances.sqrt().prod())
    assert float(sampler.log_density(points, h).exp().sum()) * cell == pytest.approx(1, abs=1e-6)


def test_a_law_without_any_spread() -> None:
    parts = AffineParts(torch.zeros(2, 2).double(), torch.eye(2).double(), torch.zeros(1, 2).double())
    law = affine_law(parts, Coefficients([0], [1.0], [0.0], [0.0]))
    h = torch.tensor([1.0, 2.0])
    assert law.rank == 0
    assert float(law.log_density(h, h)) == 0
    assert float(law.log_density(h + 1e-3, h)) == -math.inf
    assert bool((law.factor == 0).all())


def test_new_weights_give_a_new_law() -> None:
    model = denoiser(50)
    sampler = create_sampler(Exact(), create_schedule("linear", 50), model)
    assert isinstance(sampler, ExactSampler)
    h, _ = vectors()
    before = sampler.mean(h)
    assert sampler.law is sampler.law
    model.out.bias.data.copy_(model.out.bias + 1)  # not seen by version counters
    assert float((sampler.mean(h) - before).abs().max()) > 0.1
    assert sampler.mean(h.float()).dtype == torch.float32
