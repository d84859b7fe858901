from __future__ import annotations

import pytest
import torch

from reverie.nn.blocks import Dropout, SelfAttention, dropout


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_the_share_and_the_scale_are_right(p: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(3, 70_001)
    out = dropout(x, p, training=True)
    kept = out > 0
    assert float(kept.float().mean()) == pytest.approx(1 - p, abs=4 * (p * (1 - p) / x.numel()) ** 0.5 + 2**-16)
    torch.testing.assert_close(out[kept], torch.full_like(out[kept], 1 / (1 - p)), rtol=1e-3, atol=0)
    left, right = kept[0, :-1].float(), kept[0, 1:].float()
    assert abs(float(((left - left.mean()) * (right - right.mean())).mean())) < 4 * p * (1 - p) / 70_000**0.5


def test_the_gradient_is_the_mask() -> None:
    torch.manual_seed(1)
    x = torch.randn(11, 7, requires_grad=True)
    out = dropout(x, 0.4, training=True)
    out.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad * x.detach(), out.detach())


def test_it_does_nothing_outside_training_and_repeats_under_a_seed() -> None:
    layer, x = Dropout(0.5), torch.randn(5, 9)
    assert layer.eval()(x) is x
    assert dropout(x, 0.0, training=True) is x
    layer.train()
    torch.manual_seed(3)
    first = layer(x)
    torch.manual_seed(3)
    assert torch.equal(first, layer(x))


def test_attention_with_dropped_weights_is_attention_on_average() -> None:
    torch.manual_seed(0)
    layer = SelfAttention(8, 2, dropout=0.3, rope=True)
    x = torch.randn(2, 5, 8)
    expected = layer.eval()(x)
    layer.train()
    with torch.no_grad():
        mean = torch.stack([layer(x) for _ in range(4000)]).mean(0)
    torch.testing.assert_close(mean, expected, rtol=0, atol=0.03)
