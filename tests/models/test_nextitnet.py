"""NextItNet: convolutions against sums over single events, causality and reach."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from reverie.data.batch import SequenceBatch
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.models.learned import SequenceRecommender
from reverie.models.nextitnet.model import DilatedBlock
from reverie.testing.data import tiny_split


def nextitnet(**options: Any) -> SequenceRecommender:
    model = create_model("nextitnet", tiny_split(), dim=6, history=12, **options)
    assert isinstance(model, SequenceRecommender)
    return model.eval()


def naive(block: DilatedBlock, x: torch.Tensor, dilation: int) -> torch.Tensor:
    """One row [L, D]: every output is a sum over the kernel's events, those before the first are zero."""
    out = x
    for times, (convolution, norm) in enumerate(zip(block.convolutions, block.norms, strict=True), start=1):
        assert isinstance(convolution, torch.nn.Conv1d)
        assert convolution.bias is not None
        kernel, rows = convolution.weight.shape[2], []
        for t in range(len(out)):
            total = convolution.bias.clone()
            for back in range(kernel):
                at = t - back * times * dilation
                if at >= 0:
                    total = total + convolution.weight[:, :, kernel - 1 - back] @ out[at]
            rows.append(norm(total).relu())
        out = torch.stack(rows)
    return x + out


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_block_is_two_dilated_sums(dilation: int) -> None:
    torch.manual_seed(0)
    block = DilatedBlock(4, 3, dilation, dropout=0.0).double()
    x = torch.randn(2, 13, 4, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(block(x), torch.stack([naive(block, row, dilation) for row in x]))


def test_a_state_sees_what_is_within_reach_and_nothing_later() -> None:
    model, at = nextitnet(kernel=2, dilations=(1, 2)), 10  # reach 3 * 1 * 3 = 9 events back
    items = torch.arange(1, 13)[None]
    for changed in range(12):
        other = items.clone()
        other[0, changed] = 15
        with torch.no_grad():
            before, after = (model.states(SequenceBatch(i, torch.tensor([12]), torch.tensor([-1])))[0, at] for i in (items, other))
        assert torch.equal(before, after) != (at - 9 <= changed <= at), changed


def test_the_published_sizes_are_the_default() -> None:
    model: Any = create_model("nextitnet", tiny_split())
    assert [tuple(c.dilation[0] for c in block.convolutions) for block in model.network.blocks] == [(1, 2), (2, 4)] * 3
    assert all(c.weight.shape == (64, 64, 3) for block in model.network.blocks for c in block.convolutions)
    with pytest.raises(ConfigError, match="dilations"):
        create_model("nextitnet", tiny_split(), dilations=())
