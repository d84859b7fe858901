"""Blocks that read the last event alone, beside all states and a naive reference."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from reverie.models.sasrec.model import CausalTransformer
from reverie.nn.blocks import BLOCKS, SelfAttention, rotate
from reverie.nn.states import last_states


@pytest.mark.parametrize("kind", sorted(BLOCKS))
@pytest.mark.parametrize("n_blocks", [1, 3])
@pytest.mark.parametrize("rope", [False, True])
def test_the_last_state_alone_is_that_of_all_states_and_reads_nothing_later(kind: str, n_blocks: int, rope: bool) -> None:
    torch.manual_seed(0)
    blocks = [BLOCKS[kind](8, 2, 2, 0.5, rope) for _ in range(n_blocks)]
    network = CausalTransformer(blocks, 8, 6, 0.5, learned_positions=not rope).double().eval()
    x, lengths = torch.randn(5, 6, 8, dtype=torch.float64), torch.tensor([6, 1, 3, 0, 5])
    expected = last_states(network(x, lengths), lengths)
    torch.testing.assert_close(network.last(x, lengths), expected, rtol=1e-6 if rope else 1e-12, atol=1e-6 if rope else 1e-12)
    x[2, 3:] = 7.0  # after the end
    torch.testing.assert_close(network.last(x, lengths)[2], expected[2], rtol=1e-6, atol=1e-6)


@torch.no_grad()
def test_attention_from_one_event_is_a_weighted_mean_of_those_up_to_it() -> None:
    torch.manual_seed(1)
    attention = SelfAttention(4, 1, 0.0, rope=False).double()
    x, at = torch.randn(3, 5, 4, dtype=torch.float64), torch.tensor([4, 0, 2])
    found = attention(x, at=at)
    q, k, v = attention.qkv(x).chunk(3, dim=-1)
    for row, place in enumerate(at.tolist()):
        scores = [float(q[row, place] @ k[row, j]) / math.sqrt(4) for j in range(place + 1)]
        shares = [math.exp(one) / sum(map(math.exp, scores)) for one in scores]
        mixed: Tensor = sum((share * v[row, j] for j, share in enumerate(shares)), torch.zeros(4, dtype=torch.float64))
        torch.testing.assert_close(found[row, 0], attention.out(mixed))


def test_an_event_is_rotated_by_its_place() -> None:
    x = torch.randn(2, 3, 7, 4)
    at = torch.tensor([5, 0])
    chosen = x[torch.arange(2), :, at][:, :, None]
    torch.testing.assert_close(rotate(chosen, at=at)[:, :, 0], rotate(x)[torch.arange(2), :, at])
