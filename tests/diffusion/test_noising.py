import math

import numpy as np
import pytest
import torch

from reverie.diffusion import Guided, create_denoiser, create_schedule, q_sample, x0_loss
from reverie.diffusion.denoisers import StepEmbedding


def test_noisy_vectors_have_the_right_mean_and_variance() -> None:
    torch.manual_seed(0)
    schedule, rows = create_schedule("exp", 100), 40_000
    x0 = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64).expand(rows, 3)
    for s in (0, 30, 99):
        x = q_sample(schedule.signal, schedule.spread, x0, torch.randn(rows, 3, dtype=torch.float64), torch.full((rows,), s))
        variance = float(1 - schedule.alphas_cumprod[s])
        error = (x.mean(0) - schedule.signal[s] * x0[0]).abs() / math.sqrt(variance / rows)
        assert float(error.max()) < 5
        assert float((x.var(0) / variance - 1).abs().max()) < 5 * math.sqrt(2 / rows)


def test_step_embedding() -> None:
    embed = StepEmbedding(8, 20)
    for s in (0, 3, 19):
        for i in range(4):
            angle = s * 10_000 ** (-i / 3)
            assert float(embed.sinusoid[s, i]) == pytest.approx(math.sin(angle), abs=1e-6)
            assert float(embed.sinusoid[s, 4 + i]) == pytest.approx(math.cos(angle), abs=1e-6)
    many = torch.arange(20).repeat(3)
    torch.testing.assert_close(embed(many), torch.cat([embed(many[i : i + 1]) for i in range(60)]))
    with pytest.raises(ValueError, match="dim must be even"):
        StepEmbedding(5, 20)


@pytest.mark.parametrize("name", ["mlp1", "mlp2"])
def test_loss_is_the_plain_formula(name: str) -> None:
    torch.manual_seed(1)
    dim, rows, p = 6, 50, 0.4
    schedule, denoiser = create_schedule("linear", 30), create_denoiser(name, dim, 30).double()  # type: ignore[arg-type]
    x0, h, null = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((rows, dim), (rows, dim), (dim,)))
    torch.manual_seed(7)
    loss = x0_loss(denoiser, schedule.signal, schedule.spread, x0, h, null, p)
    loss.backward()
    torch.manual_seed(7)
    steps = torch.randint(30, (rows,))
    noise = torch.randn(rows, dim, dtype=torch.float64)
    unguided = torch.rand(rows, 1) < p
    weights = {key: value.detach().numpy() for key, value in denoiser.state_dict().items()}
    total = 0.0
    for b in range(rows):
        s = int(steps[b])
        left = np.prod([1 - float(beta) for beta in schedule.betas[: s + 1]])
        x = math.sqrt(left) * x0[b].detach().numpy() + math.sqrt(1 - left) * noise[b].numpy()
        guide = (null if unguided[b] else h[b]).detach().numpy()
        tau = weights["embed.mlp.2.weight"] @ gelu(
            weights["embed.mlp.0.weight"] @ denoiser.embed.sinusoid[s].numpy() + weights["embed.mlp.0.bias"]
        )
        z = np.concatenate([x, guide, tau + weights["embed.mlp.2.bias"]])
        if name == "mlp1":
            f = weights["out.weight"] @ z + weights["out.bias"]
        else:
            f = weights["out.2.weight"] @ gelu(weights["out.0.weight"] @ z + weights["out.0.bias"]) + weights["out.2.bias"]
        total += float(((f - x0[b].detach().numpy()) ** 2).sum())
    assert float(loss.detach()) == pytest.approx(total / (rows * dim), rel=1e-10)
    assert 0 < int(unguided.sum()) < rows
    assert x0.grad is not None
    assert null.grad is not None
    assert h.grad is not None
    assert bool((h.grad[unguided[:, 0]] == 0).all())
    assert bool((h.grad[~unguided[:, 0]] != 0).any(1).all())


def gelu(x: np.ndarray) -> np.ndarray:
    return np.array([0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x])


def test_guidance_may_have_its_own_width() -> None:
    class Half:
        def __call__(self, x: torch.Tensor, h: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
            return 0.5 * x + h.mean(1, keepdim=True)

    torch.manual_seed(2)
    schedule = create_schedule("cosine", 12)
    x0, h, null = (torch.randn(*shape, dtype=torch.float64) for shape in ((9, 4), (9, 7), (7,)))
    torch.manual_seed(5)
    loss = x0_loss(Half(), schedule.signal, schedule.spread, x0, h, null, 0.3)
    torch.manual_seed(5)
    steps, noise = torch.randint(12, (9,)), torch.randn(9, 4, dtype=torch.float64)
    unguided = torch.rand(9, 1) < 0.3
    total = 0.0
    for b, s in enumerate(steps.tolist()):
        x = float(schedule.signal[s]) * x0[b].numpy() + float(schedule.spread[s]) * noise[b].numpy()
        error = 0.5 * x + float((null if unguided[b] else h[b]).mean()) - x0[b].numpy()
        total += float((error**2).mean())
    assert float(loss) == pytest.approx(total / 9, rel=1e-12)
    guided = Guided(Half(), h, null, 2.0)(x0, 3)
    torch.testing.assert_close(guided, 0.5 * x0 + 3 * h.mean(1, keepdim=True) - 2 * null.mean())
