import pytest
import torch
from torch import Tensor

from reverie.diffusion import DDIM, DDPM, DPMSolver, Exact, Guided, create_denoiser, create_sampler, create_schedule, sample
from reverie.diffusion.samplers import NormalNoise
from reverie.diffusion.samplers.chain import ddim_rule, space_timesteps
from reverie.errors import ConfigError

D, T = 6, 200
ALL = (Exact(), DDPM(), DDIM(), DPMSolver())


def noise(rows: int, seed: int = 0) -> NormalNoise:
    return NormalNoise((rows, D), torch.Generator().manual_seed(seed), torch.zeros(1, dtype=torch.float64))


def guided(kind: str = "mlp2", strength: float = 1.5, rows: int = 5) -> Guided:
    torch.manual_seed(3)
    denoiser = create_denoiser(kind, D, T).double()  # type: ignore[arg-type]
    return Guided(denoiser, torch.randn(rows, D).double(), torch.randn(D).double(), strength)


@torch.no_grad()
def run(config: object, denoise: Guided, schedule: str = "exp") -> Tensor:
    sampler = create_sampler(config, create_schedule(schedule, T), denoise.denoiser)  # type: ignore[arg-type]
    return sample(denoise, sampler, noise(len(denoise.h)))


@pytest.mark.parametrize("config", ALL, ids=lambda c: c.kind)
def test_contract(config: object) -> None:
    denoise = guided("mlp1")
    sampler = create_sampler(config, create_schedule("linear", T), denoise.denoiser)  # type: ignore[arg-type]
    sampler.set_timesteps(7)
    assert len(sampler.timesteps) == (1 if isinstance(config, Exact) else 7)
    assert sampler.timesteps[0] == T - 1
    assert list(sampler.timesteps) == sorted(set(sampler.timesteps), reverse=True)
    x = torch.randn(5, D).double()
    out = sampler.step(denoise(x, T - 1), T - 1, x)
    assert out.prev_sample.shape == out.pred_original_sample.shape == x.shape
    schedule = create_schedule("linear", T)
    noisy = sampler.add_noise(x, torch.zeros_like(x), torch.tensor([0, 1, 50, 100, T - 1]))
    torch.testing.assert_close(noisy, schedule.signal[[0, 1, 50, 100, T - 1]][:, None] * x)
    for wrong in (0, T + 1):
        with pytest.raises(ValueError, match="n must be in"):
            sampler.set_timesteps(wrong)


@pytest.mark.parametrize("config", ALL, ids=lambda c: c.kind)
@pytest.mark.parametrize("schedule", ["linear", "exp", "cosine", "sqrt"])
def test_one_clean_vector_is_found_from_anywhere(config: object, schedule: str) -> None:
    """A denoiser that always knows x_0 must be believed, also where the chain ends in pure noise."""
    torch.manual_seed(0)
    denoiser, truth = create_denoiser("mlp1", D, T).double(), torch.randn(5, D).double()
    with torch.no_grad():
        denoiser.out.weight.zero_()
        denoiser.out.weight[:, D : 2 * D] = torch.eye(D)
        denoiser.out.bias.zero_()
        for zero in (False, True):
            sampler = create_sampler(config, create_schedule(schedule, T, zero), denoiser)  # type: ignore[arg-type]
            for n in (1, 2, 13, T):
                sampler.set_timesteps(n)
                found = sample(Guided(denoiser, truth, truth[0], 0.0), sampler, noise(5))
                torch.testing.assert_close(found, truth, rtol=0, atol=1e-9)


def test_ddim_with_full_noise_is_ddpm() -> None:
    denoise = guided()
    for steps in (T, 20):
        torch.testing.assert_close(run(DDIM(steps=steps, eta=1.0), denoise), run(DDPM(steps=steps), denoise), rtol=1e-9, atol=1e-9)


def test_first_order_solver_is_ddim() -> None:
    denoise = guided()
    for steps in (T, 20):
        torch.testing.assert_close(
            run(DPMSolver(steps=steps, order=1), denoise), run(DDIM(steps=steps), denoise), rtol=1e-9, atol=1e-9
        )


def test_solvers_agree_with_many_steps() -> None:
    """The denoiser here is the posterior mean of a Gaussian, so the probability flow is smooth and its end is known."""
    schedule, variance = create_schedule("exp", 2000), 0.3
    left = schedule.alphas_cumprod
    start = noise(5)()

    def denoise(x: Tensor, t: int) -> Tensor:
        return x * left[t].sqrt() * variance / (left[t] * variance + 1 - left[t])

    def end(config: object) -> Tensor:
        return sample(denoise, create_sampler(config, schedule), noise(5))  # type: ignore[arg-type]

    def error(config: object) -> float:
        return float((end(config) - truth).abs().max())

    # along the flow x / sd(x) stays what it was
    marginal = (left[-1] * variance + 1 - left[-1]).sqrt()
    truth = start / marginal * variance**0.5
    fine = {2: DPMSolver(steps=2000), 1: DDIM(steps=2000)}
    assert float((end(fine[2]) - end(fine[1])).abs().max()) < 0.01
    assert error(fine[2]) < error(fine[1]) < 0.02
    for steps in (20, 50):
        assert error(DPMSolver(steps=steps)) < 0.5 * error(DDIM(steps=steps))


def test_second_order_needs_the_step_before() -> None:
    sampler = create_sampler(DPMSolver(steps=10), create_schedule("exp", T))
    x = torch.zeros(1, D)
    with pytest.raises(ValueError, match="start a run"):
        sampler.step(x, sampler.timesteps[3], x)


def test_rows_choose_their_noise() -> None:
    rows = torch.tensor([4, 0, 4])
    made = NormalNoise((3, D), torch.Generator().manual_seed(0), torch.zeros(1), rows, streams=8)()
    alone = NormalNoise((1, D), torch.Generator().manual_seed(0), torch.zeros(1), rows[1:2], streams=8)()
    assert torch.equal(made[0], made[2])
    assert torch.equal(made[1], alone[0])
    assert not torch.equal(made[0], made[1])


def test_guidance_calls() -> None:
    denoise = guided(strength=3.0)
    x, steps = torch.randn(5, D).double(), torch.tensor([9])
    with torch.no_grad():
        plain, free = denoise.denoiser(x, denoise.h, steps), denoise.denoiser(x, denoise.null.expand(5, D), steps)
        torch.testing.assert_close(denoise(x, 9), 4 * plain - 3 * free)


def test_respaced() -> None:
    assert space_timesteps(10, 10) == list(range(9, -1, -1))
    assert space_timesteps(10, 1) == [9]
    assert space_timesteps(10, 5) == [9, 7, 5, 3, 1]


def test_eta_decides_the_noise() -> None:
    left = create_schedule("linear", T).alphas_cumprod.flip(0)
    after = torch.cat([left[1:], torch.ones(1, dtype=torch.float64)])
    assert float(ddim_rule(0.0)(left, after)[2].max()) == 0
    torch.testing.assert_close(ddim_rule(0.5)(left, after)[2], 0.5 * ddim_rule(1.0)(left, after)[2])


def test_errors() -> None:
    schedule = create_schedule("linear", 50)
    with pytest.raises(ConfigError, match="needs an affine denoiser"):
        create_sampler(Exact(), schedule, create_denoiser("mlp2", D, 50))
    with pytest.raises(ConfigError, match="steps=51 is more"):
        create_sampler(DDIM(steps=51), schedule)
