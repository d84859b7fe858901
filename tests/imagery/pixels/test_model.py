import copy
from typing import Literal

import numpy as np
import pytest
import torch

from reverie.imagery.pixels.captions import encode_captions
from reverie.imagery.pixels.config import DrawingConfig, PixelsConfig
from reverie.imagery.pixels.model import CaptionedBatch, PixelModel
from reverie.seeds import seed_torch


def batch(tiny: PixelsConfig, rows: int = 6) -> CaptionedBatch:
    words = torch.randint(0, tiny.caption.buckets, (rows, tiny.caption.words, tiny.caption.pieces))
    return CaptionedBatch(torch.rand(rows, 3 * tiny.size**2) * 2 - 1, words)


def test_the_loss_is_the_squared_error_of_the_clean_picture(tiny: PixelsConfig) -> None:
    """Against the definition, row by row and in float64."""
    seed_torch(0, "test")
    model = PixelModel(tiny.model_copy(update={"p_uncond": 0.5})).double()
    for weight in model.learned.parameters():
        weight.data += 0.05 * torch.randn_like(weight)
    shown = batch(tiny)
    shown = CaptionedBatch(shown.pixels.double(), shown.words)
    torch.manual_seed(3)
    found = float(model.loss(shown)["loss"].detach())
    torch.manual_seed(3)
    steps = torch.randint(tiny.steps, (6,))
    noise, dropped = torch.randn_like(shown.pixels), torch.rand(6, 1) < 0.5
    h = model.learned.encoder(shown.words).double()
    errors = []
    for row, step in enumerate(steps):
        left = model.schedule.alphas_cumprod[step]
        noisy = left.sqrt() * shown.pixels[row] + (1 - left).sqrt() * noise[row]
        guide = model.learned.null if dropped[row] else h[row]
        said = model.learned.denoiser(noisy[None], guide[None], step[None])[0]
        errors.append((said - shown.pixels[row]).square().mean())
    assert found == pytest.approx(float(torch.stack(errors).mean().detach()), rel=1e-5)


def test_the_last_step_has_no_signal_left(tiny: PixelsConfig) -> None:
    model = PixelModel(tiny)
    assert model.schedule.alphas_cumprod[-1] == 0
    assert float(model.spread[0]) > 0


def test_the_running_mean_is_that_of_a_loop(tiny: PixelsConfig) -> None:
    model = PixelModel(tiny.model_copy(update={"ema": 0.7}))
    expected = copy.deepcopy(model.mean.null.data).double()
    for number in range(1, 6):
        model.learned.null.data = torch.full_like(expected, number).float()
        model.after_step()
        decay = min(0.7, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * number
    assert torch.allclose(model.mean.null.double(), expected, atol=1e-6)
    assert not any(weight.requires_grad for weight in model.mean.parameters())


def test_captions_reach_the_picture_and_a_few_steps_teach_it(tiny: PixelsConfig) -> None:
    """Two captions, two colours: after some steps each caption draws its own."""
    seed_torch(0, "test")
    model = PixelModel(tiny.model_copy(update={"ema": 0.5}), ("red", "blue"))
    words = torch.from_numpy(encode_captions(["red", "blue"] * 8, tiny.caption))
    colour = torch.tensor([[1.0, -1, -1], [-1, -1, 1]]).repeat(8, 1)
    pixels = colour[:, :, None].expand(-1, -1, tiny.size**2).reshape(16, -1)
    optimiser = torch.optim.AdamW(model.learned.parameters(), lr=1e-2)
    for _ in range(30):
        loss = model.loss(CaptionedBatch(pixels, words))["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        model.after_step()
    drawn = model.draw(["red", "blue"], [1, 2], DrawingConfig(steps=6, guidance=1.0)).double().mean((2, 3))
    assert drawn[0, 0] > drawn[0, 2] + 80
    assert drawn[1, 2] > drawn[1, 0] + 80


@pytest.mark.parametrize("sampler", ["ddim", "dpm-solver"])
def test_a_picture_is_a_function_of_caption_and_seed(tiny: PixelsConfig, sampler: Literal["ddim", "dpm-solver"]) -> None:
    seed_torch(1, "test")
    model = PixelModel(tiny)
    for weight in model.mean.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    config = DrawingConfig(sampler=sampler, steps=3, guidance=1.0)
    one = model.draw(["cat"], [5], config)
    assert one.shape == (1, 3, 16, 16)
    assert one.dtype == torch.uint8
    assert torch.equal(one, model.draw(["cat"], [5], config))
    assert not torch.equal(one, model.draw(["cat"], [6], config))
    assert not torch.equal(one, model.draw(["dog"], [5], config))
    beside = model.draw(["dog", "cat"], [9, 5], config)[1].int()
    assert np.abs((beside - one[0].int()).numpy()).max() <= 1  # sums in another order


def test_levels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be halved"):
        PixelsConfig(size=8, patch=4, channels=(16, 16, 16))
    with pytest.raises(ValueError, match="multiples of 8"):
        PixelsConfig(channels=(16, 20))
