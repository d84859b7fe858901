import pytest
import torch

from reverie.diffusion import create_schedule
from reverie.errors import ConfigError

NAMES = ("linear", "exp", "cosine", "sqrt")


@pytest.mark.parametrize(
    ("name", "steps", "terminal"),
    [
        ("exp", 50, 0.0058),
        ("exp", 500, 0.0064),
        ("exp", 2000, 0.0064),
        ("linear", 500, 0.0064),
        ("linear", 200, 0.132),
        ("linear", 50, 0.603),
    ],
)
def test_what_is_left_at_the_end(name: str, steps: int, terminal: float) -> None:
    left = float(create_schedule(name, steps).alphas_cumprod[-1])
    assert left == pytest.approx(terminal, abs=0.0005 if terminal > 0.01 else 0.0001)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("steps", [2, 50, 2000])
@pytest.mark.parametrize("zero", [False, True])
def test_chain_is_consistent(name: str, steps: int, zero: bool) -> None:
    schedule = create_schedule(name, steps, zero)
    assert schedule.betas.dtype == torch.float64
    assert schedule.steps == steps
    assert bool(((schedule.betas > 0) & (schedule.betas <= 1)).all())
    assert bool((schedule.alphas_cumprod[1:] < schedule.alphas_cumprod[:-1]).all())
    torch.testing.assert_close(torch.cumprod(1 - schedule.betas, 0), schedule.alphas_cumprod, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(schedule.signal**2 + schedule.spread**2, torch.ones(steps, dtype=torch.float64))
    assert (float(schedule.alphas_cumprod[-1]) == 0) == zero


def test_forms() -> None:
    cosine = create_schedule("cosine", 1000)
    u = torch.arange(1, 999, dtype=torch.float64) / 1000
    first = torch.cos(torch.tensor(0.008 / 1.008 * torch.pi / 2, dtype=torch.float64)) ** 2
    closed = torch.cos((u + 0.008) / 1.008 * torch.pi / 2) ** 2 / first
    torch.testing.assert_close(cosine.alphas_cumprod[:998], closed, rtol=0, atol=1e-3)  # the lower clip of the first betas shows
    root = create_schedule("sqrt", 500).alphas_cumprod
    torch.testing.assert_close(root, 1 - (torch.arange(500, dtype=torch.float64) / 500 + 1e-4).sqrt(), rtol=1e-9, atol=0)
    assert float(create_schedule("linear", 7).betas[3]) == pytest.approx((1e-4 + 0.02) / 2)


def test_zero_terminal_keeps_the_start() -> None:
    plain, rescaled = create_schedule("linear", 500), create_schedule("linear", 500, zero_terminal=True)
    assert float(rescaled.alphas_cumprod[0]) == pytest.approx(float(plain.alphas_cumprod[0]))


def test_errors() -> None:
    with pytest.raises(ConfigError, match="did you mean 'cosine'"):
        create_schedule("cosin", 10)
    with pytest.raises(ValueError, match="steps"):
        create_schedule("exp", 1)
